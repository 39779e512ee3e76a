import { assert } from '../base/assert.ts';
import type { NumberArray } from '../base/narrow-numbers.ts';
import { joinedTexts, type TextColumn } from '../base/text-column.ts';
import { LABEL_STATES } from '../domain/label.ts';
import { entityKeys, type PaymentRow } from '../domain/payment-row.ts';
import { EVENT } from '../domain/recorded-event.ts';
import type { Column } from '../features/definition/definition.ts';
import { type BaseSink, feedBase } from '../features/embedded/base-feed.ts';
import type { ObservedLabel, RecordedPayment } from '../features/online-store.ts';
import type { OrderedLabels } from '../features/replay/base-keys.ts';
import type { PlaceColumns } from '../features/replay/replay-input.ts';
import { eventOfEffect, paymentsWithCorrections } from '../governance/correction-records.ts';
import { lakeColumns } from '../governance/lake-columns.ts';
import {
  paymentRecordColumns,
  type RecordedPayments,
  recordedLabels,
  recordedPayments,
} from '../governance/silver-records.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import type { Lake } from './lake.ts';
import { type CountedPayments, compareTurns, paymentTurns } from './payment-turns.ts';

/** Events as they were recorded, by row, in any order; with what their order needs. */
export interface RecordedEvents {
  readonly payments: CountedPayments;
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
  const turns = paymentTurns(payments);
  const events = {
    payments: turns === undefined ? payments : { ...payments, turns },
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
  const isEvent = payments.isEvent.map((flag, row) => (isNamed(payments.places, row) ? flag : EVENT.none));
  return {
    silverVersion: transactions.version,
    payments: { ...payments, isEvent, revisions: await revisionsOf(corrections, payments) },
    labels: {
      ...labels,
      payees: Array.from(labels.payees, (payee, row) => (isNamed(labels.places, row) ? payee : null)),
    },
  };
}

/** What Redis counted of the rows of silver.corrections, beside the rows of payments. */
async function revisionsOf(
  corrections: Snapshot,
  { count, isEvent, places }: Pick<RecordedPayments, 'count' | 'isEvent' | 'places'>,
): Promise<Float64Array> {
  const counted = new Map<string, number>();
  const columns = await lakeColumns(corrections, ['journal_id', 'journal_position', 'effect', 'revision']);
  const [journals, effects] = [columns.requiredTexts('journal_id'), columns.requiredTexts('effect')];
  const [positions, revisions] = [columns.numbers('journal_position'), columns.numbers('revision')];
  for (let row = 0; row < columns.count; row += 1) {
    if (Number.isNaN(revisions[row])) continue;
    counted.set(`${journals.at(row)} ${positions[row]} ${eventOfEffect(effects.at(row))}`, revisions[row] as number);
  }
  const of = new Float64Array(count).fill(Number.NaN);
  for (let row = 0; counted.size > 0 && row < count; row += 1) {
    if ((isEvent[row] as number) < EVENT.retraction) continue;
    const revision = counted.get(`${places.journals.at(row)} ${places.positions[row]} ${isEvent[row]}`);
    if (revision !== undefined) of[row] = revision;
  }
  return of;
}

/**
 * The payments of some ids as they are, which retractions in a tail take back: of several events of one id the first
 * that was presented, or the last that replaced it.
 *
 * @param ids none: no row is looked at.
 */
export function paymentsOf({ payments }: RecordedEvents, ids: ReadonlySet<string>): ReadonlyMap<string, PaymentRow> {
  const rows = new Map<string, number>();
  for (let row = 0; ids.size > 0 && row < payments.count; row += 1) {
    const event = payments.isEvent[row];
    if (event !== EVENT.first && event !== EVENT.replacement) continue;
    const { end_to_end_id: id } = payments.row(row);
    if (!ids.has(id)) continue;
    const before = rows.get(id);
    const isLater = before !== undefined && compareTurns(payments, before, row) < 0;
    if (before === undefined || (isLater && event === EVENT.replacement)) rows.set(id, row);
  }
  // The row's object is the same for every call.
  return new Map([...rows].map(([id, row]) => [id, { ...payments.row(row) }]));
}

/** The rows of both, those of the first before those of the second. */
export function joinedEvents(a: RecordedEvents, b: RecordedEvents): RecordedEvents {
  const { row: rowOfA, ...left } = a.payments;
  const { row: rowOfB, ...right } = b.payments;
  const row = (at: number): PaymentRow => (at < left.count ? rowOfA(at) : rowOfB(at - left.count));
  return { payments: { ...joinRows(onlyOrder(left), onlyOrder(right)), row }, labels: joinRows(a.labels, b.labels) };
}

/** What both sources of payments have alike. */
function onlyOrder({
  count,
  keys,
  isEvent,
  numbers,
  places,
  revisions,
}: Omit<CountedPayments, 'row'>): Omit<CountedPayments, 'row'> {
  return { count, keys, isEvent, numbers, places, revisions };
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
