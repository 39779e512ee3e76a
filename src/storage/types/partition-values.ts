import { assert } from '../../base/assert.ts';
import { AppError } from '../../base/errors.ts';
import { decimalText, fitsPrecision, unscaledOf } from './decimal.ts';
import { type DecimalType, type DeltaType, isDecimal, typeName } from './delta-type.ts';

/** A value of a column in a row: longs and timestamps may be bigints, dates are days. */
export type CellValue = string | number | bigint | boolean | Uint8Array | null;

const DAY_MS = 86_400_000;

/** A partition's values as one text: writers name its columns in any order. */
export function partitionKey(values: Readonly<Record<string, string | null>>): string {
  const names = Object.keys(values);
  if (names.length > 1) names.sort();
  return JSON.stringify(names.map((name) => [name, values[name]]));
}

/** The text of a value in `partitionValues` (PROTOCOL.md, "Partition Value Serialization"). */
export function serializePartitionValue(type: DeltaType, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (isDecimal(type)) return serializeDecimal(type, value);
  switch (type) {
    case 'string':
      assert(typeof value === 'string', 'a partition of texts takes texts');
      return value;
    case 'binary':
      assert(value instanceof Uint8Array, 'a partition of bytes takes bytes');
      return Buffer.from(value).toString('latin1');
    case 'date':
      assert(typeof value === 'number', 'a partition of dates takes days');
      return new Date(value * DAY_MS).toISOString().slice(0, 10);
    case 'timestamp':
      assert(typeof value === 'number' || typeof value === 'bigint', 'a partition of timestamps takes microseconds');
      return isoMicros(BigInt(value));
    case 'timestamp_ntz':
      assert(typeof value === 'number' || typeof value === 'bigint', 'a partition of timestamps takes microseconds');
      return isoMicros(BigInt(value)).slice(0, -1).replace('T', ' ');
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
  if (text === null) return null;
  if (type === 'string') return text;
  if (text === '') return null;
  if (isDecimal(type)) {
    const unscaled = unscaledOf(text, type.scale);
    if (unscaled === undefined || !fitsPrecision(unscaled, type.precision)) throw broken(column, text);
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
      if (text !== 'true' && text !== 'false') throw broken(column, text);
      return text === 'true';
    case 'date':
      return Number(parseInstant(`${text.slice(0, 10)} 00:00:00`, column) / 86_400_000_000n);
    case 'timestamp':
    case 'timestamp_ntz':
      return parseInstant(text, column);
    default:
      throw new AppError('table_unsupported', `Partitions by the type of ${column} are not supported`);
  }
}

/** ISO text of microseconds since 1970, with all six digits. */
export function isoMicros(micros: bigint): string {
  let millis = micros / 1000n;
  if (micros < 0n && micros % 1000n !== 0n) millis -= 1n;
  const rest = micros - millis * 1000n;
  return `${new Date(Number(millis)).toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}

function parseInteger(text: string, column: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) throw broken(column, text);
  return BigInt(text);
}

function parseFloatText(text: string, column: string): number {
  const value = Number(text);
  if (Number.isNaN(value) && text !== 'NaN') throw broken(column, text);
  return value;
}

const INSTANT = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z)?$/;

/** Microseconds of `YYYY-MM-DD hh:mm:ss[.ffffff]`, read as UTC, or of its ISO form. */
function parseInstant(text: string, column: string): bigint {
  const match = INSTANT.exec(text);
  const seconds = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2]}Z`);
  if (match === null || Number.isNaN(seconds)) throw broken(column, text);
  const fraction = (match[3] ?? '').padEnd(6, '0').slice(0, 6);
  return BigInt(seconds) * 1000n + BigInt(fraction);
}

function broken(column: string, text: string): AppError {
  return new AppError('table_corrupt', `The partition value ${JSON.stringify(text)} of ${column} is not of its type`);
}
