import { BASE, CLASS, HEAD, KEPT } from './entity-record.ts';
import { EVENT_IDENTITY, EVENT_TIME } from './event-layout.ts';
import type { EventSlab } from './event-slab.ts';
import type { FirstTimes } from './first-times.ts';
import type { UndoLog } from './undo-log.ts';

/**
 * The events that an entity has in memory, oldest by sequence first, as a ring in its block: what is done with one in
 * the midst of it. A record begins at `at`, counted in int32.
 */
export class EventRing {
  readonly #ints: Int32Array;
  readonly #slab: EventSlab;

  /** @param ints records of entities. */
  constructor(ints: Int32Array, slab: EventSlab) {
    this.#ints = ints;
    this.#slab = slab;
  }

  /** Place of an event, how many lie before it; −1 where it is not there. @param identity of the event. */
  placeOf(at: number, identity: number): number {
    const { numbers } = this.#slab;
    for (let place = (this.#ints[at + KEPT] as number) - 1; place >= 0; place -= 1) {
      if (numbers[this.#numbersAt(at, place) + EVENT_IDENTITY] === identity) return place;
    }
    return -1;
  }

  /** Takes an event out; those behind it move up. @param undo takes its numbers, where it may be put back. */
  takeOut(at: number, place: number, undo: UndoLog | null): void {
    const { numbers, stride } = this.#slab;
    const taken = this.#numbersAt(at, place);
    if (undo !== null) for (let number = 0; number < stride; number += 1) undo.push(numbers[taken + number] as number);
    const last = (this.#ints[at + KEPT] as number) - 1;
    for (let next = place; next < last; next += 1) this.#copy(at, next + 1, next);
    this.#ints[at + KEPT] = last;
  }

  /** Puts an event back that was taken out; its numbers are the newest of `undo`. */
  putBack(at: number, place: number, undo: UndoLog): void {
    const { numbers, stride } = this.#slab;
    const kept = this.#ints[at + KEPT] as number;
    for (let next = kept; next > place; next -= 1) this.#copy(at, next - 1, next);
    const to = this.#numbersAt(at, place);
    for (let number = stride - 1; number >= 0; number -= 1) numbers[to + number] = undo.pop();
    this.#ints[at + KEPT] = kept + 1;
  }

  /** The two smallest event times; Infinity where there are fewer events. */
  firstTimes(at: number): FirstTimes {
    const { numbers } = this.#slab;
    let first = Infinity;
    let second = Infinity;
    for (let place = (this.#ints[at + KEPT] as number) - 1; place >= 0; place -= 1) {
      const time = numbers[this.#numbersAt(at, place) + EVENT_TIME] as number;
      if (time < first) {
        second = first;
        first = time;
      } else if (time < second) second = time;
    }
    return { first, second };
  }

  #copy(at: number, from: number, to: number): void {
    const { numbers, stride } = this.#slab;
    const source = this.#numbersAt(at, from);
    numbers.copyWithin(this.#numbersAt(at, to), source, source + stride);
  }

  #numbersAt(at: number, place: number): number {
    const ints = this.#ints;
    const mask = (1 << ((ints[at + CLASS] as number) - 1)) - 1;
    return ((ints[at + BASE] as number) + (((ints[at + HEAD] as number) + place) & mask)) * this.#slab.stride;
  }
}
