import { ENTITY_KINDS, type EntityKind } from '../../domain/entity-keys.ts';
import { EVENT } from '../../domain/recorded-event.ts';
import type { ObservedCorrection, ObservedLabel, RecordedPayment } from '../online-store.ts';
import type { OrderedLabels, OrderedPayments } from '../replay/base-keys.ts';
import { type BaseOrder, baseOrder } from '../replay/base-order.ts';

/** A store that is built from recorded events. */
export interface BaseSink {
  /** Takes an event in each of its entities; one whose payment is known is passed over. */
  applyRecorded(payment: RecordedPayment): unknown;
  /** Takes a label of the payee that it names, whatever payee its payment has by now; of none where it names none. */
  applyRecordedLabel(label: ObservedLabel): unknown;
  /** Takes a correction in each entity; of a payment that is not known, nothing. */
  applyRecordedCorrection(correction: ObservedCorrection): unknown;
  /** Takes a payment and its entities, but its event in none of them. @returns whether it was not known. */
  admitRecorded(payment: RecordedPayment): boolean;
  /** Takes a correction, but in none of its entities. @returns whether they have to: an event is there to retract, or the payment is replaced. */
  admitRecordedCorrection(correction: ObservedCorrection): boolean;
  /** Takes the event of an admitted payment in one of its entities. */
  appendRecorded(kind: EntityKind, payment: RecordedPayment): void;
  /** Takes the event of a payment, as it was, out of one of its entities. */
  retractRecorded(kind: EntityKind, payment: RecordedPayment): void;
}

/** Recorded events by row, in any order. */
export interface BaseEvents {
  readonly payments: OrderedPayments;
  readonly labels: OrderedLabels;
  paymentAt(row: number): RecordedPayment;
  labelAt(row: number): ObservedLabel;
}

/** How far a feed is. */
export interface FeedProgress {
  readonly done: number;
  readonly total: number;
}

/**
 * Feeds events into a store so that each entity takes them in the order of its numbers, whichever server and journal
 * they came through: in one order of whole events where there is one, else kind by kind, which takes five times as long.
 *
 * @param pauseRows a pause is yielded after so many rows, and while they are put in order.
 */
export function* feedBase(events: BaseEvents, sink: BaseSink, pauseRows: number): Generator<FeedProgress> {
  const { whole, kinds } = yield* orderOf(events);
  const total = whole.length * (kinds === null ? 1 : 1 + ENTITY_KINDS.length);
  let done = 0;
  const isPause = (): boolean => {
    done += 1;
    return done % pauseRows === 1;
  };
  if (kinds === null) {
    for (const item of whole) {
      if (item < 0) sink.applyRecordedLabel(events.labelAt(-1 - item));
      else if (events.payments.isEvent[item] === EVENT.first) sink.applyRecorded(events.paymentAt(item));
      else sink.applyRecordedCorrection(correctionAt(events, item));
      if (isPause()) yield { done, total };
    }
    return;
  }
  const isAdmitted = new Uint8Array(events.payments.count);
  for (const item of whole) {
    if (item >= 0 && admits(events, item, sink)) isAdmitted[item] = 1;
    if (isPause()) yield { done, total };
  }
  for (const kind of ENTITY_KINDS) {
    for (const item of kinds[kind]) {
      if (item < 0) sink.applyRecordedLabel(events.labelAt(-1 - item));
      else if (isAdmitted[item] === 1) moveIn(events, kind, item, sink);
      if (isPause()) yield { done, total };
    }
  }
}

/** Putting a million events in order takes seconds: pauses there too. */
function* orderOf({ payments, labels }: BaseEvents): Generator<FeedProgress, BaseOrder> {
  const steps = baseOrder(payments, labels);
  const total = payments.count + labels.count;
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    yield { done: 0, total };
  }
}

/** A row of a correction: a replacement is two, and the second finds nothing to retract any more. */
function correctionAt({ payments, paymentAt }: BaseEvents, row: number): ObservedCorrection {
  const payment = paymentAt(row);
  const isReplaced = payments.isEvent[row] === EVENT.replacement;
  return { endToEndId: payment.row.end_to_end_id, replacement: isReplaced ? payment : null };
}

/** Takes an admitted row in its entity of a kind. */
function moveIn({ payments, paymentAt }: BaseEvents, kind: EntityKind, row: number, sink: BaseSink): void {
  if (payments.isEvent[row] === EVENT.retraction) sink.retractRecorded(kind, paymentAt(row));
  else sink.appendRecorded(kind, paymentAt(row));
}

function admits(events: BaseEvents, row: number, sink: BaseSink): boolean {
  if (events.payments.isEvent[row] === EVENT.first) return sink.admitRecorded(events.paymentAt(row));
  return sink.admitRecordedCorrection(correctionAt(events, row));
}
