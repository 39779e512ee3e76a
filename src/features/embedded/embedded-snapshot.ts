import type { IdTable } from '../../base/id-table.ts';
import { bytesOf, numbersOf, type Section } from '../../base/section-file.ts';
import type { ColdPool, SavedCold } from '../cold/cold-pool.ts';
import type { EventSlab } from '../engine/event-slab.ts';
import type { EmbeddedStore } from './embedded-store.ts';
import type { EmbeddedTables, KindTable } from './embedded-tables.ts';

/**
 * An embedded store as it is, for a file of sections. It is a cache of what silver and the journals
 * say: where it cannot be used, the store is built from them.
 */
export interface StoreSnapshot {
  readonly header: StoreHeader;
  /** Views of the store: it must not change before they are written. */
  readonly sections: readonly Section[];
}

/** Blocks of events. */
interface SlabHeader {
  readonly used: number;
  readonly free: readonly (readonly number[])[];
}

/** Cold events: their pages, and the length of what each entity has beside them. Entities are in the order of their sections. */
interface ColdHeader {
  readonly pages: SavedCold['pages'];
  readonly entities: readonly { readonly entity: number; readonly numbers: number }[];
}

/** What a snapshot says of the store, as JSON. */
export interface StoreHeader {
  readonly featureSet: string;
  readonly epoch: number;
  readonly newestMicros: number | null;
  readonly firstOrdinal: number;
  /** By kind of entity. */
  readonly kinds: Readonly<
    Record<string, { readonly slab: SlabHeader; readonly tiles: number; readonly cold: ColdHeader | null }>
  >;
  readonly labels: SlabHeader;
}

/** The store's state, all of which must be durable. 1 M payments are about 600 MB. */
export function snapshotOfStore(store: EmbeddedStore): StoreSnapshot {
  const { tables, set } = store;
  const cold = tables.kinds.map((table) => table.cold?.saved() ?? null);
  const header: StoreHeader = {
    featureSet: set.hash,
    epoch: store.epoch,
    newestMicros: Number.isFinite(tables.newestMicros) ? tables.newestMicros : null,
    firstOrdinal: tables.payments.oldest(),
    kinds: Object.fromEntries(
      tables.kinds.map(({ kind, slab, tiles }, at) => [
        kind,
        { slab: slab.layout(), tiles: tiles.used, cold: coldHeader(cold[at] ?? null) },
      ]),
    ),
    labels: tables.labelSlab.layout(),
  };
  return { header, sections: sectionsOf(tables, cold) };
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
  if (!fits(store.tables, header, sections)) return 'it holds more than the limit of this store';
  const pages = restorePages(store.tables, header);
  if (pages !== undefined) return pages;
  fill(store.tables, header, sections);
  if (header.epoch > 0) store.openEpoch(header.epoch);
  return undefined;
}

function sectionsOf(
  { kinds, labels, labelSlab, payments, payeeKeys }: EmbeddedTables,
  cold: readonly (SavedCold | null)[],
): Section[] {
  const ring = payments.columns();
  return [
    ...kinds.flatMap(({ kind, slab, tiles, lists, ids }, at) => [
      { name: `${kind}-events`, bytes: eventBytes(slab) },
      { name: `${kind}-tiles`, bytes: bytesOf(tiles.numbers.subarray(0, tiles.used * tiles.stride)) },
      { name: `${kind}-lists`, bytes: lists.recordBytes() },
      { name: `${kind}-ids`, bytes: namesOf(ids) },
      { name: `${kind}-cold`, bytes: coldBytes(cold[at] ?? null) },
    ]),
    { name: 'label-events', bytes: eventBytes(labelSlab) },
    { name: 'label-lists', bytes: labels.recordBytes() },
    { name: 'payee-keys', bytes: payeeKeys.texts() },
    { name: 'payment-ids', bytes: payments.names() },
    { name: 'payment-times', bytes: bytesOf(ring.times) },
    { name: 'payment-owns', bytes: bytesOf(ring.owns) },
    { name: 'payment-entities', bytes: bytesOf(ring.entities) },
    { name: 'payment-sides', bytes: ring.sides },
  ];
}

function eventBytes(slab: EventSlab): Uint8Array {
  return bytesOf(slab.numbers.subarray(0, slab.layout().used * slab.stride));
}

/** Bytes of an entity's record, as `EntityLists` keeps it. */
const RECORD_BYTES = 64;

function fits(tables: EmbeddedTables, header: StoreHeader, sections: ReadonlyMap<string, Buffer>): boolean {
  const lengthOf = (name: string): number => sections.get(name)?.length ?? 0;
  const kindFits = ({ kind, lists, slab, tiles }: KindTable): boolean =>
    lengthOf(`${kind}-lists`) / RECORD_BYTES < lists.capacity &&
    (header.kinds[kind]?.slab.used ?? Infinity) < slab.capacity &&
    (header.kinds[kind]?.tiles ?? Infinity) * tiles.stride <= tiles.numbers.length;
  return (
    lengthOf('payment-sides') < tables.payments.capacity &&
    tables.kinds.every(kindFits) &&
    lengthOf('label-lists') / RECORD_BYTES < tables.labels.capacity &&
    header.labels.used < tables.labelSlab.capacity
  );
}

function fill(tables: EmbeddedTables, header: StoreHeader, sections: ReadonlyMap<string, Buffer>): void {
  const section = (name: string): Buffer => sections.get(name) ?? Buffer.alloc(0);
  for (const { kind, slab, tiles, lists, ids, cold } of tables.kinds) {
    restoreSlab(slab, header.kinds[kind]?.slab, section(`${kind}-events`));
    bytesOf(tiles.numbers).set(section(`${kind}-tiles`));
    tiles.restoreUsed(header.kinds[kind]?.tiles ?? 0);
    lists.restoreRecords(section(`${kind}-lists`));
    putNames(ids, section(`${kind}-ids`));
    restoreCold(cold, header.kinds[kind]?.cold, section(`${kind}-cold`));
  }
  restoreSlab(tables.labelSlab, header.labels, section('label-events'));
  tables.labels.restoreRecords(section('label-lists'));
  tables.payeeKeys.restoreTexts(section('payee-keys'));
  tables.payments.restore(header.firstOrdinal, section('payment-ids'), {
    times: numbersOf(Float64Array, section('payment-times')),
    owns: numbersOf(Float64Array, section('payment-owns')),
    entities: numbersOf(Int32Array, section('payment-entities')),
    sides: section('payment-sides'),
  });
  tables.newestMicros = header.newestMicros ?? -Infinity;
}

const IN_MEMORY = 'its cold events were in memory';

function coldHeader(cold: SavedCold | null): ColdHeader | null {
  if (cold === null) return null;
  return { pages: cold.pages, entities: cold.entities.map(({ entity, state }) => ({ entity, numbers: state.length })) };
}

function coldBytes(cold: SavedCold | null): Uint8Array {
  return Buffer.concat((cold?.entities ?? []).map(({ state }) => bytesOf(state)));
}

/** Pages are looked for before anything is filled. @returns why they cannot be used; undefined where they can. */
function restorePages({ kinds }: EmbeddedTables, header: StoreHeader): string | undefined {
  for (const { kind, cold } of kinds) {
    const saved = header.kinds[kind]?.cold ?? null;
    const problem = cold === null ? undefined : saved === null ? IN_MEMORY : cold.restorePages(saved.pages);
    if (problem === undefined) continue;
    // Files that were opened for nothing: the first page that is written makes them anew.
    for (const table of kinds) table.cold?.close();
    return problem;
  }
  return undefined;
}

function restoreCold(cold: ColdPool | null, header: ColdHeader | null | undefined, bytes: Buffer): void {
  const numbers = numbersOf(Float64Array, bytes);
  let at = 0;
  for (const { entity, numbers: length } of header?.entities ?? []) {
    cold?.make(entity).restore(numbers.subarray(at, at + length));
    at += length;
  }
}

function restoreSlab(slab: EventSlab, layout: SlabHeader | undefined, events: Buffer): void {
  bytesOf(slab.numbers).set(events);
  slab.restoreLayout(layout?.used ?? 0, layout?.free ?? []);
}

function namesOf(table: IdTable): Uint8Array {
  const names = new Int32Array(table.count * 4);
  for (let place = 0; place < table.count; place += 1) table.nameAt(place, names.subarray(place * 4));
  return bytesOf(names);
}

function putNames(table: IdTable, bytes: Buffer): void {
  const names = numbersOf(Int32Array, bytes);
  for (let place = 0; place * 4 < names.length; place += 1) table.put(place, names.subarray(place * 4, place * 4 + 4));
}
