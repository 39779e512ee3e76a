import type { WindowAggregate } from '../definition/definition.ts';

/** Codes of aggregates that sums over buckets give. */
export const SUMMED = { count: 0, sum: 1, mean: 2, variance: 3, stddev: 4, min: 5, max: 6 } as const;

const SUM_CODES: Readonly<Partial<Record<WindowAggregate, number>>> = SUMMED;

/** Aggregates that use what an entity dropped as well, event by event or by tiles. */
const TILED: ReadonlySet<WindowAggregate> = new Set([
  'distinct_approx',
  'quantile_approx',
  'decayed_sum',
  'decayed_count',
]);

/** Code of an aggregate that sums over buckets give; undefined of another. */
export function sumCode(aggregate: WindowAggregate): number | undefined {
  return SUM_CODES[aggregate];
}

/** How an aggregate is computed: from sums over buckets, from a window's events in their order, or from events and tiles. */
export function wayOf(aggregate: WindowAggregate): 'sums' | 'lists' | 'tiles' {
  if (sumCode(aggregate) !== undefined) return 'sums';
  return TILED.has(aggregate) ? 'tiles' : 'lists';
}
