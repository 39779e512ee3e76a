import { assert } from '../../base/assert.ts';
import { AppError, messageOf } from '../../base/errors.ts';
import {
  ENTITY_KINDS,
  type EntityKeys,
  type EntityKind,
  type EntityNumber,
  type EntityNumbers,
  NO_NUMBERS,
} from '../../domain/entity-keys.ts';
import { LABEL_STATES } from '../../domain/label.ts';
import { memoryPages } from '../cold/memory-pages.ts';
import { EntityView } from '../engine/entity-view.ts';
import { EVENT_IDENTITY, type KindEvents, NO_EVENT } from '../engine/event-layout.ts';
import { UndoLog } from '../engine/undo-log.ts';
import { createVectorEngine, featureOutput, type VectorEngine, writeAbsent } from '../engine/vector-engine.ts';
import type { FeatureOutput } from '../feature-output.ts';
import type { FeatureSet } from '../feature-set.ts';
import { FEATURE_STATUS } from '../feature-status.ts';
import type {
  CorrectionObservation,
  FeatureRead,
  FeatureReading,
  LabelObservation,
  Observation,
  ObservedCorrection,
  ObservedLabel,
  ObservedPayment,
  OnlineStore,
  RecordedPayment,
  StoreStats,
} from '../online-store.ts';
import {
  DEFAULT_EMBEDDED_LIMITS,
  type EmbeddedLimits,
  EmbeddedTables,
  type KindTable,
  type PagesOf,
} from './embedded-tables.ts';

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
  readonly #undo = new UndoLog();
  readonly #found = new Int32Array(ENTITY_KINDS.length);
  readonly #view = new EntityView();
  readonly #labelView = new EntityView();
  #epoch = 0;
  /** Why the state is not what it should be any more: an operation ended in its midst. */
  #broken: AppError | undefined;

  /** @param pagesOf where events lie that a set without a bound has no place for in memory: in memory as well, by default. */
  constructor(set: FeatureSet, limits: EmbeddedLimits = DEFAULT_EMBEDDED_LIMITS, pagesOf: PagesOf = memoryPages) {
    this.set = set;
    this.tables = new EmbeddedTables(set, limits, pagesOf);
    this.#engine = createVectorEngine(set);
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Begins an epoch: everything so far is before it, and every entity counts from 1 again. */
  openEpoch(epoch: number): void {
    assert(Number.isSafeInteger(epoch) && epoch > this.#epoch, 'epochs go up');
    this.#epoch = epoch;
    for (const { lists } of this.tables.kinds) {
      for (let entity = 0; entity < lists.used; entity += 1) lists.setSequence(entity, 0);
    }
    this.settleUpTo(this.#undo.lastMark);
  }

  observePayment({ row, keys }: ObservedPayment): Observation {
    this.#checkOpen();
    const { tables } = this;
    const own = tables.findPayment(row.end_to_end_id);
    // A second side adds nothing: a full store answers it.
    if (own < 0) tables.makeRoom(row.event_time);
    const events = this.#engine.write(row);
    const { saw, values, status } = this.#read({ row, keys, atMicros: row.event_time }, own, events);
    if (own >= 0) {
      return { isEvent: false, numbers: NO_NUMBERS, saw, values, status, mark: this.#undo.lastMark };
    }
    const mark = this.#undo.beginOperation();
    try {
      tables.record(row.end_to_end_id, row.side, events, keys, this.#found, this.#undo);
    } catch (error) {
      throw this.#break(error);
    }
    return { isEvent: true, numbers: nextNumbers(saw), saw, values, status, mark };
  }

  readFeatures(read: FeatureRead): FeatureReading {
    this.#checkOpen();
    const { row } = read;
    if (row === null) return this.#read(read, -1, null);
    return this.#read(read, this.tables.findPayment(row.end_to_end_id), this.#engine.write(row));
  }

  observeLabel({ endToEndId, state, eventTimeMicros, payeeAccount }: ObservedLabel): LabelObservation {
    this.#checkOpen();
    const { tables } = this;
    tables.makeRoom();
    const payee = tables.payeeOfLabel(endToEndId, payeeAccount);
    if (payee < 0) return { payeeAccount, number: null, mark: this.#undo.lastMark };
    const mark = this.#undo.beginOperation();
    tables.recordLabel(payee, endToEndId, LABEL_STATES.indexOf(state), eventTimeMicros, this.#undo);
    const number = { epoch: this.#epoch, seq: tables.payees.lists.sequence(payee) };
    return { payeeAccount: tables.payeeKeys.get(payee), number, mark };
  }

  correctPayment({ endToEndId, replacement }: ObservedCorrection): CorrectionObservation {
    this.#checkOpen();
    const { tables } = this;
    if (replacement !== null) tables.makeRoom(replacement.row.event_time);
    const payment = tables.findPayment(endToEndId);
    if (payment < 0) {
      return { isApplied: false, retracted: NO_NUMBERS, replaced: NO_NUMBERS, mark: this.#undo.lastMark };
    }
    const before = ENTITY_KINDS.map((_, kind) => tables.payments.entityOf(payment, kind));
    const numbers = this.#numbersOf(before, 1);
    const mark = this.#undo.beginOperation();
    try {
      this.#correct(payment, endToEndId, replacement, this.#undo);
    } catch (error) {
      throw this.#break(error);
    }
    const after = ENTITY_KINDS.map((_, kind) => tables.payments.entityOf(payment, kind));
    return { isApplied: true, retracted: numbers, replaced: this.#numbersOf(after, 0), mark };
  }

  /** Whether everything that touched the state is durable; never again once it is broken. */
  get isSettled(): boolean {
    return this.#broken === undefined && !this.#undo.holds(this.#undo.lastMark);
  }

  /** Everything up to a mark is durable; it cannot be taken back any more. */
  settleUpTo(mark: number): void {
    this.#undo.settleUpTo(mark);
    this.tables.settleUpTo(mark);
  }

  /** Takes every operation after a mark back, newest first. Their marks will be given again. */
  rollbackAfter(mark: number): void {
    assert(mark === this.#undo.lastMark || this.#undo.holds(mark + 1), 'what is durable is not taken back');
    if (this.#broken !== undefined) return;
    try {
      while (this.#undo.lastMark > mark) {
        this.tables.undo(this.#undo);
        this.#undo.endUndo();
      }
    } catch (error) {
      this.#break(error);
    }
  }

  /**
   * Takes an event that was recorded before this epoch, without computing anything. Events come in
   * the order of their numbers; one whose payment is known is passed over.
   *
   * @returns whether it was taken.
   */
  applyRecorded(payment: RecordedPayment): boolean {
    return this.#take(payment, true);
  }

  /** Takes a payment and its entities as {@link applyRecorded} does, but its event in none of them. */
  admitRecorded(payment: RecordedPayment): boolean {
    return this.#take(payment, false);
  }

  /**
   * Takes a correction that was recorded before this epoch, in its order.
   *
   * @returns whether it does anything to entities: there is an event to retract, or the payment is replaced.
   */
  applyRecordedCorrection(correction: ObservedCorrection): boolean {
    return this.#takeCorrection(correction, true);
  }

  /** Takes what a correction says of its payment as {@link applyRecordedCorrection} does, but nothing in any entity. */
  admitRecordedCorrection(correction: ObservedCorrection): boolean {
    return this.#takeCorrection(correction, false);
  }

  /** Takes the event of a payment that was retracted out of its entity of a kind. @param payment as it was. */
  retractRecorded(kind: EntityKind, { row, keys }: RecordedPayment): void {
    const key = keys[kind];
    if (key !== null) this.tables.retractFrom(ENTITY_KINDS.indexOf(kind), key, row.end_to_end_id, row.event_time);
  }

  #takeCorrection({ endToEndId, replacement }: ObservedCorrection, moves: boolean): boolean {
    const { tables } = this;
    const payment = tables.findPayment(endToEndId);
    if (payment < 0) return false;
    if (replacement !== null) tables.makeRoom(replacement.row.event_time);
    const isEvent = ENTITY_KINDS.some((_, kind) => tables.payments.entityOf(payment, kind) >= 0);
    this.#correct(payment, endToEndId, replacement, null, moves);
    return isEvent || replacement !== null;
  }

  #correct(
    payment: number,
    endToEndId: string,
    replacement: ObservedPayment | null,
    undo: UndoLog | null,
    moves = true,
  ): void {
    const { tables } = this;
    if (replacement === null) {
      tables.correct(payment, endToEndId, null, this.#found, undo, moves);
      return;
    }
    const { row, keys } = replacement;
    const events = this.#engine.write(row);
    tables.find(keys, this.#found);
    tables.correct(payment, endToEndId, { events, keys }, this.#found, undo, moves);
  }

  /** The last number of each entity, or one of those to come. @param entities by kind; −1 where there is none. */
  #numbersOf(entities: readonly number[], ahead: number): EntityNumbers {
    const numbers: Record<EntityKind, EntityNumber | null> = { ...NO_NUMBERS };
    for (const [kind, entity] of entities.entries()) {
      const { kind: name, lists } = this.tables.kinds[kind] as KindTable;
      if (entity >= 0) numbers[name] = { epoch: this.#epoch, seq: lists.sequence(entity) + ahead };
    }
    return numbers;
  }

  /** Takes the event of an admitted payment in its entity of a kind, where it has one. */
  appendRecorded(kind: EntityKind, { row, keys }: RecordedPayment): void {
    const key = keys[kind];
    if (key === null) return;
    const at = ENTITY_KINDS.indexOf(kind);
    this.tables.makeRoom(row.event_time);
    this.tables.append(at, key, this.#engine.write(row)[at] as Float64Array);
  }

  #take({ row, keys }: RecordedPayment, appends: boolean): boolean {
    const { tables } = this;
    if (tables.findPayment(row.end_to_end_id) >= 0) return false;
    tables.makeRoom(row.event_time);
    tables.find(keys, this.#found);
    tables.record(row.end_to_end_id, row.side, this.#engine.write(row), keys, this.#found, null, appends);
    return true;
  }

  /**
   * Takes a label that was recorded before this epoch, in its order, of the payee that it names: as resolved then, whatever
   * payee its payment has by now. One that was of nobody then is of nobody.
   */
  applyRecordedLabel({ endToEndId, state, eventTimeMicros, payeeAccount }: ObservedLabel): void {
    if (payeeAccount === null) return;
    const { tables } = this;
    tables.makeRoom();
    tables.recordLabel(tables.payeeOf(payeeAccount), endToEndId, LABEL_STATES.indexOf(state), eventTimeMicros, null);
  }

  /** A snapshot of the store as it is, is in its place. */
  snapshotTaken(): void {
    for (const { cold } of this.tables.kinds) cold?.pin();
  }

  /** Gives its files back. */
  close(): void {
    for (const { cold } of this.tables.kinds) cold?.close();
  }

  /** Sizes, for metrics. */
  stats(): StoreStats {
    const { payments, kinds, labels, labelSlab, payeeKeys, payees } = this.tables;
    const sum = (of: (table: KindTable) => number): number => kinds.reduce((total, table) => total + of(table), 0);
    const entities = sum(({ lists }) => lists.used);
    const events = sum(({ slab }) => slab.layout().used * slab.stride * 8);
    return {
      payments: payments.count,
      entities,
      labelledPayees: labels.used,
      eventSlots: sum(({ slab }) => slab.used),
      tiles: sum(({ tiles }) => tiles.used),
      bytes:
        payments.count * (33 + ENTITY_KINDS.length * 4 + this.set.own.count * 8) +
        entities * 92 +
        labels.used * 64 +
        labelSlab.layout().used * labelSlab.stride * 8 +
        events +
        sum(({ tiles }) => tiles.used * tiles.stride * 8) +
        sum(({ cold }) => cold?.bytes ?? 0) +
        (payees.lists.used > 0 ? payeeKeys.bytes : 0),
    };
  }

  /** @throws AppError of what broke the state. */
  #checkOpen(): void {
    if (this.#broken !== undefined) throw this.#broken;
    assert(this.#epoch > 0, 'an epoch is open');
  }

  /** A change ended in its midst, such as at a damaged page: nothing is read from the state any more. */
  #break(error: unknown): AppError {
    this.#broken = error instanceof AppError ? error : new AppError('internal', messageOf(error), {}, error);
    return this.#broken;
  }

  /**
   * Finds the entities and reads the whole vector.
   *
   * @param own ordinal of the payment's event; −1 where it has none.
   * @param events what the payment is to each kind of entity; null where none is scored.
   */
  #read({ keys, atMicros: t, row }: FeatureRead, own: number, events: KindEvents | null): FeatureReading {
    const out = featureOutput(this.set);
    this.tables.find(keys, this.#found);
    const saw: Record<EntityKind, EntityNumber | null> = { ...NO_NUMBERS };
    for (let kind = 0; kind < ENTITY_KINDS.length; kind += 1) {
      const event = events?.[kind] ?? NO_EVENT;
      saw[ENTITY_KINDS[kind] as EntityKind] = this.#readEntity(kind, keys, own, t, event, out);
    }
    this.#engine.readRow(row, out);
    return { saw, values: out.values, status: out.status };
  }

  /** Reads one entity and says up to which number; null where the payment names none. */
  #readEntity(
    kind: number,
    keys: EntityKeys,
    own: number,
    t: number,
    event: Float64Array,
    out: FeatureOutput,
  ): EntityNumber | null {
    const table = this.tables.kinds[kind] as KindTable;
    if (keys[table.kind] === null) {
      writeAbsent(table.plan, FEATURE_STATUS.notFound, out);
      return null;
    }
    const entity = this.#found[kind] as number;
    const view = this.#view;
    if (entity < 0) view.clear();
    else table.lists.show(entity, view);
    if (own >= 0 && entity >= 0 && this.tables.payments.entityOf(own, kind) === entity)
      this.#showOwn(table, own, event);
    this.#engine.windows[kind]?.read(view, t, event, out);
    if (table.plan.labels.length > 0) this.#readLabels(table, entity, t, event, out);
    return { epoch: this.#epoch, seq: entity < 0 ? 0 : table.lists.sequence(entity) };
  }

  /** The payment's event is in the state that is shown: as it was recorded. */
  #showOwn({ kind, plan }: KindTable, own: number, event: Float64Array): void {
    const { payments } = this.tables;
    const view = this.#view;
    view.ownIdentity = event[EVENT_IDENTITY] as number;
    view.ownTime = payments.timeOf(own);
    const { slots, start } = this.set.own.byKind[kind];
    if (view.own.length < plan.layout.stride) view.own = new Float64Array(plan.layout.stride);
    for (let at = 0; at < slots.length; at += 1) view.own[slots[at] as number] = payments.ownOf(own, start + at);
  }

  #readLabels({ lists }: KindTable, payee: number, t: number, event: Float64Array, out: FeatureOutput): void {
    const list = payee < 0 ? 0 : lists.extra(payee);
    const view = this.#labelView;
    if (list === 0) view.clear();
    else this.tables.labels.show(list - 1, view);
    this.#engine.labels.read(view, this.#view, t, event[EVENT_IDENTITY] ?? -1, out);
  }
}

function nextNumbers(saw: EntityNumbers): EntityNumbers {
  const numbers: Record<EntityKind, EntityNumber | null> = { ...NO_NUMBERS };
  for (const kind of ENTITY_KINDS) {
    const number = saw[kind];
    numbers[kind] = number === null ? null : { epoch: number.epoch, seq: number.seq + 1 };
  }
  return numbers;
}
