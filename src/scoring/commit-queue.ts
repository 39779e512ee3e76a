import { AppError } from '../base/errors.ts';
import type { Journal, RecordPlace } from '../events/journal.ts';

/** A place in the order of what will be durable. */
export interface CommitSlot {
  /**
   * Gives the slot its record; resolves when it, and all before it, are durable.
   *
   * @throws AppError as {@link Journal.append}, or `not_durable` where the state that the slot
   * was taken under has been rolled back.
   */
  commit(payload: Uint8Array): Promise<RecordPlace>;
}

interface Entry {
  readonly mark: number;
  payload: Uint8Array | undefined;
  resolve: (place: Promise<RecordPlace>) => void;
}

/**
 * Appends to the journal in the order in which state was touched, though decisions are ready in
 * another: a decision must never be durable before an event that it has seen.
 */
export class CommitQueue {
  readonly #journal: Journal;
  #entries: Entry[] = [];
  #head = 0;
  #generation = 0;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Takes the next place; call it in the same turn as the state was touched. */
  enter(mark: number): CommitSlot {
    const generation = this.#generation;
    const entry: Entry = { mark, payload: undefined, resolve: () => {} };
    this.#entries.push(entry);
    return {
      commit: (payload) => {
        if (generation !== this.#generation) {
          return Promise.reject(
            new AppError('not_durable', 'the journal lost what this decision was based on: try again'),
          );
        }
        return new Promise((resolve) => {
          entry.payload = payload;
          entry.resolve = resolve;
          this.#drain();
        });
      },
    };
  }

  /** State was rolled back: every slot that is not in the journal yet is void. */
  reset(): void {
    this.#generation += 1;
    const lost = this.#entries.slice(this.#head);
    this.#entries = [];
    this.#head = 0;
    for (const { payload, resolve } of lost) {
      if (payload !== undefined) {
        resolve(
          Promise.reject(new AppError('not_durable', 'the journal lost what this decision was based on: try again')),
        );
      }
    }
  }

  #drain(): void {
    while (this.#head < this.#entries.length) {
      const entry = this.#entries[this.#head] as Entry;
      if (entry.payload === undefined) break;
      this.#head += 1;
      entry.resolve(this.#journal.append(entry.payload, entry.mark));
    }
    // Drop what is done once it is the larger part, so that the array does not grow for ever.
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }
}
