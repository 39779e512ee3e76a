import { EVENT_IDENTITY, EVENT_TIME } from '../engine/event-layout.ts';
import type { FirstTimes } from '../engine/first-times.ts';
import { SUMMARY } from './cold-layout.ts';
import { type ColdState, type ColdVisitor, visitCold } from './cold-visit.ts';

/**
 * Position of a cold event; −1 where it is not there. Only pages whose times enclose its time are read: one or two
 * where payments come in their order.
 */
export function findCold(state: ColdState, identity: number, time: number): number {
  let found = -1;
  const visitor: ColdVisitor = {
    enters: (summaries, at) =>
      found < 0 &&
      (summaries[at + SUMMARY.oldest] as number) <= time &&
      (summaries[at + SUMMARY.newest] as number) >= time,
    event: (numbers, at, position) => {
      if (numbers[at + EVENT_TIME] === time && numbers[at + EVENT_IDENTITY] === identity) found = position;
    },
  };
  visitCold(state, visitor, true);
  return found;
}

/** The two smallest event times of cold events and of others. @param others those of the others. */
export function firstTimesOf(state: ColdState, others: FirstTimes): FirstTimes {
  let { first, second } = others;
  const visitor: ColdVisitor = {
    enters: (summaries, at) => (summaries[at + SUMMARY.oldest] as number) < second,
    event: (numbers, at) => {
      const time = numbers[at + EVENT_TIME] as number;
      if (time === -Infinity || time >= second) return;
      if (time < first) [first, second] = [time, first];
      else second = time;
    },
  };
  visitCold(state, visitor, false);
  return { first, second };
}

/** A register of an approximate distinct count, and the events that count there. */
export interface ColdRegister {
  /** Place of register and rank in an event. */
  readonly slot: number;
  readonly register: number;
  /** Whether an event counts. */
  readonly counts: (numbers: Float64Array, at: number) => boolean;
  /** Event times after `start` and up to `end`. */
  readonly start: number;
  readonly end: number;
}

/**
 * The highest rank that cold events have in a register, or `enough` as soon as one has it; 0 where none counts there.
 *
 * @param enough no event has a higher one.
 */
export function highestRank(state: ColdState, of: ColdRegister, enough: number): number {
  const { slot, register, counts, start, end } = of;
  let highest = 0;
  const visitor: ColdVisitor = {
    enters: (summaries, at) =>
      highest < enough &&
      (summaries[at + SUMMARY.newest] as number) > start &&
      (summaries[at + SUMMARY.oldest] as number) <= end,
    event: (numbers, at) => {
      const time = numbers[at + EVENT_TIME] as number;
      const packed = numbers[at + slot] as number;
      if (time <= start || time > end || Math.floor(packed / 64) !== register || !counts(numbers, at)) return;
      highest = Math.max(highest, packed % 64);
    },
  };
  visitCold(state, visitor, true);
  return highest;
}
