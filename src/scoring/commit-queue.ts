import { AppError } from '../base/errors.ts';
import type { Journal, RecordPlace } from '../events/journal.ts';

/** A place in the order of what will be durable. Who takes one gives it its record, or gives it up. */
export interface CommitSlot {
  /**
   * Gives the slot its record; resolves when it, and all before it, are durable.
   *
   * @throws AppError as {@link Journal.append}, or `not_durable` where the state that the slot
   * was taken under has been rolled back.
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
  /** Nothing more is appended: the journal takes state back, and then calls for {@link reset}. */
  #isLost = false;
  readonly #onReady = (): void => this.#drain();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Takes the next place; call it in the same turn as the state was touched. */
  enter(mark: number): CommitSlot {
    const slot = new Slot(mark, this.#onReady);
    this.#slots.push(slot);
    return slot;
  }

  /** State was rolled back: every slot that is not in the journal yet is void. */
  reset(): void {
    const lost = this.#slots.slice(this.#head);
    this.#slots = [];
    this.#head = 0;
    this.#isLost = false;
    for (const slot of lost) slot.makeVoid();
  }

  #drain(): void {
    while (this.#head < this.#slots.length && !this.#isLost) {
      const slot = this.#slots[this.#head] as Slot;
      if (slot.isGivenUp) {
        this.#isLost = true;
        this.#journal.takeBack();
        return;
      }
      if (slot.payload === undefined) break;
      this.#head += 1;
      slot.resolve(this.#journal.append(slot.payload, slot.mark));
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
  payload: Uint8Array | undefined = undefined;
  isGivenUp = false;
  resolve: (place: Promise<RecordPlace>) => void = unasked;
  readonly #onReady: () => void;
  #isVoid = false;
  #onVoid: () => void = unasked;

  constructor(mark: number, onReady: () => void) {
    this.mark = mark;
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
    if (this.payload !== undefined) this.resolve(Promise.reject(lost()));
    this.#onVoid();
  }
}

function unasked(): void {}

function lost(): AppError {
  return new AppError('not_durable', 'the journal lost what this decision was based on: try again');
}
