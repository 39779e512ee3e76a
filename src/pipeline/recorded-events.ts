import { assert } from '../base/assert.ts';
import type { NumberArray } from '../base/narrow-numbers.ts';
import { joinedTexts, type TextColumn } from '../base/text-column.ts';
import { LABEL_STATES } from '../domain/label.ts';
import { entityKeys, type PaymentRow } from '../domain/payment-row.ts';
import { EVENT } from '../domain/recorded-event.ts';
import type { Column } from '../features/definition/definition.ts';
import { type BaseSink, feedBase } from '../features/embedded/base-feed.ts';
import type { ObservedLabel, RecordedPayment } from '../features/online-store.ts';
import type { OrderedLabels, OrderedPayments } from '../features/replay/base-order.ts';
import type { PlaceColumns } from '../features/replay/replay-input.ts';
import { paymentsWithCorrections } from '../governance/correction-records.ts';
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
  const corrections = await lake.table('silver/corrections').snapshot();
  const read = paymentsWithCorrections(corrections);
  const rows = (transactions.rowCount ?? 0) + (corrections.rowCount ?? 0);
  const payments = recordedPayments(
    await lakeColumns(transactions, paymentRecordColumns(columns), read, rows),
    columns,
  );
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

/**
 * The payments of some ids as they are, which retractions in a tail take back: of several events of one id the last.
 *
 * @param ids none: no row is looked at.
 */
export function paymentsOf({ payments }: RecordedEvents, ids: ReadonlySet<string>): ReadonlyMap<string, PaymentRow> {
  const found = new Map<string, PaymentRow>();
  for (let row = 0; ids.size > 0 && row < payments.count; row += 1) {
    const event = payments.isEvent[row];
    if (event !== EVENT.first && event !== EVENT.replacement) continue;
    const payment = payments.row(row);
    // The row's object is the same for every call.
    if (ids.has(payment.end_to_end_id)) found.set(payment.end_to_end_id, { ...payment });
  }
  return found;
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
