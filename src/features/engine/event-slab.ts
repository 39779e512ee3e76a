import { AppError } from '../../base/errors.ts';

/**
 * Blocks of events in one array, in classes of 1, 2, 4 … events, with a list of free blocks for
 * each class. An entity's events lie side by side, so that reading 256 of them costs 256 cache
 * lines' halves and not 256 misses. The array is made at its limit; the system gives it memory as
 * it is written.
 */
export class EventSlab {
  readonly numbers: Float64Array;
  /** Numbers of an event. */
  readonly stride: number;
  readonly capacity: number;
  readonly #free: number[][] = [];
  #used = 0;
  #freed = 0;

  /** @param capacity events. */
  constructor(capacity: number, stride: number) {
    this.capacity = capacity;
    this.stride = stride;
    this.numbers = new Float64Array(capacity * stride);
    for (let sizeClass = 0; sizeClass <= 12; sizeClass += 1) this.#free.push([]);
  }

  /** Events in blocks that are handed out. */
  get used(): number {
    return this.#used - this.#freed;
  }

  /** Whether any block of up to `events` can be handed out. */
  hasRoom(events: number): boolean {
    return this.#used + events <= this.capacity;
  }

  /** The first event of a block of 2^sizeClass events. */
  take(sizeClass: number): number {
    const free = this.#free[sizeClass]?.pop();
    const size = 1 << sizeClass;
    if (free !== undefined) {
      this.#freed -= size;
      return free;
    }
    if (!this.hasRoom(size)) {
      throw new AppError('state_full', 'the store has no room for more events; raise its limit of payments');
    }
    const base = this.#used;
    this.#used += size;
    return base;
  }

  /** Gives a block back. */
  give(base: number, sizeClass: number): void {
    this.#free[sizeClass]?.push(base);
    this.#freed += 1 << sizeClass;
  }

  /** What a snapshot needs beside the numbers. */
  layout(): { readonly used: number; readonly free: readonly (readonly number[])[] } {
    return { used: this.#used, free: this.#free };
  }

  /** Takes a snapshot's layout. */
  restoreLayout(used: number, free: readonly (readonly number[])[]): void {
    this.#used = used;
    this.#freed = 0;
    for (const [sizeClass, blocks] of free.entries()) {
      this.#free[sizeClass] = [...blocks];
      this.#freed += blocks.length << sizeClass;
    }
  }
}
