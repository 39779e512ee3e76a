import { assert } from '../base/assert.ts';
import { token53 } from '../base/hash128.ts';
import type { EntityNumber, EntityNumbers } from '../domain/entity-keys.ts';
import { LABEL_STATES } from '../domain/label.ts';
import type { PaymentRow } from '../domain/payment-row.ts';
import { DEFAULT_EMBEDDED_LIMITS, type EmbeddedLimits, EmbeddedTables, type EntityIndexes } from './embedded-tables.ts';
import { EntityView } from './entity-view.ts';
import type { FeatureSet } from './feature-set.ts';
import { FEATURE_STATUS } from './feature-status.ts';
import {
  type FeatureRead,
  type FeatureReading,
  type LabelObservation,
  NO_NUMBERS,
  type Observation,
  type ObservedLabel,
  type ObservedPayment,
  type OnlineStore,
  type RecordedPayment,
  type StoreStats,
} from './online-store.ts';
import { paymentOutputs, writeNulls } from './payment-outputs.ts';
import { UndoLog } from './undo-log.ts';
import { createVectorEngine, featureOutput, type VectorEngine, writeAbsent } from './vector-engine.ts';
import type { FeatureOutput } from './window-engine.ts';

/**
 * Online state in the process's own memory, in columns: 7–10 µs to read a payment's features and
 * record its event. Touched before anything is durable; what was not made durable is taken back
 * with {@link rollbackAfter}. Begins empty in epoch 0, takes what was recorded before, and gives
 * numbers from {@link openEpoch} on.
 */
export class EmbeddedStore implements OnlineStore {
  readonly set: FeatureSet;
  /** The columns, for dumps and snapshots. */
  readonly tables: EmbeddedTables;
  readonly #engine: VectorEngine;
  readonly #paymentOutputs: Int32Array;
  readonly #undo = new UndoLog();
  readonly #found: EntityIndexes = { payer: -1, payee: -1, pair: -1 };
  readonly #view = new EntityView();
  readonly #labelView = new EntityView();
  #epoch = 0;

  constructor(set: FeatureSet, limits: EmbeddedLimits = DEFAULT_EMBEDDED_LIMITS) {
    this.set = set;
    this.tables = new EmbeddedTables(set, limits);
    this.#engine = createVectorEngine(set);
    this.#paymentOutputs = paymentOutputs(set);
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Begins an epoch: everything so far is before it, and every entity counts from 1 again. */
  openEpoch(epoch: number): void {
    assert(Number.isSafeInteger(epoch) && epoch > this.#epoch, 'epochs go up');
    this.#epoch = epoch;
    const { payers, payees, pairs } = this.tables;
    for (const lists of [payers, payees, pairs]) {
      for (let entity = 0; entity < lists.used; entity += 1) lists.setSequence(entity, 0);
    }
    this.#undo.settleUpTo(this.#undo.lastMark);
  }

  observePayment({ row, keys }: ObservedPayment): Observation {
    assert(this.#epoch > 0, 'an epoch is open');
    const { tables } = this;
    const own = tables.findPayment(row.end_to_end_id);
    // A second side adds nothing: a full store answers it.
    if (own < 0) tables.makeRoom(row.event_time);
    const t = row.event_time;
    const found = this.#found;
    const { saw, values, status } = this.#read({ keys, atMicros: t, row }, own, found);
    if (own >= 0) {
      return { isEvent: false, numbers: NO_NUMBERS, saw, values, status, mark: this.#undo.lastMark };
    }
    const mark = this.#undo.beginOperation();
    tables.record(row.end_to_end_id, row.side, t, row.amount_centavos, keys, found, this.#undo);
    return { isEvent: true, numbers: nextNumbers(saw), saw, values, status, mark };
  }

  readFeatures(read: FeatureRead): FeatureReading {
    assert(this.#epoch > 0, 'an epoch is open');
    const own = read.row === null ? -1 : this.tables.findPayment(read.row.end_to_end_id);
    return this.#read(read, own, this.#found);
  }

  observeLabel({ endToEndId, state, eventTimeMicros, payeeAccount }: ObservedLabel): LabelObservation {
    assert(this.#epoch > 0, 'an epoch is open');
    const { tables } = this;
    tables.makeRoom(eventTimeMicros);
    const payee = tables.payeeOfLabel(endToEndId, payeeAccount);
    if (payee < 0) return { payeeAccount, number: null, mark: this.#undo.lastMark };
    const mark = this.#undo.beginOperation();
    tables.recordLabel(payee, endToEndId, LABEL_STATES.indexOf(state), eventTimeMicros, this.#undo);
    const number = { epoch: this.#epoch, seq: tables.payees.sequence(payee) };
    return { payeeAccount: tables.payeeKeys.get(payee), number, mark };
  }

  /** Whether everything that touched the state is durable. */
  get isSettled(): boolean {
    return !this.#undo.holds(this.#undo.lastMark);
  }

  /** Everything up to a mark is durable; it cannot be taken back any more. */
  settleUpTo(mark: number): void {
    this.#undo.settleUpTo(mark);
  }

  /** Takes every operation after a mark back, newest first. Their marks will be given again. */
  rollbackAfter(mark: number): void {
    assert(mark === this.#undo.lastMark || this.#undo.holds(mark + 1), 'what is durable is not taken back');
    while (this.#undo.lastMark > mark) {
      this.tables.undo(this.#undo);
      this.#undo.endUndo();
    }
  }

  /**
   * Takes an event that was recorded before this epoch, without computing anything. Events come in
   * the order of their numbers; one whose payment is known is passed over.
   *
   * @returns whether it was taken.
   */
  applyRecorded({ endToEndId, side, eventTimeMicros, amountCentavos, keys }: RecordedPayment): boolean {
    const { tables } = this;
    if (tables.findPayment(endToEndId) >= 0) return false;
    tables.makeRoom(eventTimeMicros);
    tables.find(keys, this.#found);
    tables.record(endToEndId, side ?? null, eventTimeMicros, amountCentavos, keys, this.#found, null);
    return true;
  }

  /** Takes a label that was recorded before this epoch, in its order; `payeeAccount` is as resolved then. */
  applyRecordedLabel({ endToEndId, state, eventTimeMicros, payeeAccount }: ObservedLabel): void {
    const { tables } = this;
    tables.makeRoom(eventTimeMicros);
    const payee = tables.payeeOfLabel(endToEndId, payeeAccount);
    if (payee >= 0) tables.recordLabel(payee, endToEndId, LABEL_STATES.indexOf(state), eventTimeMicros, null);
  }

  /** Sizes, for metrics. */
  stats(): StoreStats {
    const { payments, payers, payees, pairs, labels, slab, tiles, payeeKeys } = this.tables;
    const entities = payers.used + payees.used + pairs.used;
    return {
      payments: payments.count,
      payers: payers.used,
      payees: payees.used,
      pairs: pairs.used,
      labelledPayees: labels.used,
      eventSlots: slab.used,
      tiles: tiles.used,
      bytes:
        payments.count * 57 +
        entities * 92 +
        labels.used * 64 +
        slab.layout().used * 32 +
        tiles.used * 64 +
        payeeKeys.bytes,
    };
  }

  /** Finds the entities and reads the whole vector. @param own ordinal of the payment's event; −1 where it has none. */
  #read({ keys, atMicros: t, row }: FeatureRead, own: number, found: EntityIndexes): FeatureReading {
    const out = featureOutput(this.set);
    this.tables.find(keys, found);
    const saw = {
      payer: this.#readEntity(0, keys.payer, found.payer, own, t, out),
      payee: this.#readEntity(1, keys.payee, found.payee, own, t, out),
      pair: this.#readEntity(2, keys.pair, found.pair, own, t, out),
    };
    if (keys.payee !== null) this.#readLabels(found.payee, own, row, t, out);
    this.#engine.expressions.read(row, out);
    if (row === null) writeNulls(this.#paymentOutputs, out);
    return { saw, values: out.values, status: out.status };
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
    const { payers, payees, pairs, payments } = this.tables;
    const lists = kind === 0 ? payers : kind === 1 ? payees : pairs;
    const view = this.#view;
    if (entity < 0) view.clear();
    else lists.show(entity, view);
    if (own >= 0 && entity >= 0 && payments.entityOf(own, kind) === entity) {
      view.ownIdentity = own;
      view.ownTime = payments.timeOf(own);
      view.ownAmount = payments.amountOf(own);
    }
    engine.read(view, t, out);
    return { epoch: this.#epoch, seq: entity < 0 ? 0 : lists.sequence(entity) };
  }

  #readLabels(payee: number, own: number, row: PaymentRow | null, t: number, out: FeatureOutput): void {
    const { payees, labels, payments } = this.tables;
    const list = payee < 0 ? 0 : payees.extra(payee);
    const view = this.#labelView;
    if (list === 0) view.clear();
    else labels.show(list - 1, view);
    const count = payee < 0 ? 0 : payees.count(payee);
    const ownCounted = own >= 0 && payee >= 0 && payments.entityOf(own, 1) === payee ? 1 : 0;
    // Only a payee that has labels has use for the payment's token.
    const ownToken = view.kept === 0 || row === null ? -1 : token53(row.end_to_end_id);
    this.#engine.labels.read(view, count - ownCounted > 0, t, ownToken, out);
  }
}

function nextNumbers({ payer, payee, pair }: EntityNumbers): EntityNumbers {
  return { payer: next(payer), payee: next(payee), pair: next(pair) };
}

function next(number: EntityNumber | null): EntityNumber | null {
  return number === null ? null : { epoch: number.epoch, seq: number.seq + 1 };
}
