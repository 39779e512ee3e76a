import { assert } from '../../base/assert.ts';
import { AppError } from '../../base/errors.ts';
import { dateText, isoText, loggedMicros, parseDate } from './calendar.ts';
import { decimalText, fitsPrecision, unscaledOf } from './decimal.ts';
import { type DecimalType, type DeltaType, isDecimal, typeName } from './delta-type.ts';

/** A value of a column in a row: longs and timestamps may be bigints, dates are days. */
export type CellValue = string | number | bigint | boolean | Uint8Array | null;

/** A partition's values as one text: writers name its columns in any order. */
export function partitionKey(values: Readonly<Record<string, string | null>>): string {
  const names = Object.keys(values);
  if (names.length > 1) names.sort();
  return JSON.stringify(names.map((name) => [name, values[name]]));
}

/**
 * The text of a value in `partitionValues` (PROTOCOL.md, "Partition Value Serialization"). An empty text, and no bytes, are null
 * there, as Spark writes them.
 */
export function serializePartitionValue(type: DeltaType, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (isDecimal(type)) return serializeDecimal(type, value);
  switch (type) {
    case 'string':
      assert(typeof value === 'string', 'a partition of texts takes texts');
      return value === '' ? null : value.toWellFormed();
    case 'binary':
      assert(value instanceof Uint8Array, 'a partition of bytes takes bytes');
      return value.length === 0 ? null : Buffer.from(value).toString('latin1');
    case 'date':
      assert(typeof value === 'number', 'a partition of dates takes days');
      return dateText(value);
    case 'timestamp':
      assert(typeof value === 'number' || typeof value === 'bigint', 'a partition of timestamps takes microseconds');
      return `${isoText(BigInt(value))}Z`;
    case 'timestamp_ntz':
      assert(typeof value === 'number' || typeof value === 'bigint', 'a partition of timestamps takes microseconds');
      return isoText(BigInt(value)).replace('T', ' ');
    case 'long':
    case 'integer':
    case 'short':
    case 'byte':
    case 'double':
    case 'float':
    case 'boolean':
      return String(value);
    default:
      throw new AppError('table_unsupported', `Partitions by ${typeName(type)} are not supported`);
  }
}

function serializeDecimal({ precision, scale }: DecimalType, value: unknown): string {
  const unscaled = unscaledOf(String(value), scale);
  assert(unscaled !== undefined && fitsPrecision(unscaled, precision), 'a partition of decimals takes decimals');
  return decimalText(unscaled, scale);
}

/** The value of a text in `partitionValues`; longs and timestamps come as bigints. */
export function parsePartitionValue(type: DeltaType, text: string | null, column: string): CellValue {
  if (text === null || text === '') return null;
  if (type === 'string') return text;
  if (isDecimal(type)) {
    const unscaled = unscaledOf(text, type.scale);
    if (unscaled === undefined || !fitsPrecision(unscaled, type.precision)) throw broken(column);
    return decimalText(unscaled, type.scale);
  }
  switch (type) {
    case 'binary':
      return Buffer.from(text, [...text].every((char) => char < '\u0100') ? 'latin1' : 'utf8');
    case 'void':
      return null;
    case 'long':
      return parseInteger(text, column);
    case 'integer':
    case 'short':
    case 'byte':
      return Number(parseInteger(text, column));
    case 'double':
    case 'float':
      return parseFloatText(text, column);
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw broken(column);
      return text === 'true';
    case 'date':
      return dateOf(text, column);
    case 'timestamp':
    case 'timestamp_ntz':
      return instantOf(text, column);
    default:
      throw new AppError('table_unsupported', `Partitions by the type of ${column} are not supported`);
  }
}

/**
 * A text that is equal for texts of equal values, as SQL takes them to be; null for null, and for an empty
 * text, which is written as null. A text that is none of its type is equal to itself only, so that a partition
 * with one can be replaced.
 */
export function partitionValueKey(type: DeltaType, text: string | null): string | null {
  let value: CellValue;
  try {
    value = parsePartitionValue(type, text, '');
  } catch {
    return `?${text}`;
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  // 0.1 and 0.10000000149011612 are one float, and both zeros one number.
  if (typeof value === 'number') return String(type === 'float' ? Math.fround(value) : value);
  return value === null ? null : String(value);
}

function parseInteger(text: string, column: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) throw broken(column);
  return BigInt(text);
}

function parseFloatText(text: string, column: string): number {
  const value = Number(text);
  if (Number.isNaN(value) && text !== 'NaN') throw broken(column);
  return value;
}

/** Days of a date, or of an instant: some writers give a time besides. */
function dateOf(text: string, column: string): number {
  const days = parseDate(text.split(/[ T]/, 1)[0] ?? '');
  if (days === undefined) throw broken(column);
  return days;
}

function instantOf(text: string, column: string): bigint {
  const micros = loggedMicros(text);
  if (micros === undefined) throw broken(column);
  return micros;
}

/** The value is not repeated: it may be personal data. */
function broken(column: string): AppError {
  return new AppError('table_corrupt', `A partition value of the column ${column} is not of its type`, { column });
}
