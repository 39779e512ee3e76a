import { type EntityKind, pairKey } from '../domain/entity-keys.ts';
import type { NumberColumns } from '../features/replay/replay-input.ts';
import type { SilverSource } from './silver-source.ts';

/**
 * What is recorded of the entities of a kind: events of payments, what corrections made of them, and labels of payees, those with a
 * number. The records of entity `e` are `start[e] … start[e + 1] − 1`, in the order of their numbers.
 */
export interface EntityHistories {
  /** Number of an entity by its key; −1 where it was never seen. */
  entity(key: string | null): number;
  readonly start: Int32Array;
  /** Rows of the records, or −1 − rows of labels. */
  readonly items: Int32Array;
  readonly epochs: Float64Array;
  readonly seqs: Float64Array;
  /** The largest known time up to each record: an entity's known time never goes back. */
  readonly knownTimes: Float64Array;
}

/** The key of a record's entity of a kind; null where it names none. */
export function entityKeyOf({ records }: Pick<SilverSource, 'records'>, kind: EntityKind, row: number): string | null {
  const { keys } = records;
  if (kind !== 'pair') return keys[kind].at(row) ?? null;
  return pairKey(keys.payer.at(row) ?? null, keys.payee.at(row) ?? null);
}

/** Gathers the records of every entity of a kind: 32 bytes each. */
export function entityHistories(source: SilverSource, kind: EntityKind): EntityHistories {
  const { records, labels } = source;
  const numbers = new Map<string, number>();
  const owners: number[] = [];
  const unordered: number[] = [];
  const add = (key: string | null, item: number, epoch: number): void => {
    if (key === null || epoch === 0) return;
    const entity = numbers.get(key) ?? numbers.size;
    numbers.set(key, entity);
    owners.push(entity);
    unordered.push(item);
  };
  const { epochs } = records.numbers[kind];
  for (let row = 0; row < records.count; row += 1) {
    if (records.isEvent[row] !== 0) add(entityKeyOf(source, kind, row), row, epochs[row] as number);
  }
  for (let row = 0; kind === 'payee' && row < labels.count; row += 1) {
    add(labels.payees.at(row) ?? null, -1 - row, labels.numbers.epochs[row] as number);
  }
  const { start, items } = grouped(owners, unordered, numbers.size);
  return {
    entity: (key) => (key === null ? -1 : (numbers.get(key) ?? -1)),
    start,
    items,
    ...recordColumns(source, kind, start, items),
  };
}

function grouped(
  owners: readonly number[],
  items: readonly number[],
  count: number,
): Pick<EntityHistories, 'start' | 'items'> {
  const start = new Int32Array(count + 1);
  for (const owner of owners) start[owner + 1] = (start[owner + 1] as number) + 1;
  for (let at = 0; at < count; at += 1) start[at + 1] = (start[at + 1] as number) + (start[at] as number);
  const next = start.slice();
  const placed = new Int32Array(items.length);
  for (const [at, owner] of owners.entries()) {
    const place = next[owner] as number;
    placed[place] = items[at] as number;
    next[owner] = place + 1;
  }
  return { start, items: placed };
}

type RecordColumns = Pick<EntityHistories, 'epochs' | 'seqs' | 'knownTimes'>;

/** Sorts the records of each entity, in place, and looks their columns up. */
function recordColumns(
  { records, labels }: SilverSource,
  kind: EntityKind,
  start: Int32Array,
  items: Int32Array,
): RecordColumns {
  const paid: NumberColumns = records.numbers[kind];
  const epochOf = (item: number): number => (item < 0 ? labels.numbers.epochs[-1 - item] : paid.epochs[item]) as number;
  const seqOf = (item: number): number => (item < 0 ? labels.numbers.seqs[-1 - item] : paid.seqs[item]) as number;
  const knownOf = (item: number): number =>
    (item < 0 ? labels.places.knownTimes[-1 - item] : records.places.knownTimes[item]) as number;
  for (let entity = 0; entity + 1 < start.length; entity += 1) {
    const own = items.subarray(start[entity], start[entity + 1]);
    if (own.length > 1) own.sort((a, b) => epochOf(a) - epochOf(b) || seqOf(a) - seqOf(b));
  }
  const columns = {
    epochs: Float64Array.from(items, epochOf),
    seqs: Float64Array.from(items, seqOf),
    knownTimes: Float64Array.from(items, knownOf),
  };
  for (let entity = 0; entity + 1 < start.length; entity += 1) {
    for (let at = (start[entity] as number) + 1; at < (start[entity + 1] as number); at += 1) {
      runOn(columns.knownTimes, at);
    }
  }
  return columns;
}

function runOn(values: Float64Array, at: number): void {
  values[at] = Math.max(values[at] as number, values[at - 1] as number);
}
