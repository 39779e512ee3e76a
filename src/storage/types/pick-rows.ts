import type { ColumnData } from './column-data.ts';

/**
 * Some rows of a column, in the given order.
 *
 * @param rows their numbers, from 0.
 * @throws Error for lists and packed texts, of which no rows are picked.
 */
export function pickRows(column: ColumnData, rows: readonly number[]): ColumnData {
  switch (column.kind) {
    case 'string':
      return { kind: 'string', values: rows.map((row) => column.values[row] ?? null) };
    case 'binary':
      return { kind: 'binary', values: rows.map((row) => column.values[row] ?? null) };
    case 'int64':
      return {
        ...column,
        values: BigInt64Array.from(rows, (row) => column.values[row] ?? 0n),
        nulls: nullsOf(column, rows),
      };
    case 'int32':
      return {
        ...column,
        values: Int32Array.from(rows, (row) => column.values[row] ?? 0),
        nulls: nullsOf(column, rows),
      };
    case 'float64':
      return {
        ...column,
        values: Float64Array.from(rows, (row) => column.values[row] ?? 0),
        nulls: nullsOf(column, rows),
      };
    case 'boolean':
      return {
        ...column,
        values: Uint8Array.from(rows, (row) => column.values[row] ?? 0),
        nulls: nullsOf(column, rows),
      };
    default:
      throw new Error(`assertion failed: no rows are picked of a column of ${column.kind}`);
  }
}

function nullsOf({ nulls }: { readonly nulls: Uint8Array | null }, rows: readonly number[]): Uint8Array | null {
  return nulls === null ? null : Uint8Array.from(rows, (row) => nulls[row] ?? 0);
}
