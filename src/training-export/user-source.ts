import type { NumberArray } from '../base/narrow-numbers.ts';
import { joinedTexts } from '../base/text-column.ts';
import { accountOfKey, byKeyedKind, byKind, KEY_COLUMNS } from '../domain/entity-keys.ts';
import { PAYMENT_COLUMNS, type PaymentRow } from '../domain/payment-row.ts';
import type { NumberColumns, ReplayPayments } from '../features/replay/replay-input.ts';
import type { SilverSource } from './silver-source.ts';
import type { UserRows } from './user-rows.ts';

/**
 * Silver with the rows of a user's file behind its payments. They are no events: nothing sees them, and
 * one that names a payment does not see that payment, as a second side does not.
 */
export function withUserRows(source: SilverSource, rows: UserRows): SilverSource {
  // Rows of corrections come before, where there are some: what is asked for begins at `first`.
  const before = source.records;
  const first = before.count;
  const sides = rows.values.get('side');
  const payments = { ...extendedPayments(before, rows), row: paymentOf(before, rows, first) };
  return {
    ...source,
    userRows: { first, rows, isUnknown: unknownPayments(source, rows) },
    payments,
    records: payments,
    sides: joinedTexts(
      source.sides,
      Array.from({ length: rows.count }, (_, at) => String(sides?.[at] ?? '')),
    ),
    sourceIds: joinedTexts(source.sourceIds, emptyTexts(rows.count)),
    // A row of a file has no decision that could have stopped it, but for its payment's own.
    isImport: extended(source.isImport, rows.count, 1),
    knownAssumed: extended(source.knownAssumed, rows.count, 0),
    texts: (column) => joinedTexts(source.texts(column), textsOf(rows, column) ?? emptyTexts(rows.count)),
    decisionOf: extended(source.decisionOf, rows.count, -1),
  };
}

/** Rows that name a payment of which silver has neither a side nor a label. */
function unknownPayments({ payments, labels }: SilverSource, { count, ids }: UserRows): Uint8Array {
  const unknown = new Set<string | null>(ids);
  unknown.delete(null);
  for (const known of [payments.ids, labels.ids]) for (const id of known) unknown.delete(id);
  return Uint8Array.from({ length: count }, (_, at) => (unknown.has(ids[at] ?? null) ? 1 : 0));
}

/** What a row is called where no payment names it: no id of a payment is like it. */
export function userRowName(at: number): string {
  return `#row:${at + 1}`;
}

function extendedPayments(payments: ReplayPayments, rows: UserRows): Omit<ReplayPayments, 'row'> {
  const { places, numbers } = payments;
  const { count } = rows;
  return {
    ...payments,
    count: payments.count + count,
    ids: joinedTexts(
      payments.ids,
      rows.ids.map((id, at) => id ?? userRowName(at)),
    ),
    times: appended(payments.times, rows.times),
    keys: extendedKeys(payments.keys, rows),
    isEvent: extended(payments.isEvent, count, 0),
    numbers: byKind((kind) => extendedNumbers(numbers[kind], count)),
    places: {
      journals: joinedTexts(
        places.journals,
        Array.from({ length: count }, () => ''),
      ),
      positions: extended(places.positions, count, 0),
      knownTimes: appended(places.knownTimes, rows.knownTimes),
    },
  };
}

function extendedKeys(keys: ReplayPayments['keys'], rows: UserRows): ReplayPayments['keys'] {
  const named = { payer: rows.payers, payee: rows.payees };
  return byKeyedKind((kind) => {
    const more = kind === 'payer' || kind === 'payee' ? named[kind] : textsOf(rows, KEY_COLUMNS[kind]);
    return joinedTexts(keys[kind], more ?? emptyTexts(rows.count));
  });
}

function extendedNumbers({ epochs, seqs }: NumberColumns, count: number): NumberColumns {
  return { epochs: extended(epochs, count, 0), seqs: extended(seqs, count, 0) };
}

function appended(values: Float64Array, more: readonly number[]): Float64Array {
  const all = new Float64Array(values.length + more.length);
  all.set(values);
  all.set(more, values.length);
  return all;
}

function extended<T extends Uint8Array | NumberArray>(values: T, count: number, fill: number): T {
  const make = values.constructor as new (length: number) => T;
  const all = new make(values.length + count).fill(fill) as T;
  all.set(values);
  return all;
}

function textsOf({ values }: UserRows, column: string): readonly (string | null)[] | undefined {
  return values.get(column)?.map((value) => (value === null ? null : String(value)));
}

function emptyTexts(count: number): (string | null)[] {
  return Array.from({ length: count }, () => null);
}

/** The payment of a row as expressions read it; what the file does not say is null. */
function paymentOf(before: ReplayPayments, rows: UserRows, first: number): (row: number) => PaymentRow {
  const target: Record<string, unknown> = Object.fromEntries(PAYMENT_COLUMNS.map(({ name }) => [name, null]));
  const columns = [...rows.values];
  return (row) => {
    if (row < first) return before.row(row);
    const at = row - first;
    target.event_time = rows.times[at];
    target.end_to_end_id = rows.ids[at];
    nameAccount(target, 'payer', rows.payers[at]);
    nameAccount(target, 'payee', rows.payees[at]);
    for (const [name, values] of columns) target[name] = values[at] ?? null;
    return target as unknown as PaymentRow;
  };
}

/** Fills what an account's key says of it: a file may name accounts by their keys alone. */
function nameAccount(target: Record<string, unknown>, role: 'payer' | 'payee', key: string | null | undefined): void {
  const account = key === null || key === undefined ? undefined : accountOfKey(key);
  target[`${role}_ispb`] = account?.ispb ?? null;
  target[`${role}_branch`] = account?.branch ?? null;
  target[`${role}_number`] = account?.number ?? null;
}
