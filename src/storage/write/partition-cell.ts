import { decodeCell } from '../expression/cell-codec.ts';
import { refuseCell } from '../parquet/refuse-cell.ts';
import type { Cell } from '../types/cell.ts';
import { fitsPrecision } from '../types/decimal.ts';
import { isDecimal, type StructField } from '../types/delta-type.ts';
import { serializePartitionValue } from '../types/partition-values.ts';

/** Bits of whole numbers: the log has texts, which would hold any. */
const BITS: Readonly<Record<string, number>> = { byte: 8, short: 16, integer: 32, date: 32, long: 64 };

/**
 * Refuses a value that a file's column would refuse as well: the log takes any text, and one that is not of the type makes
 * the whole table unreadable.
 *
 * @throws AppError invalid_request.
 */
export function checkPartitionValue({ name, type }: StructField, cell: Cell): void {
  const value = decodeCell(type, cell, `the column ${name}`);
  if (value === null) return;
  if (isDecimal(type)) {
    if (!fitsPrecision(value as bigint, type.precision)) throw refuseCell(name, 'decimals that fit it');
    return;
  }
  const bits = typeof type === 'string' ? BITS[type] : undefined;
  if (bits === undefined) return;
  const whole = BigInt(value as number | bigint);
  if (BigInt.asIntN(bits, whole) !== whole) throw refuseCell(name, 'integers that fit it');
}

/**
 * The text that the log has for a value of a partition column.
 *
 * @throws AppError invalid_request for nothing, and an empty text, where the column takes no nulls.
 */
export function storedPartitionValue({ name, type, nullable }: StructField, value: unknown): string | null {
  const text = serializePartitionValue(type, value);
  if (text === null && !nullable) throw refuseCell(name, 'no nulls, nor empty texts, which are null in a partition');
  return text;
}
