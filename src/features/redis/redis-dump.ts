import { SIDES } from '../../domain/payment.ts';
import type { EmbeddedStore } from '../embedded/embedded-store.ts';
import { type KindTable, PAYEE } from '../embedded/embedded-tables.ts';
import type { EntityLists } from '../engine/entity-lists.ts';
import { EntityView } from '../engine/entity-view.ts';
import { TILE, tileOffsets } from '../engine/tile-pool.ts';
import { type EpochKeys, epochKey, IN_BASE, KIND_CODES, packed, partitionOf } from './redis-layout.ts';
import { paymentTail, SIDE_CODES } from './redis-request.ts';
import { packTile } from './redis-tiles.ts';

/** One key to write, and the partition that it lies in. */
export type DumpedKey = { readonly partition: number; readonly key: Buffer } & (
  | { readonly kind: 'entity'; readonly value: Buffer }
  | { readonly kind: 'tiles'; readonly fields: readonly (string | Buffer)[] }
  /** Lives for PAYMENT_TTL_MS. */
  | { readonly kind: 'payment'; readonly value: Buffer }
);

/**
 * An embedded store's state as the keys of an epoch: what Redis would hold had it taken the same
 * events, all of them before the epoch's first number.
 */
export function* dumpState(store: EmbeddedStore, epoch: EpochKeys): Generator<DumpedKey> {
  const { kinds, labels } = store.tables;
  const name = new Int32Array(4);
  for (const table of kinds) {
    const { kind, lists, ids } = table;
    for (let entity = 0; entity < lists.used; entity += 1) {
      ids.nameAt(entity, name);
      const partition = partitionOf(name, 0, epoch.set.partitions);
      const key = (code: string): Buffer => epochKey(epoch, partition, code, name);
      yield { kind: 'entity', partition, key: key(KIND_CODES[kind]), value: entityValue(lists, entity) };
      const fields = tileFields(table, entity);
      if (fields.length > 0) yield { kind: 'tiles', partition, key: key(`t${KIND_CODES[kind]}`), fields };
      const list = kind === 'payee' ? lists.extra(entity) - 1 : -1;
      if (list >= 0) yield { kind: 'entity', partition, key: key('l'), value: labelValue(labels, list) };
    }
  }
  yield* dumpPayments(store, epoch);
}

function* dumpPayments({ tables, set }: EmbeddedStore, epoch: EpochKeys): Generator<DumpedKey> {
  const { payments, kinds, payeeKeys } = tables;
  const name = new Int32Array(4);
  const words = new Int32Array(kinds.length * 4);
  for (let ordinal = payments.oldest(); ordinal <= payments.newest(); ordinal += 1) {
    const named: number[] = [];
    for (const [kind, { ids }] of kinds.entries()) {
      const entity = payments.entityOf(ordinal, kind);
      if (entity < 0) continue;
      ids.nameAt(entity, words.subarray(kind * 4, kind * 4 + 4));
      named.push(kind);
    }
    const payee = payments.entityOf(ordinal, PAYEE);
    const side = SIDE_CODES[SIDES[payments.sideOf(ordinal)] ?? 'PAYER'];
    const own = Array.from({ length: set.own.count }, (_, at) => payments.ownOf(ordinal, at));
    const payeeKey = payee < 0 ? null : payeeKeys.get(payee);
    const tail = paymentTail(words, named, tables.revisionOf(ordinal), payments.timeOf(ordinal), own, payeeKey);
    payments.nameOf(ordinal, name);
    const partition = partitionOf(name, 0, epoch.set.partitions);
    const head = Buffer.from([side.charCodeAt(0), IN_BASE]);
    const value = Buffer.concat([head, tail]);
    yield { kind: 'payment', partition, key: epochKey(epoch, partition, 'e', name), value };
  }
}

const view = new EntityView();

/** The events that are kept, oldest first. */
function keptEvents(): Buffer {
  const { events, stride, base, head, mask, kept } = view;
  const numbers = new Float64Array(kept * stride);
  for (let at = 0; at < kept; at += 1) {
    const from = (base + ((head + at) & mask)) * stride;
    numbers.set(events.subarray(from, from + stride), at * stride);
  }
  return Buffer.from(numbers.buffer);
}

function entityValue(lists: EntityLists, entity: number): Buffer {
  lists.show(entity, view);
  const { count, first, second, maxSeen, maxDropped, kept } = view;
  return Buffer.concat([packed(0, count, first, second, maxSeen, maxDropped, 0, kept), keptEvents()]);
}

function labelValue(labels: EntityLists, list: number): Buffer {
  labels.show(list, view);
  const header = packed(view.count, view.count - view.kept, view.kept, view.maxDropped);
  return Buffer.concat([header, keptEvents()]);
}

function tileFields({ plan, lists, tiles }: KindTable, entity: number): (string | Buffer)[] {
  lists.show(entity, view);
  const offsets = tileOffsets(plan.keeping.tiles);
  const fields: (string | Buffer)[] = [];
  for (let tile = view.tileChain - 1; tile >= 0; ) {
    const at = tile * offsets.stride;
    if ((tiles.numbers[at + TILE.count] as number) > 0) {
      fields.push(String(tiles.numbers[at]), packTile(tiles.numbers, at, offsets));
    }
    tile = (tiles.numbers[at + TILE.next] as number) - 1;
  }
  return fields;
}
