import { assert } from '../base/assert.ts';
import type { NumberArray } from '../base/narrow-numbers.ts';
import { joinedTexts, type TextColumn } from '../base/text-column.ts';
import { byKeyedKind, byKind, ENTITY_KINDS, type EntityNumbers, hasNumber } from '../domain/entity-keys.ts';
import { LABEL_STATES } from '../domain/label.ts';
import type { Side } from '../domain/payment.ts';
import { entityKeys, type PaymentRow } from '../domain/payment-row.ts';
import type { SkimmedRecord } from '../events/journal-record.ts';
import type { JournalTail } from '../events/journal-tail.ts';
import type { Column } from '../features/definition/definition.ts';
import { type BaseSink, feedBase } from '../features/embedded/base-feed.ts';
import type { ObservedLabel, RecordedPayment } from '../features/online-store.ts';
import type { OrderedLabels, OrderedPayments } from '../features/replay/base-order.ts';
import { numberColumns, type PlaceColumns } from '../features/replay/replay-input.ts';
import { lakeColumns } from '../governance/lake-columns.ts';
import { paymentRecordColumns, recordedLabels, recordedPayments } from '../governance/silver-records.ts';
import type { Lake } from './lake.ts';

/** Events as they were recorded, by row, in any order; with what their order needs. */
export interface RecordedEvents {
  readonly payments: OrderedPayments & {
    /** The payment of a row; the object may be the same for every call. */
    readonly row: (row: number) => PaymentRow;
  };
  readonly labels: OrderedLabels & {
    readonly ids: TextColumn<string>;
    /** Indexes in LABEL_STATES. */
    readonly states: Uint8Array;
    readonly times: Float64Array;
  };
}

/** Other work gets its turn after so many rows: a rebuild for Redis runs beside scoring. */
const PAUSE_ROWS = 16_384;

/** Feeds events into a store as {@link feedBase} does, with pauses for other work. */
export async function feedEvents(
  { payments, labels }: RecordedEvents,
  sink: BaseSink,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<void> {
  const events = {
    payments,
    labels,
    paymentAt: (row: number) => paymentAt(payments, row),
    labelAt: (row: number) => labelAt(labels, row),
  };
  let last = payments.count + labels.count;
  for (const { done, total } of feedBase(events, sink, PAUSE_ROWS)) {
    onProgress(done, total);
    last = total;
    await new Promise((resolve) => setImmediate(resolve));
  }
  onProgress(last, last);
}

function paymentAt(payments: RecordedEvents['payments'], at: number): RecordedPayment {
  const row = payments.row(at);
  return { row, keys: entityKeys(row) };
}

function labelAt(labels: RecordedEvents['labels'], row: number): ObservedLabel {
  const state = LABEL_STATES[labels.states[row] as number];
  assert(state !== undefined, 'a label has one of the states');
  return {
    endToEndId: labels.ids.at(row) ?? '',
    state,
    eventTimeMicros: labels.times[row] as number,
    payeeAccount: labels.payees.at(row) ?? null,
  };
}

/**
 * The events of silver up to the given positions of each journal: what is after them, though some
 * of silver's tables may have it already, comes from the journal's tail.
 *
 * @param columns of payments that the set's events need.
 */
export async function silverEvents(
  lake: Lake,
  columns: readonly Column[],
  through: ReadonlyMap<string, number>,
): Promise<RecordedEvents & { readonly silverVersion: number }> {
  const transactions = await lake.table('silver/transactions').snapshot();
  const payments = recordedPayments(await lakeColumns(transactions, paymentRecordColumns(columns)), columns);
  const labels = await recordedLabels(await lake.table('silver/labels').snapshot());
  const isNamed = ({ journals, positions }: PlaceColumns, row: number): boolean =>
    (positions[row] as number) <= (through.get(journals.at(row) ?? '') ?? 0);
  return {
    silverVersion: transactions.version,
    payments: { ...payments, isEvent: payments.isEvent.map((flag, row) => (isNamed(payments.places, row) ? flag : 0)) },
    labels: {
      ...labels,
      payees: Array.from(labels.payees, (payee, row) => (isNamed(labels.places, row) ? payee : null)),
    },
  };
}

/** What a record after a payment says of its event: whether it is one, and its numbers. */
interface Told {
  readonly isEvent: boolean;
  readonly numbers: EntityNumbers;
}

/** A payment of a tail, with the record that told of it. */
interface TailPayment {
  readonly record: Extract<SkimmedRecord, { kind: 'scored' | 'payment' }>;
  readonly row: PaymentRow;
  readonly told: Told | undefined;
  readonly place: TailPlace;
}

type SkimmedLabel = Extract<SkimmedRecord, { kind: 'label' }>;

interface TailPlace {
  readonly journalId: string;
  readonly position: number;
  readonly knownTimeMicros: number;
}

/** The events of journals' tails: payments with the numbers that records after them tell, and labels. */
export function tailEvents(tails: readonly JournalTail[]): RecordedEvents {
  const payments: TailPayment[] = [];
  const labels: { readonly record: SkimmedLabel; readonly place: TailPlace }[] = [];
  for (const { journalId, entries } of tails) {
    const told = toldByKey(entries.map(({ record }) => record));
    for (const { record, row, position } of entries) {
      const place = { journalId, position, knownTimeMicros: record.knownTimeMicros };
      if (record.kind === 'label') labels.push({ record, place });
      else if (row === null) continue;
      else if (record.kind === 'scored') payments.push({ record, row, told: record, place });
      else if (record.kind === 'payment') payments.push({ record, row, told: told.get(keyOf(record)), place });
    }
  }
  return { payments: paymentColumns(payments), labels: labelColumns(labels) };
}

/** What is told first counts: later numbers are of a repeat in another epoch. */
function toldByKey(records: readonly SkimmedRecord[]): ReadonlyMap<string, Told> {
  const told = new Map<string, Told>();
  for (const record of records) {
    const tells = record.kind === 'sequence' || (record.kind === 'decision' && hasNumber(record.saw));
    if (tells && !told.has(keyOf(record))) told.set(keyOf(record), record);
  }
  return told;
}

/** Names a payment's side. */
function keyOf({ endToEndId, side }: { readonly endToEndId: string; readonly side: Side }): string {
  return `${endToEndId}/${side}`;
}

function paymentColumns(tail: readonly TailPayment[]): RecordedEvents['payments'] {
  const keys = tail.map(({ row }) => entityKeys(row));
  const numbers = byKind(() => numberColumns(tail.length));
  for (const [row, { told }] of tail.entries()) {
    for (const kind of ENTITY_KINDS) {
      numbers[kind].epochs[row] = told?.numbers[kind]?.epoch ?? 0;
      numbers[kind].seqs[row] = told?.numbers[kind]?.seq ?? 0;
    }
  }
  return {
    count: tail.length,
    keys: byKeyedKind((kind) => keys.map((of) => of[kind])),
    row: (at) => (tail[at] as TailPayment).row,
    // Nothing told yet: it may be an event, and it comes after all that are known to be.
    isEvent: Uint8Array.from(tail, ({ told }) => (told?.isEvent === false ? 0 : 1)),
    numbers,
    places: placeColumns(tail.map(({ place }) => place)),
  };
}

function labelColumns(
  tail: readonly { readonly record: SkimmedLabel; readonly place: TailPlace }[],
): RecordedEvents['labels'] {
  return {
    count: tail.length,
    ids: tail.map(({ record }) => record.endToEndId),
    states: Uint8Array.from(tail, ({ record }) => LABEL_STATES.indexOf(record.state)),
    times: Float64Array.from(tail, ({ record }) => record.eventTimeMicros),
    payees: tail.map(({ record }) => record.payeeAccount),
    numbers: {
      epochs: Float64Array.from(tail, ({ record }) => record.number?.epoch ?? 0),
      seqs: Float64Array.from(tail, ({ record }) => record.number?.seq ?? 0),
    },
    places: placeColumns(tail.map(({ place }) => place)),
  };
}

function placeColumns(places: readonly TailPlace[]): PlaceColumns {
  return {
    journals: places.map(({ journalId }) => journalId),
    positions: Float64Array.from(places, ({ position }) => position),
    knownTimes: Float64Array.from(places, ({ knownTimeMicros }) => knownTimeMicros),
  };
}

/** The rows of both, those of the first before those of the second. */
export function joinedEvents(a: RecordedEvents, b: RecordedEvents): RecordedEvents {
  const { row: rowOfA, ...left } = a.payments;
  const { row: rowOfB, ...right } = b.payments;
  const row = (at: number): PaymentRow => (at < left.count ? rowOfA(at) : rowOfB(at - left.count));
  return { payments: { ...joinRows(onlyOrder(left), onlyOrder(right)), row }, labels: joinRows(a.labels, b.labels) };
}

/** What both sources of payments have alike. */
function onlyOrder({ count, keys, isEvent, numbers, places }: OrderedPayments): OrderedPayments {
  return { count, keys, isEvent, numbers, places };
}

/** Joins columns of one form: arrays one after the other, counts added, nested columns alike. */
function joinRows<T extends object>(a: T, b: T): T {
  const joined: Record<string, unknown> = {};
  for (const [name, left] of Object.entries(a)) joined[name] = joinColumn(left, (b as Record<string, unknown>)[name]);
  return joined as T;
}

function joinColumn(a: unknown, b: unknown): unknown {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return joinTyped(new Uint8Array(a.length + b.length), a, b);
  if (isNumbers(a) && isNumbers(b)) return joinTyped(new Float64Array(a.length + b.length), a, b);
  if (isTexts(a) && isTexts(b)) return joinedTexts(a, b);
  assert(typeof a === 'object' && a !== null && typeof b === 'object' && b !== null, 'columns of one form');
  return joinRows(a, b);
}

function isNumbers(column: unknown): column is NumberArray {
  return ArrayBuffer.isView(column) && 'length' in column;
}

function isTexts(column: unknown): column is TextColumn {
  return typeof column === 'object' && column !== null && 'at' in column;
}

function joinTyped<T extends Float64Array | Uint8Array>(joined: T, a: ArrayLike<number>, b: ArrayLike<number>): T {
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
