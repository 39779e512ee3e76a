import { AppError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { diskTooSlow, type Journal, type RecordPlace } from '../events/journal.ts';

/** A place in the order of what will be durable. Who takes one gives it its record, or gives it up. */
export interface CommitSlot {
  /**
   * Gives the slot its record; resolves when it, and all before it, are durable.
   *
   * @throws AppError as {@link Journal.append}, or `not_durable` where the state that the slot
   * was taken under has been rolled back; it is rolled back, too, for a record that the journal refuses.
   */
  commit(payload: Uint8Array): Promise<RecordPlace>;
  /**
   * There will be no record: once all before it is durable, the state that was touched for it is rolled back, with
   * all that was touched since. Resolves when it is; at once where the slot has its record.
   */
  giveUp(): Promise<void>;
}

/**
 * Appends to the journal in the order in which state was touched, though decisions are ready in
 * another: a decision must never be durable before an event that it has seen.
 */
export class CommitQueue {
  readonly #journal: Journal;
  #slots: Slot[] = [];
  #head = 0;
  /** Of the slots that the journal has no record of yet. */
  #expectedBytes = 0;
  /** Nothing more is appended: the journal takes state back, and then calls for {@link reset}. */
  #isLost = false;
  readonly #onReady = (): void => this.#drain();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /**
   * Asks for room before state is touched: what waits for the disk, and what is under way and will, is limited.
   *
   * @param bytes that the record will have, near enough.
   * @throws AppError `overloaded` where the disk does not keep up.
   */
  checkRoom(bytes: number): void {
    if (this.#expectedBytes + this.#journal.unwrittenBytes() + bytes > LIMITS.journalQueueBytes) throw diskTooSlow();
  }

  /** Takes the next place; call it in the same turn as the state was touched. @param bytes as for {@link checkRoom}. */
  enter(mark: number, bytes: number): CommitSlot {
    const slot = new Slot(mark, bytes, this.#onReady);
    this.#slots.push(slot);
    this.#expectedBytes += bytes;
    return slot;
  }

  /** State was rolled back: every slot that is not in the journal yet is void. */
  reset(): void {
    const lost = this.#slots.slice(this.#head);
    this.#slots = [];
    this.#head = 0;
    this.#expectedBytes = 0;
    this.#isLost = false;
    for (const slot of lost) slot.makeVoid();
  }

  #drain(): void {
    while (this.#head < this.#slots.length && !this.#isLost) {
      const slot = this.#slots[this.#head] as Slot;
      const { payload } = slot;
      if (payload === undefined && !slot.isGivenUp) break;
      const refusal = payload && this.#journal.refusal(payload);
      if (payload === undefined || refusal !== undefined) {
        // State was touched already: what is refused only here is lost like a group that the disk did not take.
        slot.refusal = refusal;
        this.#isLost = true;
        this.#journal.takeBack();
        return;
      }
      this.#head += 1;
      this.#expectedBytes -= slot.bytes;
      slot.resolve(this.#journal.append(payload, slot.mark));
    }
    // Drop what is done once it is the larger part, so that the array does not grow for ever.
    if (this.#head > 1024 && this.#head * 2 > this.#slots.length) {
      this.#slots = this.#slots.slice(this.#head);
      this.#head = 0;
    }
  }
}

/** One object a payment: it is the place in the queue and what its owner holds. */
class Slot implements CommitSlot {
  readonly mark: number;
  readonly bytes: number;
  payload: Uint8Array | undefined = undefined;
  isGivenUp = false;
  /** Why the journal did not take the record. */
  refusal: AppError | undefined = undefined;
  resolve: (place: Promise<RecordPlace>) => void = unasked;
  readonly #onReady: () => void;
  #isVoid = false;
  #onVoid: () => void = unasked;

  constructor(mark: number, bytes: number, onReady: () => void) {
    this.mark = mark;
    this.bytes = bytes;
    this.#onReady = onReady;
  }

  commit(payload: Uint8Array): Promise<RecordPlace> {
    if (this.#isVoid) return Promise.reject(lost());
    return new Promise((resolve) => {
      this.payload = payload;
      this.resolve = resolve;
      this.#onReady();
    });
  }

  giveUp(): Promise<void> {
    if (this.#isVoid || this.payload !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.isGivenUp = true;
      this.#onVoid = resolve;
      this.#onReady();
    });
  }

  makeVoid(): void {
    this.#isVoid = true;
    if (this.payload !== undefined) this.resolve(Promise.reject(this.refusal ?? lost()));
    this.#onVoid();
  }
}

function unasked(): void {}

function lost(): AppError {
  return new AppError('not_durable', 'the journal lost what this decision was based on: try again');
}
