import type { EntityKind } from '../../domain/entity-keys.ts';
import { EVENT } from '../../domain/recorded-event.ts';
import type { NumberedEntities } from './replay-groups.ts';
import type { NumberColumns, PlaceColumns, ReplayRecords } from './replay-input.ts';
import type { ReplayMemory } from './replay-memory.ts';

/** An epoch's numbers follow those of all earlier ones: one sorted double says both, exact for 2^20 epochs of 2^32. */
export const EPOCH_STEP = 2 ** 32;

/** The records of every entity of one kind, side by side and in their order. */
export interface KindRecords {
  /** Those of entity e lie from `start[e]` to below `start[e + 1]`. */
  readonly start: Int32Array;
  /** Rows of payments, or −1 − rows of labels. */
  readonly items: Int32Array;
  /** `epoch · EPOCH_STEP + number` of each; Infinity where it has no number: those come last, by known time, journal, position. */
  readonly keys: Float64Array;
}

/** The reads of one kind of entity, by entity, each entity's in the order of what they saw. */
export interface KindReads {
  readonly entities: Int32Array;
  /** Reads of `entities[at]` lie from `start[at]` to below `start[at + 1]`. */
  readonly start: Int32Array;
  readonly reads: Int32Array;
  /** What each saw: `epoch · EPOCH_STEP + number`. */
  readonly keys: Float64Array;
}

/** Puts the records of one kind side by side: linear where they came in their order, as silver's do. */
export function kindRecords(
  kind: EntityKind,
  { payments, labels }: ReplayRecords,
  { entities, counts, labelPayees }: NumberedEntities,
  memory: ReplayMemory,
): KindRecords {
  const paid = entities[kind];
  const labelled = kind === 'payee' ? labelPayees : new Int32Array(0);
  const start = memory.integers(counts[kind] + 1);
  const count = (entity: number): void => {
    if (entity >= 0) start[entity + 1] = (start[entity + 1] as number) + 1;
  };
  for (let row = 0; row < payments.count; row += 1)
    if (payments.isEvent[row] !== EVENT.none) count(paid[row] as number);
  for (let row = 0; row < labelled.length; row += 1) count(labelled[row] as number);
  for (let at = 1; at < start.length; at += 1) start[at] = (start[at] as number) + (start[at - 1] as number);
  const total = start[start.length - 1] as number;
  const items = memory.integers(total);
  const keys = memory.doubles(total);
  const next = Int32Array.from(start);
  const put = (entity: number, item: number, numbers: NumberColumns, row: number): void => {
    if (entity < 0) return;
    const at = next[entity] as number;
    next[entity] = at + 1;
    items[at] = item;
    keys[at] = keyOf(numbers.epochs[row] as number, numbers.seqs[row] as number);
  };
  const numbers = payments.numbers[kind];
  for (let row = 0; row < payments.count; row += 1) {
    if (payments.isEvent[row] !== EVENT.none) put(paid[row] as number, row, numbers, row);
  }
  for (let row = 0; row < labelled.length; row += 1) put(labelled[row] as number, -1 - row, labels.numbers, row);
  const compare = comparePlaces(payments.places, labels.places);
  for (let entity = 0; entity < counts[kind]; entity += 1) {
    sortByKey(items, keys, start[entity] as number, start[entity + 1] as number, compare);
  }
  return { start, items, keys };
}

function keyOf(epoch: number, seq: number): number {
  return epoch === 0 ? Infinity : epoch * EPOCH_STEP + seq;
}

/** By known time, journal, position. */
function comparePlaces(payments: PlaceColumns, labels: PlaceColumns): (a: number, b: number) => number {
  return (a, b) => {
    const [left, right] = [a < 0 ? labels : payments, b < 0 ? labels : payments];
    const [rowA, rowB] = [a < 0 ? -1 - a : a, b < 0 ? -1 - b : b];
    const byTime = (left.knownTimes[rowA] as number) - (right.knownTimes[rowB] as number);
    if (byTime !== 0) return byTime;
    const [journalA, journalB] = [left.journals.at(rowA) ?? '', right.journals.at(rowB) ?? ''];
    if (journalA !== journalB) return journalA < journalB ? -1 : 1;
    return (left.positions[rowA] as number) - (right.positions[rowB] as number);
  };
}

/** Sorts a run of two columns by the second; nearly always it is in order, and then only looked at. */
export function sortByKey(
  items: Int32Array,
  keys: Float64Array,
  from: number,
  to: number,
  compareTied: (a: number, b: number) => number,
): void {
  let sorted = true;
  for (let at = from + 1; at < to && sorted; at += 1) {
    const before = keys[at - 1] as number;
    const key = keys[at] as number;
    sorted = before < key || (before === key && compareTied(items[at - 1] as number, items[at] as number) <= 0);
  }
  if (sorted) return;
  const order = Array.from({ length: to - from }, (_, at) => ({
    item: items[from + at] as number,
    key: keys[from + at] as number,
  }));
  order.sort((a, b) => (a.key === b.key ? compareTied(a.item, b.item) : a.key - b.key));
  for (const [at, { item, key }] of order.entries()) {
    items[from + at] = item;
    keys[from + at] = key;
  }
}
