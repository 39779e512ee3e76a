import { SUMMED } from '../engine/aggregate-kinds.ts';
import type { KindPlan } from '../engine/window-plan.ts';

/**
 * What is kept of an event beside its time, for sums over runs of events. First, for each group, what all events before
 * this one sum to (count; Σx where the group has a column; Σx² where it needs squares), so that the sums of a run are
 * the difference of two rows. Then, for groups whose extremes are read, the event's own value, NaN where it does not count.
 */
export interface PrefixRow {
  readonly groups: readonly PrefixGroup[];
  /** Numbers that are sums; they come first. */
  readonly sums: number;
  /** Numbers of a row. */
  readonly stride: number;
}

/** Where the numbers of a group lie in a row; −1 where it has none such. */
export interface PrefixGroup {
  readonly slot: number;
  readonly condition: number;
  readonly includesOwn: boolean;
  readonly count: number;
  readonly total: number;
  readonly square: number;
  readonly value: number;
}

/** Lays the rows of a kind out. */
export function prefixRow({ groups, sums }: KindPlan): PrefixRow {
  let stride = 0;
  const place = (isThere: boolean): number => {
    if (!isThere) return -1;
    stride += 1;
    return stride - 1;
  };
  const summed = groups.map(({ slot, condition, includesOwn, needsSquares }) => ({
    slot,
    condition,
    includesOwn,
    count: place(true),
    total: place(slot >= 0),
    square: place(slot >= 0 && needsSquares),
  }));
  const sumsOfRow = stride;
  const laidOut = summed.map((group, at) => {
    const codes = sums.filter((sum) => sum.group === at).flatMap(({ reads }) => reads.map(({ code }) => code));
    return { ...group, value: place(codes.some((code) => code === SUMMED.max || code === SUMMED.min)) };
  });
  return { groups: laidOut, sums: sumsOfRow, stride };
}
