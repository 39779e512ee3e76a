import type { EntityKeys, EntityKind, EntityNumber, EntityNumbers } from '../../../src/domain/entity-keys.ts';
import type { LabelState } from '../../../src/domain/label.ts';
import type {
  ExpressionFeature,
  FeatureDefinition,
  FeatureSetDefinition,
  HistoryFeature,
  LabelFeature,
  WindowFeature,
} from '../../../src/features/definition.ts';

/*
 * What is right, said as plainly as possible: loops over all events, by the definitions and not by
 * any plan, in no hurry. Statuses are written as words.
 */

export interface OracleEvent {
  readonly kind: 'payment';
  readonly id: string;
  readonly time: number;
  readonly amount: number;
  readonly keys: EntityKeys;
}
export interface OracleLabel {
  readonly kind: 'label';
  readonly id: string;
  readonly state: LabelState;
  readonly time: number;
  readonly payee: string;
}
export type OracleItem = OracleEvent | OracleLabel;
export interface Cell {
  readonly value: number;
  readonly status: string;
}
/** The payment that is scored. */
export interface Scored {
  readonly id: string;
  readonly time: number;
  readonly amount: number;
  readonly keys: EntityKeys;
}

const UNITS: Readonly<Record<string, number>> = { s: 1e6, m: 60e6, h: 3600e6, d: 86400e6 };
export const span = (text: string): number => Number(text.slice(0, -1)) * (UNITS[text.slice(-1)] ?? Number.NaN);

const here = (value: number): Cell => ({ value, status: 'present' });
const none = (status: string): Cell => ({ value: Number.NaN, status });

/** Features of a payment after `items`, each given in the order of its entity's numbers. */
export function oracleVector(
  set: FeatureSetDefinition,
  items: readonly OracleItem[],
  scored: Scored,
): Map<string, Cell> {
  const cells = new Map<string, Cell>();
  const pasts: Record<EntityKind, Past> = {
    payer: pastOf(set, 'payer', items, scored),
    payee: pastOf(set, 'payee', items, scored),
    pair: pastOf(set, 'pair', items, scored),
  };
  const pending = [...set.features];
  while (pending.length > 0) {
    const feature = pending.shift() as FeatureDefinition;
    if (feature.kind === 'expression') {
      const cell = expressed(feature, cells, scored);
      if (cell === undefined) pending.push(feature);
      else cells.set(feature.name, cell);
    } else {
      cells.set(feature.name, ofEntity(set, feature, pasts, scored));
    }
  }
  return cells;
}

/** What happened to one entity, and what of it its state has dropped. */
interface Past {
  readonly events: readonly OracleEvent[];
  readonly others: readonly OracleEvent[];
  readonly labels: readonly OracleLabel[];
  readonly dropped: ReadonlySet<OracleEvent>;
}

function pastOf(set: FeatureSetDefinition, kind: EntityKind, items: readonly OracleItem[], { id, keys }: Scored): Past {
  const events: OracleEvent[] = [];
  const labels: OracleLabel[] = [];
  for (const item of items) {
    if (item.kind === 'label') {
      if (kind === 'payee' && item.payee === keys.payee) labels.push(item);
    } else if (item.keys[kind] === keys[kind]) events.push(item);
  }
  const others = events.filter((event) => event.id !== id);
  return { events, others, labels, dropped: new Set(droppedOf(set, kind, events)) };
}

function ofEntity(
  set: FeatureSetDefinition,
  feature: WindowFeature | HistoryFeature | LabelFeature,
  pasts: Readonly<Record<EntityKind, Past>>,
  scored: Scored,
): Cell {
  const kind = feature.kind === 'label' ? 'payee' : feature.entity;
  if (scored.keys[kind] === null) return none('not_found');
  const { events, others, labels, dropped } = pasts[kind];
  const neverSeen = others.length === 0 && (feature.kind !== 'label' || labels.length === 0);
  if (neverSeen) return { value: feature.default ?? Number.NaN, status: 'not_found' };
  if (feature.kind === 'label') return labelled(set, feature, labels, scored);
  return feature.kind === 'window'
    ? windowed(set, feature, events, dropped, scored)
    : historical(feature, others, dropped, scored);
}

/** The last `bound` by sequence are kept, and beyond the last 8 only what a window could still hold. */
function droppedOf(set: FeatureSetDefinition, kind: EntityKind, events: readonly OracleEvent[]): OracleEvent[] {
  const reach = set.features
    .filter((feature) => feature.kind === 'window' && feature.entity === kind)
    .map((feature) => span((feature as WindowFeature).window) + span((feature as WindowFeature).hop ?? '0s'));
  const retention = Math.max(0, ...reach) + span(set.allowedLateness);
  const kept: OracleEvent[] = [];
  const dropped: OracleEvent[] = [];
  let newest = -Infinity;
  for (const event of events) {
    kept.push(event);
    newest = Math.max(newest, event.time);
    while (kept.length > set.bound || (kept.length > 8 && (kept[0] as OracleEvent).time <= newest - retention)) {
      dropped.push(kept.shift() as OracleEvent);
    }
  }
  return dropped;
}

function windowed(
  set: FeatureSetDefinition,
  feature: WindowFeature,
  events: readonly OracleEvent[],
  dropped: ReadonlySet<OracleEvent>,
  { id, time: t, keys }: Scored,
): Cell {
  if (t < Math.max(...events.map((event) => event.time)) - span(set.allowedLateness)) return none('too_late');
  const size = span(feature.window);
  const hop = feature.hop === undefined ? 0 : span(feature.hop);
  const start = hop === 0 ? t - size : Math.floor((t - size) / hop) * hop;
  const within = events.filter((event) => event.time > start && event.time <= t);
  const seen = within.filter((event) => event.id !== id);
  if (hop === 0) {
    if ([...dropped].some((event) => event.time > start)) return none('truncated');
  } else {
    const tile = tileWidth(set, feature.entity);
    const tileEnd = Math.ceil(t / tile) * tile;
    if ([...dropped].some((event) => event.time > t && event.time <= tileEnd)) return none('truncated');
    const own = [...dropped].find((event) => event.id === id && within.includes(event));
    if (feature.aggregate === 'max' && own !== undefined) {
      const gone = within.filter((event) => dropped.has(event)).map((event) => event.amount);
      const left = within.filter((event) => !dropped.has(event)).map((event) => event.amount);
      if (own.amount >= Math.max(...gone) && own.amount > Math.max(...left)) return none('truncated');
    }
  }
  return aggregated(feature, seen, keys);
}

function tileWidth(set: FeatureSetDefinition, kind: EntityKind): number {
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
  return set.features
    .filter((feature) => feature.kind === 'window' && feature.entity === kind && feature.hop !== undefined)
    .reduce((width, feature) => gcd(width, span((feature as WindowFeature).hop as string)), 0);
}

function aggregated({ entity, aggregate }: WindowFeature, seen: readonly OracleEvent[], keys: EntityKeys): Cell {
  const amounts = seen.map((event) => BigInt(event.amount));
  const n = seen.length;
  const sum = amounts.reduce((total, amount) => total + amount, 0n);
  switch (aggregate) {
    case 'count':
      return here(n);
    case 'sum':
      return sum >= 2n ** 63n ? none('overflow') : here(Number(sum));
    case 'mean':
      return n === 0 ? none('null') : here(Number(sum) / n);
    case 'max':
      return n === 0 ? none('null') : here(Math.max(...seen.map((event) => event.amount)));
    case 'min':
      return n === 0 ? none('null') : here(Math.min(...seen.map((event) => event.amount)));
    case 'stddev': {
      if (n < 2) return none('null');
      const squares = amounts.reduce((total, amount) => total + amount * amount, 0n);
      return here(Math.sqrt(wide(BigInt(n) * squares - sum * sum) / (n * (n - 1))));
    }
    case 'distinct_counterparties': {
      const other = entity === 'payer' ? 'payee' : 'payer';
      const ids = seen.map((event) => event.keys[other]).filter((id) => id !== null);
      return here(entity === 'pair' || keys === undefined ? 0 : new Set(ids).size);
    }
  }
}

/** The one written rule for integers beyond 2^53. */
function wide(value: bigint): number {
  const split = 2n ** 48n;
  if (value < 2n ** 53n) return Number(value);
  return (Number(value / split / split) * 2 ** 48 + Number((value / split) % split)) * 2 ** 48 + Number(value % split);
}

function historical(
  { aggregate, unit }: HistoryFeature,
  others: readonly OracleEvent[],
  dropped: ReadonlySet<OracleEvent>,
  { time: t }: Scored,
): Cell {
  const past = others.filter((event) => event.time <= t);
  const newestDropped = Math.max(...[...dropped].map((event) => event.time));
  const per = unit === undefined ? 1 : span(unit);
  if (aggregate === 'count') return newestDropped > t ? none('truncated') : here(past.length);
  if (past.length === 0) return none('null');
  if (aggregate === 'time_since_first') return here((t - Math.min(...past.map((event) => event.time))) / per);
  const last = Math.max(...past.filter((event) => !dropped.has(event)).map((event) => event.time));
  return newestDropped > last ? none('truncated') : here((t - last) / per);
}

function labelled(
  set: FeatureSetDefinition,
  { aggregate, state, window, unit }: LabelFeature,
  labels: readonly OracleLabel[],
  { id, time: t }: Scored,
): Cell {
  const kept = labels.slice(-set.bound);
  const dropped = labels.slice(0, labels.length - kept.length);
  const from = window === undefined ? -Infinity : t - span(window);
  if (dropped.some((label) => label.time > from)) return none('truncated');
  const latest = new Map<string, OracleLabel>();
  for (const label of kept) {
    if (label.time > t || label.id === id) continue;
    const before = latest.get(label.id);
    if (before === undefined || label.time >= before.time) latest.set(label.id, label);
  }
  const counted = [...latest.values()].filter((label) => label.state === state && label.time > from);
  if (aggregate === 'count') return here(counted.length);
  if (counted.length === 0) return none('null');
  return here((t - Math.max(...counted.map((label) => label.time))) / span(unit ?? '1s'));
}

/** What the expressions of the test set mean, in plain code over the cells that they name; undefined where one is not there yet. */
function expressed(
  { expression }: ExpressionFeature,
  cells: ReadonlyMap<string, Cell>,
  scored: Scored,
): Cell | undefined {
  const of = (names: readonly string[], value: (...operands: number[]) => number): Cell | undefined => {
    const inputs = names.map((name) => cells.get(name));
    if (inputs.includes(undefined)) return undefined;
    const missing = (inputs as Cell[]).find((cell) => Number.isNaN(cell.value));
    if (missing !== undefined) return none(missing.status);
    const result = value(...(inputs as Cell[]).map((cell) => cell.value));
    return Number.isFinite(result) ? here(result + 0) : none('null');
  };
  switch (expression) {
    case 'amount_centavos':
      return here(scored.amount);
    case '(amount - payer_mean_1h) / payer_stddev_1h':
      return of(
        ['amount', 'payer_mean_1h', 'payer_stddev_1h'],
        (amount, mean, deviation) => (amount - mean) / deviation,
      );
    case 'shape / pair_max_2h':
      return of(['shape', 'pair_max_2h'], (shape, max) => shape / max);
    case 'amount / payee_mean_2h':
      return of(['amount', 'payee_mean_2h'], (amount, mean) => amount / mean);
    case 'payer_sum_10m - payer_sum_1m':
      return of(['payer_sum_10m', 'payer_sum_1m'], (long, short) => long - short);
    case 'payee_count_1m > 2':
      return of(['payee_count_1m'], (count) => (count > 2 ? 1 : 0));
    case 'never_seen(pair_ever)':
      return here(cells.get('pair_ever')?.status === 'not_found' ? 1 : 0);
    case 'absent(pair_mean_1m)':
      return here(Number.isNaN(cells.get('pair_mean_1m')?.value) ? 1 : 0);
    default:
      throw new Error(`the oracle does not know what ${expression} means`);
  }
}

/** A store that remembers everything, in one epoch after another. */
export class OracleStore {
  readonly set: FeatureSetDefinition;
  epoch = 0;
  items: OracleItem[] = [];
  #numbers = new Map<string, number>();

  constructor(set: FeatureSetDefinition) {
    this.set = set;
  }

  openEpoch(epoch: number): void {
    this.epoch = epoch;
    this.#numbers = new Map();
  }

  /** What a store must answer, and the item that was added, if any. */
  observe(scored: Scored): { isEvent: boolean; numbers: EntityNumbers; saw: EntityNumbers; cells: Map<string, Cell> } {
    const isEvent = !this.items.some((item) => item.kind === 'payment' && item.id === scored.id);
    const cells = oracleVector(this.set, this.items, scored);
    const saw = this.#each(scored.keys, (name) => this.#numbers.get(name) ?? 0);
    if (!isEvent) return { isEvent, numbers: { payer: null, payee: null, pair: null }, saw, cells };
    this.items.push({ kind: 'payment', ...scored });
    const numbers = this.#each(scored.keys, (name) => this.#take(name));
    return { isEvent, numbers, saw, cells };
  }

  label(
    id: string,
    state: LabelState,
    time: number,
    named: string | null,
  ): { payee: string | null; number: EntityNumber | null } {
    const payment = this.items.find((item) => item.kind === 'payment' && item.id === id) as OracleEvent | undefined;
    const payee = payment?.keys.payee ?? named;
    if (payee === null) return { payee, number: null };
    this.items.push({ kind: 'label', id, state, time, payee });
    return { payee, number: { epoch: this.epoch, seq: this.#take(`payee ${payee}`) } };
  }

  /** For taking operations back. */
  save(): () => void {
    const items = [...this.items];
    const numbers = new Map(this.#numbers);
    return () => {
      this.items = items;
      this.#numbers = numbers;
    };
  }

  #take(name: string): number {
    const seq = (this.#numbers.get(name) ?? 0) + 1;
    this.#numbers.set(name, seq);
    return seq;
  }

  #each(keys: EntityKeys, seqOf: (name: string) => number): EntityNumbers {
    const number = (kind: EntityKind): EntityNumber | null =>
      keys[kind] === null ? null : { epoch: this.epoch, seq: seqOf(`${kind} ${keys[kind]}`) };
    return { payer: number('payer'), payee: number('payee'), pair: number('pair') };
  }
}
