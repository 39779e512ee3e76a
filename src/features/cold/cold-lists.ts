import { EVENT_IDENTITY, passes } from '../engine/event-layout.ts';
import { GROUP_STRIDE } from '../engine/group-sums.ts';
import type { ColdEvents } from './cold-events.ts';
import { type ColdLayout, SUMMARY } from './cold-layout.ts';
import type { ColdVisitor } from './cold-visit.ts';

/** Which cold events a list looks for. */
export interface ColdQuery {
  /** Column that must be there and condition that must hold; −1 where there is none. */
  readonly slot: number;
  readonly condition: number;
  /** Token of a payment that does not count; −1 where all do. */
  readonly leftOut: number;
  /** Event times after `start` and up to `end`. */
  readonly start: number;
  readonly end: number;
}

/** The newest, or the oldest, cold events of a window, in the order of (event time, sequence). */
export class ColdLists implements ColdVisitor {
  readonly #layout: ColdLayout;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly bits: Float64Array;
  count = 0;
  #query: ColdQuery = { slot: -1, condition: -1, leftOut: -1, start: 0, end: 0 };
  #part = 0;
  #most = 0;
  #isOldest = false;

  /** @param room the most that is ever asked for. */
  constructor(layout: ColdLayout, room: number) {
    this.#layout = layout;
    this.times = new Float64Array(room);
    this.values = new Float64Array(room);
    this.bits = new Float64Array(room);
  }

  /** Finds the newest `most` events. */
  findNewest(cold: ColdEvents, query: ColdQuery, most: number): void {
    this.#find(cold, query, most, false);
  }

  /** Finds the oldest event. */
  findOldest(cold: ColdEvents, query: ColdQuery): void {
    this.#find(cold, query, 1, true);
  }

  #find(cold: ColdEvents, query: ColdQuery, most: number, isOldest: boolean): void {
    const { groups } = this.#layout;
    const part = groups.findIndex(({ slot, condition }) => slot === query.slot && condition === query.condition);
    this.#part = SUMMARY.groups + part * GROUP_STRIDE;
    this.#query = query;
    this.#most = most;
    this.#isOldest = isOldest;
    this.count = 0;
    cold.visit(this, !isOldest);
  }

  enters(summaries: Float64Array, at: number): boolean {
    const { start, end } = this.#query;
    const oldest = summaries[at + SUMMARY.oldest] as number;
    const newest = summaries[at + SUMMARY.newest] as number;
    if (newest <= start || oldest > end || summaries[at + this.#part] === 0) return false;
    if (this.count < this.#most) return true;
    // Of a tie the later by sequence is the newer one: it was visited first, from either end.
    return this.#isOldest ? oldest < (this.times[0] as number) : newest > (this.times[0] as number);
  }

  event(numbers: Float64Array, at: number): void {
    const { slot, condition, leftOut, start, end } = this.#query;
    const time = numbers[at] as number;
    if (time <= start || time > end || numbers[at + EVENT_IDENTITY] === leftOut) return;
    if (!passes(numbers, at, this.#layout.conditionSlot, condition)) return;
    const value = slot < 0 ? 0 : (numbers[at + slot] as number);
    if (Number.isNaN(value)) return;
    if (this.count === this.#most) {
      const worst = this.times[0] as number;
      if (this.#isOldest ? time >= worst : time <= worst) return;
      this.#removeFirst();
    }
    const { conditionSlot } = this.#layout;
    this.#insert(time, value, conditionSlot < 0 ? 0 : (numbers[at + conditionSlot] as number));
  }

  #removeFirst(): void {
    this.times.copyWithin(0, 1, this.count);
    this.values.copyWithin(0, 1, this.count);
    this.bits.copyWithin(0, 1, this.count);
    this.count -= 1;
  }

  /** Newest by sequence first: of a tie what comes now stands before what came. */
  #insert(time: number, value: number, bits: number): void {
    let at = 0;
    while (at < this.count && (this.times[at] as number) < time) at += 1;
    this.times.copyWithin(at + 1, at, this.count);
    this.values.copyWithin(at + 1, at, this.count);
    this.bits.copyWithin(at + 1, at, this.count);
    this.times[at] = time;
    this.values[at] = value;
    this.bits[at] = bits;
    this.count += 1;
  }
}
