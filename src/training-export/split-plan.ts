import type { GroupName } from './group-split.ts';
import { type SplitName, splitOf, type TimeSplit } from './time-split.ts';

/** The split of a row; `crossed` where time and group name different ones, so that it is in no file. */
export type RowSplit = SplitName | 'crossed';

/**
 * The split of a row at `t`, whose group is `group`. With both, a row is in a split only where both
 * say so: training knows neither the days nor the entities of the others. A row of the embargo has
 * to be in training's groups, for it is what training leaves out.
 *
 * @param group null where there is no split by group.
 */
export function rowSplit(t: number, horizonMicros: number, time: TimeSplit | null, group: GroupName | null): RowSplit {
  const byTime = splitOf(t, horizonMicros, time);
  if (group === null) return byTime;
  if (byTime === 'all') return group;
  return (byTime === 'embargo' ? 'train' : byTime) === group ? byTime : 'crossed';
}
