import type { TextColumn } from '../base/text-column.ts';
import { ENTITY_COLUMNS, PAYMENT_COLUMNS, type PaymentColumn, type PaymentRow } from '../domain/payment-row.ts';
import type { LakeColumns } from './lake-columns.ts';

/** Always read: a row's key, when, how much, and what names its entities. */
const ALWAYS: readonly string[] = ['end_to_end_id', 'side', 'event_time', 'amount_centavos', ...ENTITY_COLUMNS];

/** The columns of silver.transactions that {@link paymentReader} needs. */
export function paymentColumnsFor(columns: readonly string[]): string[] {
  return PAYMENT_COLUMNS.map(({ name }) => name).filter((name) => ALWAYS.includes(name) || columns.includes(name));
}

/**
 * Gives the payments of columns as rows. The object is the same for every call, and looks a column up when
 * it is asked for it: most readers want a few of the fifty, and filling them all takes 17 µs. What was
 * not read of the table is null in it.
 */
export function paymentReader(source: LakeColumns, columns: readonly string[]): (row: number) => PaymentRow {
  const numbers = (name: string): NumberColumn => ({ at: source.numberAt(name) });
  return paymentRows({ texts: source.texts, numbers }, paymentColumnsFor(columns));
}

/** Numbers by row, NaN where there is none. */
interface NumberColumn {
  at(row: number): number | undefined;
}

/** Columns by their names. */
export interface PaymentSource {
  texts(name: string): TextColumn;
  numbers(name: string): NumberColumn;
}

/** As {@link paymentReader}, with the named columns and no other. */
export function paymentRows(source: PaymentSource, columns: readonly string[]): (row: number) => PaymentRow {
  const wanted = new Set(columns);
  let at = 0;
  const getters = PAYMENT_COLUMNS.map((column) => {
    const read = wanted.has(column.name) ? cellReader(source, column) : () => null;
    return [column.name, { enumerable: true, get: () => read(at) }] as const;
  });
  const payment = Object.defineProperties({}, Object.fromEntries(getters)) as PaymentRow;
  return (row) => {
    at = row;
    return payment;
  };
}

function cellReader(source: PaymentSource, { name, type }: PaymentColumn): (row: number) => unknown {
  if (type === 'string') {
    const texts = source.texts(name);
    return (row) => texts.at(row) ?? null;
  }
  const numbers = source.numbers(name);
  return (row) => {
    const value = numbers.at(row);
    if (value === undefined || Number.isNaN(value)) return null;
    return type === 'boolean' ? value === 1 : value;
  };
}
