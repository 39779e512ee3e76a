import type { ColumnType } from '../../domain/payment-row.ts';
import { COLUMN_TYPES, type ColumnName } from '../expression/derived-columns.ts';

/**
 * A column of the event `e` as a value to compare and to sum: an instant as microseconds since 1970, a date as days
 * since 1970, all else as `silver.transactions` has it.
 */
export function columnSql(column: ColumnName): string {
  switch (column) {
    case 'event_time':
      return 'e.t';
    case 'weekday':
      return 'isodow(e.day)';
    default:
      return plainSql(`e.${column}`, COLUMN_TYPES.get(column));
  }
}

/** As {@link columnSql}, a boolean as 1 or 0: what aggregates of numbers take. */
export function numberSql(column: ColumnName): string {
  const sql = columnSql(column);
  return COLUMN_TYPES.get(column) === 'boolean' ? `CAST(${sql} AS INTEGER)` : sql;
}

function plainSql(name: string, type: ColumnType | undefined): string {
  if (type === 'timestamp') return `epoch_us(${name})`;
  if (type === 'date') return `(${name} - DATE '1970-01-01')`;
  return name;
}
