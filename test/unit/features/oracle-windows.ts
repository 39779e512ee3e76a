import { assert } from '../../../src/base/assert.ts';
import { token53 } from '../../../src/base/hash128.ts';
import { accountKey } from '../../../src/domain/entity-keys.ts';
import type { EventColumn, FeatureSetDefinition, WindowFeature } from '../../../src/features/definition/definition.ts';
import type { OracleEvent, OracleLabel, Scored } from './oracle.ts';

/* The oracle's windows: each aggregate by its definition, over lists of events. */

export interface Cell {
  readonly value: number;
  readonly status: string;
}

/** What happened to one entity, and what of it its state has dropped. */
export interface Past {
  /** Without those that were retracted. */
  readonly events: readonly OracleEvent[];
  readonly others: readonly OracleEvent[];
  readonly labels: readonly OracleLabel[];
  /** Those that were retracted when they were dropped already, too: without their ids. */
  readonly dropped: ReadonlySet<OracleEvent>;
  /** Of the dropped those that were retracted. */
  readonly spoiled: readonly OracleEvent[];
  /** What is known of the two smallest times: of one that was retracted after anything was dropped the next one is the first. */
  readonly firsts: { readonly first: number; readonly second: number };
  /** The largest time ever, retracted events' too. */
  readonly newest: number;
}

const UNITS: Readonly<Record<string, number>> = { s: 1e6, m: 60e6, h: 3600e6, d: 86400e6 };
export const span = (text: string): number => Number(text.slice(0, -1)) * (UNITS[text.slice(-1)] ?? Number.NaN);

export const here = (value: number): Cell => ({ value, status: 'present' });
export const none = (status: string): Cell => ({ value: Number.NaN, status });

/** São Paulo is three hours behind UTC, since 2019 all year: the tests of civil time have the years before. */
const BEHIND = 3 * 3600e6;

const hourOf = (t: number): number => Math.floor((((t - BEHIND) % 86400e6) + 86400e6) / 3600e6) % 24;

function startOfCivil(window: 'civil_day' | 'civil_month', t: number): number {
  const day = Math.floor((t - BEHIND) / 86400e6);
  if (window === 'civil_day') return day * 86400e6 + BEHIND;
  const date = new Date(day * 86400e3);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) * 1000 + BEHIND;
}

/** Events that an entity keeps. */
export const boundOf = ({ bound }: FeatureSetDefinition): number => (bound === 'none' ? Infinity : bound);

/** Where a window begins: its first instant is the one after. */
export function startOf({ window, offset, hop }: WindowFeature, t: number): number {
  if (window === 'all') return -Infinity;
  // A civil window holds its first instant.
  if (window === 'civil_day' || window === 'civil_month') return startOfCivil(window, t) - 1;
  if (hop !== undefined) return Math.floor((t - span(window)) / span(hop)) * span(hop);
  return t - span(offset ?? '0s') - span(window);
}

/** Tests name their conditions: the language of conditions has an oracle of its own. */
export const CONDITIONS: Readonly<Record<string, (event: OracleEvent | Scored) => boolean>> = {
  'amount_centavos > 1000': ({ row }) => (row?.amount_centavos ?? 0) > 1000,
  "payee_account_type = 'SVGS'": ({ row }) => row?.payee_account_type === 'SVGS',
  'amount_centavos < 1000': ({ row }) => (row?.amount_centavos ?? 1000) < 1000,
  'multiple_of(amount_centavos, 10000)': ({ row }) => (row?.amount_centavos ?? 1) % 10_000 === 0,
  'is_night(event_time)': ({ time }) => hourOf(time) >= 20 || hourOf(time) < 6,
  'amount_centavos % 2 = 0': ({ row }) => (row?.amount_centavos ?? 1) % 2 === 0,
};

function columnOf(event: OracleEvent | Scored, column: EventColumn | undefined): string | number | null {
  if (column === undefined) return 0;
  const { row } = event;
  if (row === null) return null;
  if (column === 'payer_account')
    return accountKey({ ispb: row.payer_ispb, branch: row.payer_branch, number: row.payer_number });
  if (column === 'payee_account')
    return accountKey({ ispb: row.payee_ispb, branch: row.payee_branch, number: row.payee_number });
  if (column === 'civil_hour') return hourOf(event.time);
  if (column === 'day' || column === 'weekday') throw new Error('the oracle has no civil days');
  const value = row[column];
  return typeof value === 'boolean' ? Number(value) : value;
}

/** A window's value. */
export function aggregated(set: FeatureSetDefinition, feature: WindowFeature, past: Past, scored: Scored): Cell {
  const t = scored.time;
  const start = startOf(feature, t);
  const end = t - span(feature.offset ?? '0s');
  const includes = feature.current === 'include';
  const isKnown = past.events.some(({ id }) => id === scored.id);
  const isAdded = includes && !isKnown && scored.row !== null;
  const all: (OracleEvent | Scored)[] = isAdded ? [...past.events, scored] : [...past.events];
  const passes = feature.filter === undefined ? () => true : CONDITIONS[feature.filter];
  if (passes === undefined) throw new Error(`the oracle does not know the condition ${feature.filter}`);
  // By (event time, sequence): the sort keeps the order of ties.
  const within = all
    .filter(({ time }) => time > start && time <= end)
    .filter(({ id }) => includes || id !== scored.id)
    .filter(passes)
    .filter((event) => columnOf(event, feature.column) !== null)
    .sort((a, b) => a.time - b.time);
  const unknown = whyUnknown(set, feature, past, scored, start, end, within);
  return unknown ?? valued(set, feature, within, scored);
}

/** Why what was dropped leaves the value unknown; undefined where it does not. */
function whyUnknown(
  set: FeatureSetDefinition,
  feature: WindowFeature,
  { events, others, dropped, spoiled, firsts }: Past,
  scored: Scored,
  start: number,
  end: number,
  within: readonly (OracleEvent | Scored)[],
): Cell | undefined {
  const { aggregate, window, hop, filter, column } = feature;
  const t = scored.time;
  const gone = [...dropped].filter(({ time }) => time > start);
  if (gone.length === 0) return undefined;
  const newestGone = Math.max(...gone.map(({ time }) => time));
  const isGone = (event: OracleEvent | Scored): boolean => dropped.has(event as OracleEvent);
  const kept = within.filter((event) => !isGone(event));
  const atOf = (n: number): number => kept[kept.length - n]?.time ?? -Infinity;
  switch (aggregate) {
    case 'last':
    case 'time_since_last':
      return newestGone > atOf(1) ? none('truncated') : undefined;
    case 'nth_last':
      return newestGone > atOf(feature.n ?? 1) ? none('truncated') : undefined;
    case 'streak': {
      const holds = CONDITIONS[feature.while ?? ''] ?? (() => false);
      const most = feature.most ?? boundOf(set);
      let streak = 0;
      while (streak < most && streak < kept.length && holds(kept[kept.length - 1 - streak] as Scored)) streak += 1;
      return newestGone > atOf(streak === most ? streak : streak + 1) ? none('truncated') : undefined;
    }
    case 'time_since_first':
      if (window === 'all' && filter === undefined && feature.current !== 'include') {
        const own = events.find(({ id }) => id === scored.id);
        const first = own?.time === firsts.first ? firsts.second : firsts.first;
        if (first === -Infinity) return none('truncated');
        assert(first === Math.min(...others.map(({ time }) => time)), 'what is known of the first is so');
        return first <= t ? here((t - first) / span(feature.unit ?? '1s')) : none('null');
      }
      return none('truncated');
    case 'first':
    case 'distinct':
    case 'top':
    case 'is_top':
    case 'quantile':
      return none('truncated');
    default:
      break;
  }
  if (window === 'all') {
    if (newestGone > t) return none('truncated');
    // How many there are is counted; what one that was retracted added to sums is not known any more.
    const isCounted = aggregate === 'count' && filter === undefined && column === undefined;
    if (spoiled.length > 0 && !isCounted) return none('truncated');
  } else if (hop === undefined) {
    return none('truncated');
  } else {
    const tile = tileWidth(set, feature.entity);
    const tileEnd = Math.ceil(t / tile) * tile;
    if (gone.some(({ time }) => time > t && time <= tileEnd)) return none('truncated');
    if (spoiled.some(({ time }) => time > start && time <= tileEnd)) return none('truncated');
  }
  return ownAmongGone(feature, gone, kept, column, scored, start, end);
}

/** An extreme that the payment itself may have held is not known without it; registers and histograms cannot forget. */
function ownAmongGone(
  feature: WindowFeature,
  gone: readonly OracleEvent[],
  kept: readonly (OracleEvent | Scored)[],
  column: EventColumn | undefined,
  scored: Scored,
  start: number,
  end: number,
): Cell | undefined {
  if (feature.current === 'include') return undefined;
  const own = gone.find(({ id, time }) => id === scored.id && time > start && time <= end);
  if (own === undefined) return undefined;
  const { aggregate, filter } = feature;
  if (aggregate.endsWith('_approx') || aggregate.startsWith('decayed')) return none('truncated');
  if (aggregate !== 'max' && aggregate !== 'min') return undefined;
  const passes = (event: OracleEvent | Scored): boolean => filter === undefined || CONDITIONS[filter]?.(event) === true;
  if (!passes(own)) return undefined;
  const sign = aggregate === 'max' ? 1 : -1;
  const valuesOf = (events: readonly (OracleEvent | Scored)[]): number[] =>
    events
      .filter(({ time }) => time > start && time <= end)
      .filter(passes)
      .map((event) => columnOf(event, column))
      .filter((value) => value !== null)
      .map((value) => sign * Number(value));
  const value = valuesOf([own])[0];
  if (value === undefined) return undefined;
  const isExtreme = value >= Math.max(...valuesOf(gone)) && value > Math.max(...valuesOf(kept));
  return isExtreme ? none('truncated') : undefined;
}

function tileWidth(set: FeatureSetDefinition, entity: string): number {
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
  return set.features
    .filter((feature) => feature.kind === 'window' && feature.entity === entity && feature.hop !== undefined)
    .reduce((width, feature) => gcd(width, span((feature as WindowFeature).hop as string)), 0);
}

/** The one written rule for integers beyond 2^53. */
function wide(value: bigint): number {
  if (value < 0n) return -wide(-value);
  const split = 2n ** 48n;
  if (value < 2n ** 53n) return Number(value);
  return (Number(value / split / split) * 2 ** 48 + Number((value / split) % split)) * 2 ** 48 + Number(value % split);
}

function valued(
  set: FeatureSetDefinition,
  feature: WindowFeature,
  within: readonly (OracleEvent | Scored)[],
  scored: Scored,
): Cell {
  const { aggregate, column } = feature;
  const t = scored.time;
  const n = within.length;
  const values = within.map((event) => columnOf(event, column));
  const last = within[n - 1];
  switch (aggregate) {
    case 'count':
      return here(n);
    case 'distinct':
      return here(new Set(values).size);
    case 'distinct_approx':
      return here(estimated(values));
    case 'streak':
      return here(streakOf(feature, within, boundOf(set)));
    case 'time_since_first':
      return n === 0 ? none('null') : here((t - (within[0] as Scored).time) / span(feature.unit ?? '1s'));
    case 'time_since_last':
      return last === undefined ? none('null') : here((t - last.time) / span(feature.unit ?? '1s'));
    case 'top':
      return n === 0 ? none('null') : here(Number(topOf(values)));
    case 'is_top': {
      const own = columnOf(scored, column);
      return n === 0 || own === null ? none('null') : here(topOf(values) === own ? 1 : 0);
    }
    case 'last':
    case 'nth_last': {
      const event = within[n - (feature.n ?? 1)];
      if (event === undefined) return none('null');
      if (feature.timeToLive !== undefined && t - event.time > span(feature.timeToLive)) return none('expired');
      return here(Number(columnOf(event, column)));
    }
    default:
      return ofNumbers(feature, values.map(Number), within, t);
  }
}

function ofNumbers(
  feature: WindowFeature,
  numbers: readonly number[],
  within: readonly (OracleEvent | Scored)[],
  t: number,
): Cell {
  const n = numbers.length;
  const integers = numbers.map(BigInt);
  const sum = integers.reduce((total, value) => total + value, 0n);
  switch (feature.aggregate) {
    case 'sum':
      return sum >= 2n ** 63n || sum < -(2n ** 63n) ? none('overflow') : here(wide(sum));
    case 'mean':
      return n === 0 ? none('null') : here(wide(sum) / n);
    case 'max':
      return n === 0 ? none('null') : here(Math.max(...numbers));
    case 'min':
      return n === 0 ? none('null') : here(Math.min(...numbers));
    case 'first':
      return n === 0 ? none('null') : here(numbers[0] as number);
    case 'variance':
    case 'stddev': {
      if (n < 2) return none('null');
      const squares = integers.reduce((total, value) => total + value * value, 0n);
      const variance = wide(BigInt(n) * squares - sum * sum) / (n * (n - 1));
      return here(feature.aggregate === 'stddev' ? Math.sqrt(variance) : variance);
    }
    case 'quantile': {
      const [numerator, denominator] = feature.quantile ?? [1, 2];
      const sorted = [...numbers].sort((a, b) => a - b);
      return n === 0 ? none('null') : here(sorted[Math.max(1, Math.ceil((n * numerator) / denominator)) - 1] as number);
    }
    case 'quantile_approx':
      return approximateQuantile(feature, numbers);
    case 'decayed_sum':
    case 'decayed_count':
      return decayed(feature, numbers, within, t);
    default:
      throw new Error(`the oracle has no ${feature.aggregate}`);
  }
}

/** Of a value, the smallest of its bucket: the four bits after the highest one are kept. */
function floored(value: number): number {
  const bits = value.toString(2);
  return bits.length <= 5 ? value : Number.parseInt(bits.slice(0, 5).padEnd(bits.length, '0'), 2);
}

function approximateQuantile({ quantile }: WindowFeature, numbers: readonly number[]): Cell {
  const [numerator, denominator] = quantile ?? [1, 2];
  const sorted = numbers.map(floored).sort((a, b) => a - b);
  const rank = Math.max(1, Math.ceil((sorted.length * numerator) / denominator));
  return sorted.length === 0 ? none('null') : here(sorted[rank - 1] as number);
}

/** Each event by the age of its hop; the weight of an age is within one unit of 2^30·2^(−age·hop/halfLife). */
function decayed(
  { aggregate, hop, halfLife }: WindowFeature,
  numbers: readonly number[],
  within: readonly (OracleEvent | Scored)[],
  t: number,
): Cell {
  const hopOf = (time: number): number => Math.ceil(time / span(hop ?? '1h'));
  const ratio = span(hop ?? '1h') / span(halfLife ?? '1d');
  let sum = 0n;
  for (const [at, { time }] of within.entries()) {
    const weight = BigInt(Math.round(2 ** 30 * 2 ** (-(hopOf(t) - hopOf(time)) * ratio)));
    sum += weight * (aggregate === 'decayed_count' ? 1n : BigInt(numbers[at] as number));
  }
  return here(wide(sum) / 2 ** 30);
}

/** HyperLogLog with 2^12 registers of 53-bit tokens, in fractions of big integers until it is rounded. */
function estimated(values: readonly (string | number | null)[]): number {
  const m = 4096;
  const ranks = new Map<bigint, number>();
  for (const value of values) {
    const token = BigInt(token53(String(value)));
    const bits = (token >> 12n).toString(2).padStart(41, '0');
    const zeros = bits.length - 1 - bits.lastIndexOf('1');
    const rank = bits.includes('1') ? zeros + 1 : 42;
    ranks.set(token % 4096n, Math.max(rank, ranks.get(token % 4096n) ?? 0));
  }
  const empty = m - ranks.size;
  if (empty > 0) {
    const linear = m * Math.log(m / empty);
    // What the tests count is far below 2.5·m.
    return Math.round(linear);
  }
  throw new Error('the oracle counts few values');
}

function topOf(values: readonly (string | number | null)[]): string | number | null {
  let best: string | number | null = null;
  let most = 0;
  for (const value of new Set(values)) {
    const count = values.filter((other) => other === value).length;
    const isLater = values.lastIndexOf(value) > values.lastIndexOf(best);
    if (count > most || (count === most && isLater)) [best, most] = [value, count];
  }
  return best;
}

function streakOf(feature: WindowFeature, within: readonly (OracleEvent | Scored)[], bound: number): number {
  const holds = CONDITIONS[feature.while ?? ''];
  if (holds === undefined) throw new Error('the oracle does not know the streak');
  let streak = 0;
  while (streak < within.length && holds(within[within.length - 1 - streak] as Scored)) streak += 1;
  return Math.min(streak, feature.most ?? bound);
}
