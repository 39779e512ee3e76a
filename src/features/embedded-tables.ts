import { AppError } from '../base/errors.ts';
import { hash128, token53 } from '../base/hash128.ts';
import { IdTable } from '../base/id-table.ts';
import type { EntityKeys } from '../domain/entity-keys.ts';
import { SIDES, type Side } from '../domain/payment.ts';
import { EntityLists } from './entity-lists.ts';
import { EventSlab } from './event-slab.ts';
import type { FeatureSet } from './feature-set.ts';
import { KeyArena } from './key-arena.ts';
import { PaymentRing } from './payment-ring.ts';
import { TilePool } from './tile-pool.ts';
import type { UndoLog } from './undo-log.ts';

/** How large an embedded store may become. */
export interface EmbeddedLimits {
  /**
   * Payments known by their ids, and entities of each kind. About 330 bytes of memory for each,
   * taken as they come; addresses for all of them are reserved at the start.
   */
  readonly maxPayments: number;
}

/** 4 M payments: 1.3 GB at most. */
export const DEFAULT_EMBEDDED_LIMITS: EmbeddedLimits = { maxPayments: 4_000_000 };

/** MED contests within 80 days and decides by day 91: until then a label may name a payment. */
const KNOWN_FOR_MICROS = 92 * 86_400_000_000;
/** Answers are kept, and requests repeated, for 7 days: a payment that young is never forgotten to make room. */
const NEVER_FORGOTTEN_MICROS = 7 * 86_400_000_000;

/** Codes of what an operation did, in the log of what can be undone. */
const PAYMENT = 1;
const LABEL = 2;

/** Indexes of a payment's entities; −1 where it has none, or none that is known. */
export interface EntityIndexes {
  payer: number;
  payee: number;
  pair: number;
}

/** The columns of an embedded store: entities by kind, their events and labels, payments by their ids. */
export class EmbeddedTables {
  readonly set: FeatureSet;
  readonly slab: EventSlab;
  readonly tiles: TilePool;
  readonly payers: EntityLists;
  readonly payees: EntityLists;
  readonly pairs: EntityLists;
  /** Lists of labels; a payee's is the number in its `extra` − 1. */
  readonly labels: EntityLists;
  readonly payerIds: IdTable;
  readonly payeeIds: IdTable;
  readonly pairIds: IdTable;
  readonly payeeKeys: KeyArena;
  readonly payments: PaymentRing;
  readonly #name = new Int32Array(4);
  newestMicros = -Infinity;

  constructor(set: FeatureSet, { maxPayments }: EmbeddedLimits) {
    this.set = set;
    // Three entities a payment, and blocks that are half full at worst.
    this.slab = new EventSlab(maxPayments * 6 + 16 * set.bound);
    this.tiles = new TilePool(Math.max(1024, Math.floor(maxPayments / 8)));
    const lists = (kind: 'payer' | 'payee' | 'pair'): EntityLists =>
      new EntityLists(maxPayments, set.kinds[kind].keeping, this.slab, this.tiles);
    this.payers = lists('payer');
    this.payees = lists('payee');
    this.pairs = lists('pair');
    const labelRule = { bound: set.bound, retentionMicros: Infinity, tileMicros: 0 };
    this.labels = new EntityLists(maxPayments, labelRule, this.slab, this.tiles);
    this.payerIds = new IdTable(maxPayments);
    this.payeeIds = new IdTable(maxPayments);
    this.pairIds = new IdTable(maxPayments);
    this.payeeKeys = new KeyArena(maxPayments);
    this.payments = new PaymentRing(maxPayments);
  }

  /** Finds the entities of keys. */
  find(keys: EntityKeys, found: EntityIndexes): void {
    found.payer = keys.payer === null ? -1 : this.#find(this.payerIds, keys.payer);
    found.payee = keys.payee === null ? -1 : this.#find(this.payeeIds, keys.payee);
    found.pair = -1;
    if (found.payer < 0 || found.payee < 0) return;
    namePair(found.payer, found.payee, this.#name);
    found.pair = this.pairIds.find(this.#name);
  }

  /** Ordinal of a payment by its endToEndId; −1 where it is not known. */
  findPayment(endToEndId: string): number {
    hash128(endToEndId, this.#name);
    return this.payments.find(this.#name);
  }

  /**
   * Records an event that is not known, with the next number of each of its entities.
   *
   * @param found its entities, as {@link find} gave them; those that are missing are made.
   */
  record(
    endToEndId: string,
    side: Side | null,
    time: number,
    amount: number,
    keys: EntityKeys,
    found: EntityIndexes,
    undo: UndoLog | null,
  ): void {
    hash128(endToEndId, this.#name);
    const ordinal = this.payments.add(this.#name, time, amount, side === null ? 0 : SIDES.indexOf(side) + 1);
    const { payer, payee, pair } = this.#complete(keys, found);
    this.payments.setEntities(ordinal, payer, payee, pair);
    if (payer >= 0) this.payers.append(payer, time, amount, payee, ordinal, undo);
    if (payee >= 0) this.payees.append(payee, time, amount, payer, ordinal, undo);
    if (pair >= 0) this.pairs.append(pair, time, amount, -1, ordinal, undo);
    if (undo !== null) {
      undo.push(this.newestMicros);
      undo.push(PAYMENT);
    }
    this.newestMicros = Math.max(this.newestMicros, time);
  }

  /** The payee whose list a label goes to; made where the caller names one that was never seen; −1 where none is known. */
  payeeOfLabel(endToEndId: string, payeeAccount: string | null): number {
    const payment = this.findPayment(endToEndId);
    const known = payment < 0 ? -1 : this.payments.entityOf(payment, 1);
    if (known >= 0 || payeeAccount === null) return known;
    const payee = this.#find(this.payeeIds, payeeAccount);
    return payee >= 0 ? payee : this.#createPayee(payeeAccount);
  }

  /** Records a label of a payee with the payee's next number. */
  recordLabel(payee: number, endToEndId: string, state: number, time: number, undo: UndoLog | null): void {
    let labels = this.payees.extra(payee) - 1;
    if (labels < 0) {
      labels = this.labels.create();
      this.payees.setExtra(payee, labels + 1);
    }
    this.labels.append(labels, time, state, -1, token53(endToEndId), undo);
    this.payees.setSequence(payee, this.payees.sequence(payee) + 1);
    if (undo === null) return;
    undo.push(payee);
    undo.push(LABEL);
  }

  /** Takes the newest operation that `undo` holds back. */
  undo(undo: UndoLog): void {
    if (undo.pop() === LABEL) {
      const payee = undo.pop();
      this.payees.setSequence(payee, this.payees.sequence(payee) - 1);
      this.labels.undoAppend(undo);
      return;
    }
    const ordinal = this.payments.newest();
    this.newestMicros = undo.pop();
    if (this.payments.entityOf(ordinal, 2) >= 0) this.pairs.undoAppend(undo);
    if (this.payments.entityOf(ordinal, 1) >= 0) this.payees.undoAppend(undo);
    if (this.payments.entityOf(ordinal, 0) >= 0) this.payers.undoAppend(undo);
    this.payments.undoAdd();
  }

  /**
   * Looks whether an operation has room, before anything is touched, so that a full store refuses
   * whole; forgets payments that no label and no retry can name any more.
   *
   * @param time of the event that is to come.
   * @throws AppError `state_full`.
   */
  makeRoom(time: number): void {
    const { payments } = this;
    const newest = Math.max(this.newestMicros, time);
    while (payments.count > 0 && payments.oldestTime() < newest - KNOWN_FOR_MICROS) payments.dropOldest();
    if (payments.isFull && payments.oldestTime() < newest - NEVER_FORGOTTEN_MICROS) payments.dropOldest();
    const full =
      payments.isFull ||
      this.payers.used === this.payers.capacity ||
      this.payees.used === this.payees.capacity ||
      this.pairs.used === this.pairs.capacity ||
      this.labels.used === this.labels.capacity ||
      !this.tiles.hasRoom ||
      !this.slab.hasRoom(8 * this.set.bound);
    if (!full) return;
    throw new AppError(
      'state_full',
      `the embedded store holds its limit of ${payments.capacity} payments; raise the limit, or use Redis`,
      { limit: payments.capacity },
    );
  }

  #find(ids: IdTable, key: string): number {
    hash128(key, this.#name);
    return ids.find(this.#name);
  }

  #complete(keys: EntityKeys, found: EntityIndexes): EntityIndexes {
    if (keys.payer !== null && found.payer < 0) {
      hash128(keys.payer, this.#name);
      this.payerIds.put(this.payers.used, this.#name);
      found.payer = this.payers.create();
    }
    if (keys.payee !== null && found.payee < 0) found.payee = this.#createPayee(keys.payee);
    if (found.payer >= 0 && found.payee >= 0 && found.pair < 0) {
      namePair(found.payer, found.payee, this.#name);
      this.pairIds.put(this.pairs.used, this.#name);
      found.pair = this.pairs.create();
    }
    return found;
  }

  #createPayee(key: string): number {
    hash128(key, this.#name);
    this.payeeIds.put(this.payees.used, this.#name);
    this.payeeKeys.add(key);
    return this.payees.create();
  }
}

/** A pair's name is its two entities' indexes, which are unique already, and a mix of them to find it by. */
function namePair(payer: number, payee: number, out: Int32Array): void {
  let mix = Math.imul(payer, 0x85ebca6b) ^ Math.imul(payee, 0xc2b2ae35);
  mix = Math.imul(mix ^ (mix >>> 15), 0x2c1b3c6d);
  mix = Math.imul(mix ^ (mix >>> 12), 0x297a2d39);
  out[0] = mix ^ (mix >>> 15);
  out[1] = payer;
  out[2] = payee;
  out[3] = 0;
}
