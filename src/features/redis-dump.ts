import type { EmbeddedStore } from './embedded-store.ts';
import type { EntityLists } from './entity-lists.ts';
import { EntityView } from './entity-view.ts';
import { EVENT_STRIDE } from './event-slab.ts';
import { epochKey, idOfName, packed, tokenOfName } from './redis-layout.ts';
import { paymentTail, SIDE_CODES } from './redis-request.ts';
import { TILE, TILE_STRIDE } from './tile-pool.ts';

/** One key to write. */
export type DumpedKey =
  | { readonly kind: 'entity'; readonly key: Buffer; readonly value: Buffer }
  | { readonly kind: 'tiles'; readonly key: Buffer; readonly fields: readonly (string | Buffer)[] }
  /** Lives for PAYMENT_TTL_MS. */
  | { readonly kind: 'payment'; readonly key: Buffer; readonly value: Buffer };

/**
 * An embedded store's state as the keys of an epoch: what Redis would hold had it taken the same
 * events, all of them before the epoch's first number.
 *

 */
export function* dumpState(store: EmbeddedStore, prefix: Buffer): Generator<DumpedKey> {
  const names = stateNames(store);
  const { payers, payees, pairs, labels, payments, payeeKeys } = store.tables;
  for (let payer = 0; payer < payers.used; payer += 1) {
    const key = epochKey(prefix, 'p', idOfName(names.payer(payer)));
    yield { kind: 'entity', key, value: names.entity(payers, payer, names.payeeToken) };
  }
  for (let payee = 0; payee < payees.used; payee += 1) {
    const id = idOfName(names.payee(payee));
    yield {
      kind: 'entity',
      key: epochKey(prefix, 'q', id),
      value: names.entity(payees, payee, names.payerToken),
    };
    const fields = names.tiles(payees, payee);
    if (fields.length > 0) yield { kind: 'tiles', key: epochKey(prefix, 't', id), fields };
    const list = payees.extra(payee) - 1;
    if (list >= 0) yield { kind: 'entity', key: epochKey(prefix, 'l', id), value: names.labels(labels, list) };
  }
  for (let pair = 0; pair < pairs.used; pair += 1) {
    const [payer, payee] = names.pair(pair);
    const key = epochKey(prefix, 'c', idOfName(names.payer(payer)), idOfName(names.payee(payee)));
    yield { kind: 'entity', key, value: names.entity(pairs, pair, () => -1) };
  }
  for (let ordinal = payments.oldest(); ordinal <= payments.newest(); ordinal += 1) {
    const payer = payments.entityOf(ordinal, 0);
    const payee = payments.entityOf(ordinal, 1);
    const side = [undefined, SIDE_CODES.PAYER, SIDE_CODES.PAYEE][payments.sideOf(ordinal)] ?? '-';
    const tail = paymentTail(
      payer < 0 ? -1 : names.payerToken(payer),
      payee < 0 ? -1 : names.payeeToken(payee),
      payments.timeOf(ordinal),
      payments.amountOf(ordinal),
      side,
      payee < 0 ? null : payeeKeys.get(payee),
    );
    const value = Buffer.concat([packed(0, 0, 0), tail]);
    yield { kind: 'payment', key: epochKey(prefix, 'e', idOfName(names.payment(ordinal))), value };
  }
}

/** What a store calls things by numbers, in the words of Redis. */
function stateNames(store: EmbeddedStore) {
  const { payerIds, payeeIds, pairIds, payments } = store.tables;
  const name = new Int32Array(4);
  const view = new EntityView();
  const payer = (entity: number): Int32Array => {
    payerIds.nameAt(entity, name);
    return name;
  };
  const payee = (entity: number): Int32Array => {
    payeeIds.nameAt(entity, name);
    return name;
  };
  const payment = (ordinal: number): Int32Array => {
    payments.nameOf(ordinal, name);
    return name;
  };
  /** A payment that was forgotten can be nobody's own any more: a token that no id has. */
  const identity = (ordinal: number): number =>
    ordinal < payments.oldest() ? -2 - ordinal : tokenOfName(payment(ordinal));
  const events = (counterparty: (number: number) => number, identityOf: (number: number) => number): Float64Array => {
    const packedEvents = new Float64Array(view.kept * EVENT_STRIDE);
    for (let at = 0; at < view.kept; at += 1) {
      const from = (view.base + ((view.head + at) & view.mask)) * EVENT_STRIDE;
      const other = view.events[from + 2] as number;
      packedEvents[at * 4] = view.events[from] as number;
      packedEvents[at * 4 + 1] = view.events[from + 1] as number;
      packedEvents[at * 4 + 2] = other < 0 ? -1 : counterparty(other);
      packedEvents[at * 4 + 3] = identityOf(view.events[from + 3] as number);
    }
    return packedEvents;
  };
  return {
    payer,
    payee,
    payment,
    payerToken: (entity: number): number => tokenOfName(payer(entity)),
    payeeToken: (entity: number): number => tokenOfName(payee(entity)),
    pair(entity: number): readonly [number, number] {
      pairIds.nameAt(entity, name);
      return [name[1] as number, name[2] as number];
    },
    entity(lists: EntityLists, entity: number, counterparty: (number: number) => number): Buffer {
      lists.show(entity, view);
      const { count, first, second, maxSeen, maxDropped, kept } = view;
      const header = packed(0, count, first, second, maxSeen, maxDropped, 0, kept);
      return Buffer.concat([header, Buffer.from(events(counterparty, identity).buffer)]);
    },
    labels(lists: EntityLists, list: number): Buffer {
      lists.show(list, view);
      const header = packed(view.count, view.count - view.kept, view.kept, view.maxDropped);
      const kept = events(
        () => -1,
        (token) => token,
      );
      return Buffer.concat([header, Buffer.from(kept.buffer)]);
    },
    tiles(lists: EntityLists, entity: number): (string | Buffer)[] {
      lists.show(entity, view);
      const fields: (string | Buffer)[] = [];
      const { tiles } = view;
      for (let tile = view.tileChain - 1; tile >= 0; ) {
        const at = tile * TILE_STRIDE;
        const values = tiles.slice(at + TILE.count, at + TILE.next);
        if ((values[0] as number) > 0) fields.push(String(tiles[at]), packed(...values));
        tile = (tiles[at + TILE.next] as number) - 1;
      }
      return fields;
    },
  };
}
