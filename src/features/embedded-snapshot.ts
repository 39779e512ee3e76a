import { crc32c } from '../base/crc32c.ts';
import type { IdTable } from '../base/id-table.ts';
import type { EmbeddedStore } from './embedded-store.ts';
import { EVENT_STRIDE } from './event-slab.ts';
import { TILE_STRIDE } from './tile-pool.ts';

/*
 * A snapshot of an embedded store, little-endian:
 *
 *   magic 'SNTLSNAP'  format:u32  length:u32 header:JSON crc:u32  section{…}
 *   section = bytes crc:u32, in the order and with the lengths that the header names
 *
 * It is a cache of what silver and the journals say: one that cannot be read is passed over, and
 * the store is built from them.
 */
const MAGIC = Buffer.from('SNTLSNAP');
const FORMAT = 1;

/** What a snapshot says of itself. */
interface SnapshotHeader {
  readonly featureSet: string;
  readonly epoch: number;
  readonly newestMicros: number | null;
  readonly firstOrdinal: number;
  readonly slab: { readonly used: number; readonly free: readonly (readonly number[])[] };
  readonly tiles: number;
  readonly sections: readonly { readonly name: string; readonly bytes: number }[];
  /** The caller's own: what the state was built from. */
  readonly base: unknown;
}

/** What became of reading a snapshot. */
export type RestoreOutcome =
  | { readonly kind: 'restored'; readonly base: unknown }
  /** The store is as it was: empty. */
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * The store’s state in pieces to be written one after another, when all of it is durable; nothing
 * may touch the store before the last. 1 M payments are about 300 MB and take 0.4 s of this thread.
 *
 * @param base is given back by {@link restoreSnapshot}: the positions of journals, as JSON.
 */
export function* snapshotOf(store: EmbeddedStore, base: unknown): Generator<Uint8Array> {
  const { tables, set } = store;
  const sections = sectionsOf(store);
  const { payments, slab, tiles } = tables;
  const header: SnapshotHeader = {
    featureSet: set.hash,
    epoch: store.epoch,
    newestMicros: Number.isFinite(tables.newestMicros) ? tables.newestMicros : null,
    firstOrdinal: payments.oldest(),
    slab: slab.layout(),
    tiles: tiles.used,
    sections: sections.map(({ name, bytes }) => ({ name, bytes: bytes.length })),
    base,
  };
  const json = Buffer.from(JSON.stringify(header));
  yield Buffer.concat([MAGIC, u32(FORMAT), u32(json.length), json, u32(crc32c(json))]);
  for (const { bytes } of sections) {
    yield bytes;
    yield u32(crc32c(bytes));
  }
}

/** Fills a new store from a snapshot. It continues in the snapshot's epoch; open the next one. */
export function restoreSnapshot(store: EmbeddedStore, bytes: Buffer): RestoreOutcome {
  const refused = (reason: string): RestoreOutcome => ({ kind: 'refused', reason });
  if (bytes.length < 16 || !bytes.subarray(0, 8).equals(MAGIC)) return refused('it is no snapshot');
  if (bytes.readUInt32LE(8) !== FORMAT) return refused('it has another format');
  const end = 16 + bytes.readUInt32LE(12);
  const json = bytes.subarray(16, end);
  if (end + 4 > bytes.length || crc32c(json) !== bytes.readUInt32LE(end)) return refused('its header is damaged');
  const header = JSON.parse(json.toString('utf8')) as SnapshotHeader;
  if (header.featureSet !== store.set.hash) return refused('it was made for another version of the feature set');
  const sections = new Map<string, Buffer>();
  let at = end + 4;
  for (const { name, bytes: length } of header.sections) {
    const section = bytes.subarray(at, at + length);
    at += length + 4;
    if (at > bytes.length || crc32c(section) !== bytes.readUInt32LE(at - 4))
      return refused(`its section ${name} is damaged`);
    sections.set(name, section);
  }
  if (!fits(store, header, sections)) return refused('it holds more than the limit of this store');
  fill(store, header, sections);
  return { kind: 'restored', base: header.base };
}

interface Section {
  readonly name: string;
  readonly bytes: Uint8Array;
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

function fits(
  { tables }: EmbeddedStore,
  { slab, tiles }: SnapshotHeader,
  sections: ReadonlyMap<string, Buffer>,
): boolean {
  const payments = (sections.get('payment-sides')?.length ?? 0) < tables.payments.capacity;
  const entities = ENTITIES.every((name) => (sections.get(name)?.length ?? 0) / 64 < tables[name].capacity);
  return payments && entities && slab.used < tables.slab.capacity && tiles * TILE_STRIDE < tables.tiles.numbers.length;
}

function fill(store: EmbeddedStore, header: SnapshotHeader, sections: ReadonlyMap<string, Buffer>): void {
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
    times: aligned(Float64Array, section('payment-times')),
    amounts: aligned(Float64Array, section('payment-amounts')),
    entities: aligned(Int32Array, section('payment-entities')),
    sides: section('payment-sides'),
  });
  tables.newestMicros = header.newestMicros ?? -Infinity;
  if (header.epoch > 0) store.openEpoch(header.epoch);
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** A copy that begins where its numbers may. */
function aligned<T>(type: new (buffer: ArrayBufferLike) => T, bytes: Uint8Array): T {
  return new type(Uint8Array.from(bytes).buffer);
}

function namesOf(table: IdTable, from: number, to: number): Uint8Array {
  const names = new Int32Array((to - from) * 4);
  for (let place = from; place < to; place += 1) table.nameAt(place, names.subarray((place - from) * 4));
  return bytesOf(names);
}

function putNames(table: IdTable, bytes: Buffer): void {
  const names = aligned(Int32Array, bytes);
  for (let place = 0; place * 4 < names.length; place += 1) table.put(place, names.subarray(place * 4, place * 4 + 4));
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}
