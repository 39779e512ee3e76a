import type { IdTable } from '../base/id-table.ts';
import { bytesOf, numbersOf, type Section } from '../base/section-file.ts';
import type { EmbeddedStore } from './embedded-store.ts';
import { EVENT_STRIDE } from './event-slab.ts';
import { TILE_STRIDE } from './tile-pool.ts';

/**
 * An embedded store as it is, for a file of sections. It is a cache of what silver and the journals
 * say: where it cannot be used, the store is built from them.
 */
export interface StoreSnapshot {
  readonly header: StoreHeader;
  /** Views of the store: it must not change before they are written. */
  readonly sections: readonly Section[];
}

/** What a snapshot says of the store, as JSON. */
export interface StoreHeader {
  readonly featureSet: string;
  readonly epoch: number;
  readonly newestMicros: number | null;
  readonly firstOrdinal: number;
  readonly slab: { readonly used: number; readonly free: readonly (readonly number[])[] };
  readonly tiles: number;
}

/** The store's state, all of which must be durable. 1 M payments are about 300 MB. */
export function snapshotOfStore(store: EmbeddedStore): StoreSnapshot {
  const { tables, set } = store;
  const { payments, slab, tiles } = tables;
  const header: StoreHeader = {
    featureSet: set.hash,
    epoch: store.epoch,
    newestMicros: Number.isFinite(tables.newestMicros) ? tables.newestMicros : null,
    firstOrdinal: payments.oldest(),
    slab: slab.layout(),
    tiles: tiles.used,
  };
  return { header, sections: sectionsOf(store) };
}

/**
 * Fills a new store from a snapshot, numbers excepted: the next epoch is to be opened.
 *
 * @returns why it could not be used, and then the store is as it was: empty; undefined where it is restored.
 */
export function restoreStore(
  store: EmbeddedStore,
  header: StoreHeader,
  sections: ReadonlyMap<string, Buffer>,
): string | undefined {
  if (header.featureSet !== store.set.hash) return 'it was made for another version of the feature set';
  if (!fits(store, header, sections)) return 'it holds more than the limit of this store';
  fill(store, header, sections);
  return undefined;
}

const ENTITIES = ['payers', 'payees', 'pairs', 'labels'] as const;

function sectionsOf({ tables }: EmbeddedStore): Section[] {
  const { slab, tiles, payments, payeeKeys } = tables;
  const ids = { payers: tables.payerIds, payees: tables.payeeIds, pairs: tables.pairIds };
  const ring = payments.columns();
  return [
    { name: 'events', bytes: bytesOf(slab.numbers.subarray(0, slab.layout().used * EVENT_STRIDE)) },
    { name: 'tiles', bytes: bytesOf(tiles.numbers.subarray(0, tiles.used * TILE_STRIDE)) },
    ...ENTITIES.map((name) => ({ name, bytes: tables[name].recordBytes() })),
    ...Object.entries(ids).map(([name, table]) => ({ name: `${name}-ids`, bytes: namesOf(table, 0, table.count) })),
    { name: 'payee-keys', bytes: payeeKeys.texts() },
    { name: 'payment-ids', bytes: payments.names() },
    { name: 'payment-times', bytes: bytesOf(ring.times) },
    { name: 'payment-amounts', bytes: bytesOf(ring.amounts) },
    { name: 'payment-entities', bytes: bytesOf(ring.entities) },
    { name: 'payment-sides', bytes: ring.sides },
  ];
}

function fits({ tables }: EmbeddedStore, { slab, tiles }: StoreHeader, sections: ReadonlyMap<string, Buffer>): boolean {
  const payments = (sections.get('payment-sides')?.length ?? 0) < tables.payments.capacity;
  const entities = ENTITIES.every((name) => (sections.get(name)?.length ?? 0) / 64 < tables[name].capacity);
  return payments && entities && slab.used < tables.slab.capacity && tiles * TILE_STRIDE < tables.tiles.numbers.length;
}

function fill(store: EmbeddedStore, header: StoreHeader, sections: ReadonlyMap<string, Buffer>): void {
  const { tables } = store;
  const section = (name: string): Buffer => sections.get(name) ?? Buffer.alloc(0);
  bytesOf(tables.slab.numbers).set(section('events'));
  tables.slab.restoreLayout(header.slab.used, header.slab.free);
  bytesOf(tables.tiles.numbers).set(section('tiles'));
  tables.tiles.restoreUsed(header.tiles);
  for (const name of ENTITIES) tables[name].restoreRecords(section(name));
  putNames(tables.payerIds, section('payers-ids'));
  putNames(tables.payeeIds, section('payees-ids'));
  putNames(tables.pairIds, section('pairs-ids'));
  tables.payeeKeys.restoreTexts(section('payee-keys'));
  tables.payments.restore(header.firstOrdinal, section('payment-ids'), {
    times: numbersOf(Float64Array, section('payment-times')),
    amounts: numbersOf(Float64Array, section('payment-amounts')),
    entities: numbersOf(Int32Array, section('payment-entities')),
    sides: section('payment-sides'),
  });
  tables.newestMicros = header.newestMicros ?? -Infinity;
  if (header.epoch > 0) store.openEpoch(header.epoch);
}

function namesOf(table: IdTable, from: number, to: number): Uint8Array {
  const names = new Int32Array((to - from) * 4);
  for (let place = from; place < to; place += 1) table.nameAt(place, names.subarray((place - from) * 4));
  return bytesOf(names);
}

function putNames(table: IdTable, bytes: Buffer): void {
  const names = numbersOf(Int32Array, bytes);
  for (let place = 0; place * 4 < names.length; place += 1) table.put(place, names.subarray(place * 4, place * 4 + 4));
}
