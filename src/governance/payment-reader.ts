import { ENTITY_COLUMNS, PAYMENT_COLUMNS, type PaymentColumn, type PaymentRow } from '../domain/payment-row.ts';
import type { LakeColumns } from './lake-columns.ts';

/** Always read: a row's key, when, how much, and what names its entities. */
const ALWAYS: readonly string[] = ['end_to_end_id', 'side', 'event_time', 'amount_centavos', ...ENTITY_COLUMNS];

/** The columns of silver.transactions that {@link paymentReader} needs. */
export function paymentColumnsFor(columns: readonly string[]): string[] {
  return PAYMENT_COLUMNS.map(({ name }) => name).filter((name) => ALWAYS.includes(name) || columns.includes(name));
}

/**
 * Gives the payments of columns as rows. The object is the same for every call; what was not read
 * is null in it.
 */
export function paymentReader(source: LakeColumns, columns: readonly string[]): (row: number) => PaymentRow {
  const target: Record<string, unknown> = Object.fromEntries(PAYMENT_COLUMNS.map(({ name }) => [name, null]));
  const wanted = new Set(paymentColumnsFor(columns));
  const fills = PAYMENT_COLUMNS.filter(({ name }) => wanted.has(name)).map((column) => fill(source, column, target));
  return (row) => {
    for (let at = 0; at < fills.length; at += 1) fills[at]?.(row);
    return target as unknown as PaymentRow;
  };
}

function fill(
  source: LakeColumns,
  { name, type }: PaymentColumn,
  target: Record<string, unknown>,
): (row: number) => void {
  if (type === 'string') {
    const texts = source.texts(name);
    return (row) => {
      target[name] = texts[row] ?? null;
    };
  }
  const numbers = source.numbers(name);
  if (type === 'boolean') {
    return (row) => {
      const value = numbers[row] as number;
      target[name] = Number.isNaN(value) ? null : value === 1;
    };
  }
  return (row) => {
    const value = numbers[row] as number;
    target[name] = Number.isNaN(value) ? null : value;
  };
}
