import {
  byKind,
  ENTITY_KINDS,
  type EntityKeys,
  type EntityKind,
  type EntityNumber,
  type EntityNumbers,
  NO_NUMBERS,
} from '../../../src/domain/entity-keys.ts';
import type { LabelState } from '../../../src/domain/label.ts';
import type { PaymentRow } from '../../../src/domain/payment-row.ts';
import type {
  ExpressionFeature,
  FeatureDefinition,
  FeatureSetDefinition,
  LabelFeature,
  WindowFeature,
} from '../../../src/features/definition/definition.ts';
import { aggregated, boundOf, type Cell, here, none, type Past, span } from './oracle-windows.ts';

/*
 * What is right, said as plainly as possible: loops over all events, by the definitions and not by
 * any plan, in no hurry. Statuses are written as words.
 */

export type { Cell } from './oracle-windows.ts';

export interface OracleEvent {
  readonly kind: 'payment';
  readonly id: string;
  readonly time: number;
  readonly row: PaymentRow;
  readonly keys: EntityKeys;
  /** Whether it replaces its payment's event, behind a retraction. */
  readonly replaces?: boolean;
}
/** The event of a payment counts no more. */
export interface OracleRetraction {
  readonly kind: 'retraction';
  readonly id: string;
  /** Of the event, as its time. */
  readonly time: number;
  readonly row: PaymentRow;
  readonly keys: EntityKeys;
}
export interface OracleLabel {
  readonly kind: 'label';
  readonly id: string;
  readonly state: LabelState;
  readonly time: number;
  readonly payee: string;
}
export type OracleItem = OracleEvent | OracleRetraction | OracleLabel;
/** The payment that is scored; without a row entities are only read. */
export type Scored = Omit<OracleEvent, 'kind' | 'row'> & { readonly row: PaymentRow | null };

/** Features of a payment after `items`, each given in the order of its entity's numbers. */
export function oracleVector(
  set: FeatureSetDefinition,
  items: readonly OracleItem[],
  scored: Scored,
): Map<string, Cell> {
  const cells = new Map<string, Cell>();
  const pasts = byKind((kind) => pastOf(set, kind, items, scored));
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

function pastOf(set: FeatureSetDefinition, kind: EntityKind, items: readonly OracleItem[], { id, keys }: Scored): Past {
  const labels = items.filter(
    (item): item is OracleLabel => item.kind === 'label' && kind === 'payee' && item.payee === keys.payee,
  );
  const own = items.filter((item) => item.kind !== 'label' && item.keys[kind] === keys[kind]);
  const state = stateOf(set, kind, own as (OracleEvent | OracleRetraction)[]);
  const others = state.events.filter((event) => event.id !== id);
  return { ...state, others, labels, dropped: new Set(state.dropped) };
}

function ofEntity(
  set: FeatureSetDefinition,
  feature: WindowFeature | LabelFeature,
  pasts: Readonly<Record<EntityKind, Past>>,
  scored: Scored,
): Cell {
  const kind = feature.kind === 'label' ? 'payee' : feature.entity;
  if (scored.keys[kind] === null) return none('not_found');
  const past = pasts[kind];
  const neverSeen = past.others.length === 0 && (feature.kind !== 'label' || past.labels.length === 0);
  const includesOwn = feature.kind === 'window' && feature.current === 'include';
  if (neverSeen && (!includesOwn || scored.row === null))
    return { value: feature.default ?? Number.NaN, status: 'not_found' };
  const isTooLate = scored.time < past.newest - span(set.allowedLateness);
  if (feature.kind === 'label') return labelled(set, feature, past, isTooLate, scored);
  if (isTooLate && feature.window !== 'all') return none('too_late');
  return aggregated(set, feature, past, scored);
}

/** How far back the events of a feature can lie. */
function reachOf(feature: FeatureDefinition, kind: EntityKind): number {
  if (feature.kind === 'label') {
    return kind !== 'payee' || feature.window === undefined ? 0 : span(feature.window) + span(feature.offset ?? '0s');
  }
  if (feature.kind !== 'window' || feature.entity !== kind) return 0;
  if (feature.window === 'all') return 0;
  if (feature.window === 'civil_day') return span('25h');
  if (feature.window === 'civil_month') return span('32d');
  return span(feature.window) + span(feature.offset ?? '0s') + span(feature.hop ?? '0s');
}

/**
 * The last `bound` by sequence are kept, and beyond the last 8 only what a window could still hold. One that is
 * retracted leaves its place; of one that was dropped it is known that it is among the dropped, and no more.
 */
function stateOf(set: FeatureSetDefinition, kind: EntityKind, items: readonly (OracleEvent | OracleRetraction)[]) {
  const retention = Math.max(0, ...set.features.map((feature) => reachOf(feature, kind))) + span(set.allowedLateness);
  let events: OracleEvent[] = [];
  let kept: OracleEvent[] = [];
  let dropped: OracleEvent[] = [];
  let firsts = { first: Infinity, second: Infinity };
  const spoiled: OracleEvent[] = [];
  let newest = -Infinity;
  for (const item of items) {
    if (item.kind === 'payment') {
      events.push(item);
      kept.push(item);
      if (item.time < firsts.first) firsts = { first: item.time, second: firsts.first };
      else if (item.time < firsts.second) firsts = { ...firsts, second: item.time };
      newest = Math.max(newest, item.time);
      while (kept.length > boundOf(set) || (kept.length > 8 && (kept[0] as OracleEvent).time <= newest - retention)) {
        dropped.push(kept.shift() as OracleEvent);
      }
      continue;
    }
    const event = events.find(({ id }) => id === item.id);
    if (event === undefined) continue;
    events = events.filter((other) => other !== event);
    if (dropped.includes(event)) {
      const nameless = { ...event, id: 'retracted' };
      dropped = dropped.map((other) => (other === event ? nameless : other));
      spoiled.push(nameless);
    }
    kept = kept.filter((other) => other !== event);
    if (dropped.length === 0) {
      const [first = Infinity, second = Infinity] = events.map(({ time }) => time).sort((a, b) => a - b);
      firsts = { first, second };
    } else if (event.time === firsts.first) firsts = { first: firsts.second, second: -Infinity };
    else if (event.time === firsts.second) firsts = { ...firsts, second: -Infinity };
  }
  return { events, dropped, spoiled, firsts, newest };
}

/** The latest state of each payment, of the labels that the payment may see. */
function latestStates(labels: readonly OracleLabel[], { id, time: t }: Scored): Map<string, OracleLabel> {
  const latest = new Map<string, OracleLabel>();
  for (const label of labels) {
    if (label.time > t || label.id === id) continue;
    const before = latest.get(label.id);
    if (before === undefined || label.time >= before.time) latest.set(label.id, label);
  }
  return latest;
}

function labelled(
  set: FeatureSetDefinition,
  feature: LabelFeature,
  { events, others, labels, dropped }: Past,
  isTooLate: boolean,
  scored: Scored,
): Cell {
  const { aggregate, states, window, offset, on, unit, denominator, maturity } = feature;
  const t = scored.time;
  const kept = labels.slice(-Math.min(boundOf(set), 4096));
  const gone = labels.slice(0, labels.length - kept.length);
  const end = t - span(offset ?? '0s');
  const start = window === undefined ? -Infinity : end - span(window);
  const latest = latestStates(kept, scored);
  const isCounted = (id: string): boolean => states.includes(latest.get(id)?.state as LabelState);
  if (aggregate === 'rate' || on === 'payment') {
    if (isTooLate) return none('too_late');
    if ([...dropped, ...gone].some(({ time }) => time > start)) return none('truncated');
    let within = others.filter(({ time }) => time > start && time <= end);
    if (denominator === 'matured') within = within.filter(({ time }) => time + span(maturity ?? '91d') <= t);
    const counted = within.filter(({ id }) => isCounted(id)).length;
    if (aggregate === 'count') return here(counted);
    return within.length === 0 ? none('null') : here(counted / within.length);
  }
  if (gone.some((label) => label.time > start)) return none('truncated');
  const counted = [...latest.values()].filter(({ id, time }) => isCounted(id) && time > start && time <= end);
  if (aggregate === 'count') return here(counted.length);
  if (counted.length === 0 || events === undefined) return none('null');
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
      return here(scored.row?.amount_centavos ?? Number.NaN);
    case '(amount - payer_mean_2h) / payer_stddev_2h':
      return of(
        ['amount', 'payer_mean_2h', 'payer_stddev_2h'],
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
    if (!isEvent) return { isEvent, numbers: NO_NUMBERS, saw, cells };
    if (scored.row !== null) this.items.push({ kind: 'payment', ...scored, row: scored.row });
    const numbers = this.#each(scored.keys, (name) => this.#take(name));
    return { isEvent, numbers, saw, cells };
  }

  label(
    id: string,
    state: LabelState,
    time: number,
    named: string | null,
  ): { payee: string | null; number: EntityNumber | null } {
    const payment = this.#eventOf(id);
    const payee = payment?.keys.payee ?? named;
    if (payee === null) return { payee, number: null };
    this.items.push({ kind: 'label', id, state, time, payee });
    return { payee, number: { epoch: this.epoch, seq: this.#take(`payee ${payee}`) } };
  }

  /** What a store must answer to a correction. @param becomes null where the payment is retracted. */
  correct(
    id: string,
    becomes: Omit<OracleEvent, 'kind'> | null,
  ): { isApplied: boolean; retracted: EntityNumbers; replaced: EntityNumbers } {
    if (!this.items.some((item) => item.kind === 'payment' && item.id === id))
      return { isApplied: false, retracted: NO_NUMBERS, replaced: NO_NUMBERS };
    const event = this.#eventOf(id);
    const take = (keys: EntityKeys): EntityNumbers => this.#each(keys, (name) => this.#take(name));
    let retracted = NO_NUMBERS;
    let replaced = NO_NUMBERS;
    if (event !== undefined) {
      this.items.push({ ...event, kind: 'retraction' });
      retracted = take(event.keys);
    }
    if (becomes !== null) {
      this.items.push({ kind: 'payment', ...becomes, replaces: true });
      replaced = take(becomes.keys);
    }
    return { isApplied: true, retracted, replaced };
  }

  /** The event of a payment that counts; undefined where it has none, or it was retracted. */
  #eventOf(id: string): OracleEvent | undefined {
    const last = this.items.findLast((item) => item.kind !== 'label' && item.id === id);
    return last?.kind === 'payment' ? last : undefined;
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
    const numbers: Record<EntityKind, EntityNumber | null> = { ...NO_NUMBERS };
    for (const kind of ENTITY_KINDS) {
      if (keys[kind] !== null) numbers[kind] = { epoch: this.epoch, seq: seqOf(`${kind} ${keys[kind]}`) };
    }
    return numbers;
  }
}
