import { assert } from '../base/assert.ts';
import { AppError } from '../base/errors.ts';
import { hash128, token53 } from '../base/hash128.ts';
import { IdTable } from '../base/id-table.ts';
import type { EntityKeys, EntityNumber, EntityNumbers } from '../domain/entity-keys.ts';
import { LABEL_STATES } from '../domain/label.ts';
import { EntityLists } from './entity-lists.ts';
import { EntityView } from './entity-view.ts';
import { EventSlab } from './event-slab.ts';
import type { FeatureSet } from './feature-set.ts';
import { FEATURE_STATUS } from './feature-status.ts';
import { KeyArena } from './key-arena.ts';
import type {
  LabelObservation,
  Observation,
  ObservedLabel,
  ObservedPayment,
  OnlineStore,
  RecordedPayment,
  StoreStats,
} from './online-store.ts';
import { NO_NUMBERS } from './online-store.ts';
import { PaymentRing } from './payment-ring.ts';
import { TilePool } from './tile-pool.ts';
import { UndoLog } from './undo-log.ts';
import { createVectorEngine, featureOutput, type VectorEngine, writeAbsent } from './vector-engine.ts';
import type { FeatureOutput } from './window-engine.ts';

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

/**
 * Online state in the process's own memory, in columns: 4–8 µs to read a payment's features and
 * record its event. Touched before anything is durable; what was not made durable is taken back
 * with {@link rollbackAfter}. Begins empty in epoch 0, takes what was recorded before, and gives
 * numbers from {@link openEpoch} on.
 */
export class EmbeddedStore implements OnlineStore {
  readonly set: FeatureSet;
  readonly #engine: VectorEngine;
  readonly #slab: EventSlab;
  readonly #tiles: TilePool;
  readonly #payers: EntityLists;
  readonly #payees: EntityLists;
  readonly #pairs: EntityLists;
  readonly #labels: EntityLists;
  readonly #payerIds: IdTable;
  readonly #payeeIds: IdTable;
  readonly #pairIds: IdTable;
  readonly #payeeKeys: KeyArena;
  readonly #payments: PaymentRing;
  readonly #undo = new UndoLog();
  readonly #name = new Int32Array(4);
  readonly #paymentName = new Int32Array(4);
  readonly #view = new EntityView();
  readonly #labelView = new EntityView();
  #epoch = 0;
  #newestMicros = -Infinity;

  constructor(set: FeatureSet, limits: EmbeddedLimits = DEFAULT_EMBEDDED_LIMITS) {
    const { maxPayments } = limits;
    this.set = set;
    this.#engine = createVectorEngine(set);
    // Three entities a payment, and blocks that are half full at worst.
    this.#slab = new EventSlab(maxPayments * 6 + 16 * set.bound);
    this.#tiles = new TilePool(Math.max(1024, Math.floor(maxPayments / 8)));
    const lists = (kind: 'payer' | 'payee' | 'pair'): EntityLists =>
      new EntityLists(maxPayments, set.kinds[kind].keeping, this.#slab, this.#tiles);
    this.#payers = lists('payer');
    this.#payees = lists('payee');
    this.#pairs = lists('pair');
    const labelRule = { bound: set.bound, retentionMicros: Infinity, tileMicros: 0 };
    this.#labels = new EntityLists(maxPayments, labelRule, this.#slab, this.#tiles);
    this.#payerIds = new IdTable(maxPayments);
    this.#payeeIds = new IdTable(maxPayments);
    this.#pairIds = new IdTable(maxPayments);
    this.#payeeKeys = new KeyArena(maxPayments);
    this.#payments = new PaymentRing(maxPayments);
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Begins an epoch: everything so far is before it, and every entity counts from 1 again. */
  openEpoch(epoch: number): void {
    assert(Number.isSafeInteger(epoch) && epoch > this.#epoch, 'epochs go up');
    this.#epoch = epoch;
    for (const lists of [this.#payers, this.#payees, this.#pairs]) {
      for (let entity = 0; entity < lists.used; entity += 1) lists.setSequence(entity, 0);
    }
    this.#undo.settleUpTo(this.#undo.lastMark);
  }

  observePayment({ row, keys }: ObservedPayment): Observation {
    assert(this.#epoch > 0, 'an epoch is open');
    this.#makeRoom();
    const out = featureOutput(this.set);
    hash128(row.end_to_end_id, this.#paymentName);
    const own = this.#payments.find(this.#paymentName);
    const payer = keys.payer === null ? -1 : this.#find(this.#payerIds, keys.payer);
    const payee = keys.payee === null ? -1 : this.#find(this.#payeeIds, keys.payee);
    const pair = payer < 0 || payee < 0 ? -1 : this.#findPair(payer, payee);
    const t = row.event_time;
    const saw = {
      payer: this.#readEntity(0, keys.payer, payer, own, t, out),
      payee: this.#readEntity(1, keys.payee, payee, own, t, out),
      pair: this.#readEntity(2, keys.pair, pair, own, t, out),
    };
    this.#readLabels(keys.payee, payee, own, row.end_to_end_id, t, out);
    this.#engine.request.read(row, out);
    this.#engine.derived.read(out);
    if (own >= 0) {
      return { isEvent: false, numbers: NO_NUMBERS, saw, ...out, mark: this.#undo.lastMark };
    }
    const mark = this.#undo.beginOperation();
    this.#record(t, row.amount_centavos, keys, payer, payee, pair, this.#undo);
    return { isEvent: true, numbers: nextNumbers(saw), saw, ...out, mark };
  }

  observeLabel({ endToEndId, state, eventTimeMicros, payeeAccount }: ObservedLabel): LabelObservation {
    assert(this.#epoch > 0, 'an epoch is open');
    this.#makeRoom();
    const payee = this.#payeeOfLabel(endToEndId, payeeAccount);
    if (payee < 0) return { payeeAccount, number: null, mark: this.#undo.lastMark };
    const mark = this.#undo.beginOperation();
    this.#recordLabel(payee, endToEndId, LABEL_STATES.indexOf(state), eventTimeMicros, this.#undo);
    const number = { epoch: this.#epoch, seq: this.#payees.sequence(payee) };
    return { payeeAccount: this.#payeeKeys.get(payee), number, mark };
  }

  /** Everything up to a mark is durable; it cannot be taken back any more. */
  settleUpTo(mark: number): void {
    this.#undo.settleUpTo(mark);
  }

  /** Takes every operation after a mark back, newest first. Their marks will be given again. */
  rollbackAfter(mark: number): void {
    assert(mark === this.#undo.lastMark || this.#undo.holds(mark + 1), 'what is durable is not taken back');
    while (this.#undo.lastMark > mark) {
      if (this.#undo.pop() === PAYMENT) this.#undoPayment();
      else this.#undoLabel();
      this.#undo.endUndo();
    }
  }

  /**
   * Takes an event that was recorded before this epoch, without computing anything. Events come in
   * the order of their numbers; one whose payment is known is passed over.
   *
   * @returns whether it was taken.
   */
  applyRecorded({ endToEndId, eventTimeMicros, amountCentavos, keys }: RecordedPayment): boolean {
    this.#makeRoom();
    hash128(endToEndId, this.#paymentName);
    if (this.#payments.find(this.#paymentName) >= 0) return false;
    const payer = keys.payer === null ? -1 : this.#find(this.#payerIds, keys.payer);
    const payee = keys.payee === null ? -1 : this.#find(this.#payeeIds, keys.payee);
    const pair = payer < 0 || payee < 0 ? -1 : this.#findPair(payer, payee);
    this.#record(eventTimeMicros, amountCentavos, keys, payer, payee, pair, null);
    return true;
  }

  /** Takes a label that was recorded before this epoch, in its order; `payeeAccount` is as resolved then. */
  applyRecordedLabel({ endToEndId, state, eventTimeMicros, payeeAccount }: ObservedLabel): void {
    this.#makeRoom();
    const payee = this.#payeeOfLabel(endToEndId, payeeAccount);
    if (payee >= 0) this.#recordLabel(payee, endToEndId, LABEL_STATES.indexOf(state), eventTimeMicros, null);
  }

  /** Sizes, for metrics. */
  stats(): StoreStats {
    const entities = this.#payers.used + this.#payees.used + this.#pairs.used;
    return {
      payments: this.#payments.count,
      payers: this.#payers.used,
      payees: this.#payees.used,
      pairs: this.#pairs.used,
      labelledPayees: this.#labels.used,
      eventSlots: this.#slab.used,
      tiles: this.#tiles.used,
      bytes:
        this.#payments.count * 56 +
        entities * 92 +
        this.#labels.used * 64 +
        this.#slab.layout().used * 32 +
        this.#tiles.used * 64 +
        this.#payeeKeys.bytes,
    };
  }

  #find(ids: IdTable, key: string): number {
    hash128(key, this.#name);
    return ids.find(this.#name);
  }

  #findPair(payer: number, payee: number): number {
    namePair(payer, payee, this.#name);
    return this.#pairIds.find(this.#name);
  }

  /** Reads one entity and says up to which number; null where the payment names none. */
  #readEntity(
    kind: 0 | 1 | 2,
    key: string | null,
    entity: number,
    own: number,
    t: number,
    out: FeatureOutput,
  ): EntityNumber | null {
    const engine = kind === 0 ? this.#engine.payer : kind === 1 ? this.#engine.payee : this.#engine.pair;
    if (key === null) {
      const { kinds } = this.set;
      writeAbsent(kind === 0 ? kinds.payer : kind === 1 ? kinds.payee : kinds.pair, FEATURE_STATUS.notFound, out);
      return null;
    }
    const lists = kind === 0 ? this.#payers : kind === 1 ? this.#payees : this.#pairs;
    const view = this.#view;
    if (entity < 0) view.clear();
    else lists.show(entity, view);
    if (own >= 0 && entity >= 0 && this.#payments.entityOf(own, kind) === entity) {
      view.ownIdentity = own;
      view.ownTime = this.#payments.timeOf(own);
      view.ownAmount = this.#payments.amountOf(own);
    }
    engine.read(view, t, out);
    return { epoch: this.#epoch, seq: entity < 0 ? 0 : lists.sequence(entity) };
  }

  #readLabels(key: string | null, payee: number, own: number, endToEndId: string, t: number, out: FeatureOutput): void {
    if (key === null) return;
    const labels = payee < 0 ? 0 : this.#payees.extra(payee);
    const view = this.#labelView;
    if (labels === 0) view.clear();
    else this.#labels.show(labels - 1, view);
    let others = 0;
    if (payee >= 0) {
      this.#payees.show(payee, this.#view);
      others = this.#view.count - (own >= 0 && this.#payments.entityOf(own, 1) === payee ? 1 : 0);
    }
    const ownToken = view.kept === 0 ? -1 : token53(endToEndId);
    this.#engine.labels.read(view, others > 0, t, ownToken, out);
  }

  /** Records the payment whose name is in `#paymentName`. */
  #record(
    time: number,
    amount: number,
    keys: EntityKeys,
    knownPayer: number,
    knownPayee: number,
    knownPair: number,
    undo: UndoLog | null,
  ): void {
    const ordinal = this.#payments.add(this.#paymentName, time, amount);
    const payer = keys.payer === null || knownPayer >= 0 ? knownPayer : this.#createPayer(keys.payer);
    const payee = keys.payee === null || knownPayee >= 0 ? knownPayee : this.#createPayee(keys.payee);
    const pair = payer < 0 || payee < 0 || knownPair >= 0 ? knownPair : this.#createPair(payer, payee);
    this.#payments.setEntities(ordinal, payer, payee, pair);
    if (payer >= 0) this.#payers.append(payer, time, amount, payee, ordinal, undo);
    if (payee >= 0) this.#payees.append(payee, time, amount, payer, ordinal, undo);
    if (pair >= 0) this.#pairs.append(pair, time, amount, -1, ordinal, undo);
    if (undo !== null) {
      undo.push(this.#newestMicros);
      undo.push(PAYMENT);
    }
    if (time > this.#newestMicros) this.#newestMicros = time;
  }

  #undoPayment(): void {
    const ordinal = this.#payments.newest();
    this.#newestMicros = this.#undo.pop();
    if (this.#payments.entityOf(ordinal, 2) >= 0) this.#pairs.undoAppend(this.#undo);
    if (this.#payments.entityOf(ordinal, 1) >= 0) this.#payees.undoAppend(this.#undo);
    if (this.#payments.entityOf(ordinal, 0) >= 0) this.#payers.undoAppend(this.#undo);
    this.#payments.undoAdd();
  }

  #recordLabel(payee: number, endToEndId: string, state: number, time: number, undo: UndoLog | null): void {
    let labels = this.#payees.extra(payee) - 1;
    if (labels < 0) {
      labels = this.#labels.create();
      this.#payees.setExtra(payee, labels + 1);
    }
    this.#labels.append(labels, time, state, -1, token53(endToEndId), undo);
    this.#payees.setSequence(payee, this.#payees.sequence(payee) + 1);
    if (undo === null) return;
    undo.push(payee);
    undo.push(LABEL);
  }

  #undoLabel(): void {
    const payee = this.#undo.pop();
    this.#payees.setSequence(payee, this.#payees.sequence(payee) - 1);
    this.#labels.undoAppend(this.#undo);
  }

  /** The payee whose list a label goes to; made where the caller names one that was never seen; −1 where none is known. */
  #payeeOfLabel(endToEndId: string, payeeAccount: string | null): number {
    hash128(endToEndId, this.#name);
    const payment = this.#payments.find(this.#name);
    const known = payment < 0 ? -1 : this.#payments.entityOf(payment, 1);
    if (known >= 0 || payeeAccount === null) return known;
    const payee = this.#find(this.#payeeIds, payeeAccount);
    return payee >= 0 ? payee : this.#createPayee(payeeAccount);
  }

  #createPayer(key: string): number {
    hash128(key, this.#name);
    this.#payerIds.put(this.#payers.used, this.#name);
    return this.#payers.create();
  }

  #createPayee(key: string): number {
    hash128(key, this.#name);
    this.#payeeIds.put(this.#payees.used, this.#name);
    this.#payeeKeys.add(key);
    return this.#payees.create();
  }

  #createPair(payer: number, payee: number): number {
    namePair(payer, payee, this.#name);
    this.#pairIds.put(this.#pairs.used, this.#name);
    return this.#pairs.create();
  }

  /** Looks before anything is touched, so that a full store refuses whole. */
  #makeRoom(): void {
    const payments = this.#payments;
    while (payments.count > 0 && payments.oldestTime() < this.#newestMicros - KNOWN_FOR_MICROS) payments.dropOldest();
    if (payments.isFull && payments.oldestTime() < this.#newestMicros - NEVER_FORGOTTEN_MICROS) payments.dropOldest();
    const full =
      payments.isFull ||
      this.#payers.used === this.#payers.capacity ||
      this.#payees.used === this.#payees.capacity ||
      this.#pairs.used === this.#pairs.capacity ||
      this.#labels.used === this.#labels.capacity ||
      !this.#tiles.hasRoom ||
      !this.#slab.hasRoom(8 * this.set.bound);
    if (!full) return;
    throw new AppError(
      'state_full',
      `the embedded store holds its limit of ${payments.capacity} payments; raise the limit, or use Redis`,
      { limit: payments.capacity },
    );
  }
}

function nextNumbers({ payer, payee, pair }: EntityNumbers): EntityNumbers {
  return { payer: next(payer), payee: next(payee), pair: next(pair) };
}

function next(number: EntityNumber | null): EntityNumber | null {
  return number === null ? null : { epoch: number.epoch, seq: number.seq + 1 };
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
