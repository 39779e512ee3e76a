import { didYouMean } from '../../base/nearest-name.ts';
import { LABEL_STATES } from '../../domain/label.ts';
import type { ColumnType } from '../../domain/payment-row.ts';
import { durationMicros } from '../duration.ts';
import { COLUMN_TYPES } from '../expression/derived-columns.ts';
import {
  DEFAULT_MATURITY,
  type Duration,
  type LabelFeature,
  WINDOW_AGGREGATES,
  type WindowAggregate,
  type WindowFeature,
} from './definition.ts';
import { fail } from './definition-fault.ts';
import { reachMicros } from './kept-events.ts';

/** What an aggregate asks of its definition. */
interface AggregateRule {
  /** Types that its column may have; none where it takes no column. */
  readonly types: readonly ColumnType[];
  /** Whether the column may be left out. */
  readonly optional?: true;
  /** Members beside the common ones that it needs. */
  readonly needs?: readonly (keyof WindowFeature)[];
  /** Whether it can hop; all time then is exact as well. */
  readonly hops?: true;
}

const NUMBERS: readonly ColumnType[] = ['long', 'boolean', 'timestamp', 'date'];
const ANY: readonly ColumnType[] = [...NUMBERS, 'string'];

const RULES: Readonly<Record<WindowAggregate, AggregateRule>> = {
  count: { types: ANY, optional: true, hops: true },
  sum: { types: NUMBERS, hops: true },
  mean: { types: NUMBERS, hops: true },
  variance: { types: NUMBERS, hops: true },
  stddev: { types: NUMBERS, hops: true },
  min: { types: NUMBERS, hops: true },
  max: { types: NUMBERS, hops: true },
  first: { types: NUMBERS },
  last: { types: NUMBERS },
  nth_last: { types: NUMBERS, needs: ['n'] },
  time_since_first: { types: [], needs: ['unit'] },
  time_since_last: { types: [], needs: ['unit'] },
  distinct: { types: ANY },
  distinct_approx: { types: ANY, hops: true },
  top: { types: NUMBERS },
  is_top: { types: ANY },
  quantile: { types: NUMBERS, needs: ['quantile'] },
  quantile_approx: { types: ['long'], needs: ['quantile'], hops: true },
  decayed_sum: { types: NUMBERS, needs: ['halfLife', 'hop'], hops: true },
  decayed_count: { types: [], needs: ['halfLife', 'hop'], hops: true },
  streak: { types: [], needs: ['while'] },
};

/** Members that only some aggregates take. */
const SPECIAL: readonly (keyof WindowFeature)[] = ['unit', 'n', 'quantile', 'halfLife', 'while', 'most', 'timeToLive'];
const ALSO: Readonly<Partial<Record<WindowAggregate, readonly (keyof WindowFeature)[]>>> = {
  streak: ['most'],
  last: ['timeToLive'],
  nth_last: ['timeToLive'],
};

/** Longer windows would make every entity keep its events longer than anything else needs them. */
const LONGEST_WINDOW = '400d';

/** Checks a window feature but for its conditions. @throws AppError `feature_invalid`. */
export function checkWindow(feature: WindowFeature): void {
  const { name, aggregate, window, offset } = feature;
  const rule = RULES[aggregate];
  if (rule === undefined) {
    fail(
      name,
      `there is no aggregate '${String(aggregate)}'${didYouMean(String(aggregate), WINDOW_AGGREGATES)}`,
      'aggregate',
    );
  }
  checkColumn(feature, rule);
  for (const needed of rule.needs ?? []) {
    if (feature[needed] === undefined) fail(name, `${aggregate} needs '${needed}'`, 'aggregate');
  }
  for (const special of SPECIAL) {
    if (feature[special] === undefined) continue;
    if (rule.needs?.includes(special) !== true && ALSO[aggregate]?.includes(special) !== true)
      fail(name, `${aggregate} takes no '${special}'`, special);
  }
  checkNumbers(feature);
  checkSpan(feature, rule);
  if (window !== 'all' && window !== 'civil_day' && window !== 'civil_month') checkReach(name, window, offset);
}

function checkReach(name: string, window: Duration, offset: Duration | undefined): void {
  const reach = durationMicros(window, name) + (offset === undefined ? 0 : durationMicros(offset, name));
  if (reach > durationMicros(LONGEST_WINDOW, name))
    fail(name, `a window reaches back ${LONGEST_WINDOW} at most`, 'window');
}

function checkColumn({ name, aggregate, column }: WindowFeature, { types, optional }: AggregateRule): void {
  if (column === undefined) {
    if (types.length > 0 && optional !== true) fail(name, `${aggregate} needs a column`, 'aggregate');
    return;
  }
  if (types.length === 0) fail(name, `${aggregate} takes no column`, 'column');
  const type = COLUMN_TYPES.get(column);
  if (type === undefined) {
    fail(name, `there is no column '${column}'${didYouMean(column, COLUMN_TYPES.keys())}`, 'column');
  }
  if (!types.includes(type))
    fail(name, `column '${column}' is a ${type}, and ${aggregate} takes ${types.join(', ')}`, 'column');
}

function checkNumbers({ name, n, most, quantile, unit, halfLife, timeToLive }: WindowFeature): void {
  for (const [what, value] of [
    ['n', n],
    ['most', most],
  ] as const) {
    if (value !== undefined && (!Number.isInteger(value) || value < 1 || value > 4096))
      fail(name, `${what} must be a whole number from 1 to 4096`, what);
  }
  if (quantile !== undefined) {
    const [numerator, denominator] = quantile;
    const isShare = Number.isInteger(numerator) && Number.isInteger(denominator) && numerator >= 0;
    if (!isShare || numerator > denominator || denominator < 1 || denominator > 10_000)
      fail(
        name,
        'a quantile is a numerator and a denominator of whole numbers, such as [1, 2], no more than 1',
        'quantile',
      );
  }
  for (const span of [unit, halfLife, timeToLive]) if (span !== undefined) durationMicros(span, name);
}

function checkSpan({ name, aggregate, window, offset, hop, current }: WindowFeature, rule: AggregateRule): void {
  if (current !== undefined && current !== 'exclude' && current !== 'include')
    fail(name, "current is 'exclude' or 'include'", 'current');
  const isFree = window === 'all' || window === 'civil_day' || window === 'civil_month';
  if (offset !== undefined) {
    durationMicros(offset, name);
    if (isFree) fail(name, `a window of ${window} takes no offset`, 'offset');
    if (hop !== undefined) fail(name, 'a window with an offset cannot hop: only the tail of a window snaps', 'hop');
    if (current === 'include')
      fail(name, 'a window with an offset ends before the payment: it cannot include it', 'current');
  }
  const size = isFree ? Infinity : durationMicros(window, name);
  if (hop === undefined) return;
  const step = durationMicros(hop, name);
  if (isFree) fail(name, `a window of ${window} cannot hop`, 'hop');
  if (step > size) fail(name, 'the hop is longer than the window', 'hop');
  if (rule.hops !== true) fail(name, `${aggregate} cannot hop: it needs its events one by one`, 'hop');
}

/** Checks a label feature. @throws AppError `feature_invalid`. */
export function checkLabel(feature: LabelFeature): void {
  const { name, aggregate, states, window, offset, on, unit, maturity, denominator } = feature;
  if (aggregate === 'time_since_last' && unit === undefined) fail(name, 'a time needs a unit', 'aggregate');
  if (aggregate !== 'time_since_last' && unit !== undefined) fail(name, `${aggregate} takes no unit`, 'unit');
  if (states.length === 0) fail(name, 'at least one state must count', 'states');
  for (const state of states) {
    if (!LABEL_STATES.includes(state))
      fail(name, `there is no state '${String(state)}'${didYouMean(state, LABEL_STATES)}`, 'states');
  }
  for (const span of [unit, window, offset, maturity]) if (span !== undefined) durationMicros(span, name);
  if (window !== undefined) checkReach(name, window, offset);
  else if (offset !== undefined) fail(name, 'an offset needs a window', 'offset');
  if (aggregate === 'rate' && on === 'label') fail(name, "a rate is of the payments of its window: on 'payment'", 'on');
  if (aggregate === 'time_since_last' && on === 'payment') fail(name, "time_since_last is on the label's time", 'on');
  const onPayment = aggregate === 'rate' || on === 'payment';
  if (onPayment && window === undefined) fail(name, 'a window on the payment’s time needs a length', 'aggregate');
  if ((denominator !== undefined || maturity !== undefined) && aggregate !== 'rate')
    fail(
      name,
      `${aggregate} takes no denominator and no maturity`,
      denominator === undefined ? 'maturity' : 'denominator',
    );
  if (aggregate === 'rate') checkMaturity(feature);
}

/** A rate that can have no payment in its denominator would be null for ever. */
function checkMaturity(feature: LabelFeature): void {
  const { name, denominator, maturity } = feature;
  if (denominator !== 'matured') {
    if (maturity !== undefined) fail(name, "a maturity is of the denominator 'matured'", 'maturity');
    return;
  }
  if (reachMicros(feature) <= durationMicros(maturity ?? DEFAULT_MATURITY, name))
    fail(
      name,
      `no payment of its window is ${maturity ?? DEFAULT_MATURITY} old: it must reach back further than the maturity`,
      'window',
    );
}
