import { EVENT_IDENTITY, EVENT_TIME } from '../engine/event-layout.ts';

/*
 * A cold event that was retracted leaves a hole, so that the others keep their positions. Its time is before that of
 * any window and its identity that of no payment: whoever walks events by their times passes over it, unasked.
 */

/** Whether there is a hole in place of an event. */
export function isHole(numbers: Float64Array, at: number): boolean {
  return numbers[at + EVENT_TIME] === -Infinity;
}

/** Makes an event a hole; its other numbers stay. */
export function makeHole(numbers: Float64Array, at: number): void {
  numbers[at + EVENT_TIME] = -Infinity;
  numbers[at + EVENT_IDENTITY] = Number.NaN;
}

/** Makes a hole the event that it was. */
export function fillHole(numbers: Float64Array, at: number, time: number, identity: number): void {
  numbers[at + EVENT_TIME] = time;
  numbers[at + EVENT_IDENTITY] = identity;
}
