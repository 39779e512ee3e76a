import { AppError } from '../../base/errors.ts';
import { type ExactJson, isJsonObject, JsonNumber, parseExactJson, stringifyExactJson } from '../../base/exact-json.ts';
import { compareUtf8 } from '../store/object-store.ts';
import { dateText, isoText, loggedMicros, parseDate } from './calendar.ts';
import type { Cell } from './cell.ts';
import { decimalText, unscaledOf } from './decimal.ts';
import { type DeltaType, isDecimal } from './delta-type.ts';

/**
 * Statistics of a data file (PROTOCOL.md, "Per-file Statistics"), by Spark's rules where the
 * specification leaves room. A bound is left out where it cannot be told: readers then take all.
 */
export interface FileStatistics {
  readonly numRecords: number;
  /** Whether bounds are values of rows that are there; false after a deletion vector came: then they only enclose. */
  readonly tightBounds?: boolean;
  readonly minValues: StatisticsTree;
  readonly maxValues: StatisticsTree;
  readonly nullCount: StatisticsTree;
}

/** Values by column, a struct's by its fields. */
export interface StatisticsTree {
  readonly [column: string]: ExactJson;
}

/** What is known of one leaf column, in the form of the JSON. */
export interface LeafStatistics {
  readonly nullCount: number;
  readonly min?: ExactJson;
  readonly max?: ExactJson;
}

/** How many leaf columns get statistics where the table does not say. */
export const DEFAULT_INDEXED_COLUMNS = 32;

/** Which columns get statistics. */
export interface IndexedColumns {
  /** How many leaf columns, from the first; −1 for all. */
  readonly leaves: number;
  /** Top-level columns; all without it. */
  readonly only?: readonly string[];
  /** Characters of a string that its bounds keep; {@link DEFAULT_STRING_PREFIX} without it. */
  readonly stringPrefix?: number;
}

/** How many characters of a string a bound keeps. */
export const DEFAULT_STRING_PREFIX = 32;

/** The JSON text of `add.stats`. */
export function serializeStatistics(statistics: FileStatistics): string {
  return stringifyExactJson(statistics);
}

/**
 * Parses `add.stats`; undefined where it says nothing that we can use.
 *
 * @throws AppError table_corrupt where it is not JSON.
 */
export function parseStatistics(text: string): FileStatistics | undefined {
  let json: ExactJson;
  try {
    json = parseExactJson(text);
  } catch (error) {
    throw new AppError('table_corrupt', 'The statistics of a file are not JSON', {}, error);
  }
  if (!isJsonObject(json)) return undefined;
  const { numRecords, tightBounds, minValues, maxValues, nullCount } = json;
  if (typeof numRecords !== 'number') return undefined;
  return {
    numRecords,
    ...(tightBounds === false ? { tightBounds } : {}),
    minValues: treeOf(minValues),
    maxValues: treeOf(maxValues),
    nullCount: treeOf(nullCount),
  };
}

function treeOf(json: ExactJson | undefined): StatisticsTree {
  return isJsonObject(json) ? json : {};
}

/** A bound as a value of its column; undefined where it is none of its type. */
export function boundCell(type: DeltaType, bound: ExactJson | undefined): Cell | undefined {
  if (bound === undefined || bound === null) return undefined;
  if (isDecimal(type)) {
    const unscaled = unscaledOf(bound instanceof JsonNumber ? bound.text : String(bound), type.scale);
    return unscaled === undefined ? undefined : decimalText(unscaled, type.scale);
  }
  switch (type) {
    case 'string':
      return typeof bound === 'string' ? bound : undefined;
    case 'long':
      return typeof bound === 'bigint' || Number.isInteger(bound) ? BigInt(bound as number | bigint) : undefined;
    case 'integer':
    case 'short':
    case 'byte': {
      const number = floatOf(bound);
      return Number.isInteger(number) ? number : undefined;
    }
    case 'double':
    case 'float':
      return floatOf(bound);
    case 'date':
      return typeof bound === 'string' ? parseDate(bound) : undefined;
    case 'timestamp':
    case 'timestamp_ntz':
      return typeof bound === 'string' ? microsOf(bound) : undefined;
    default:
      return undefined;
  }
}

function floatOf(bound: ExactJson): number | undefined {
  if (typeof bound === 'number') return bound;
  if (typeof bound === 'bigint') return Number(bound);
  return bound instanceof JsonNumber ? Number(bound.text) : undefined;
}

/** Microseconds of an ISO instant of any zone, or of none; undefined for other texts. */
function microsOf(text: string): bigint | undefined {
  return text.includes(':') ? loggedMicros(text) : undefined;
}

/** The lower bound of a string column: its first characters. */
export function minString(value: string, prefixLength = DEFAULT_STRING_PREFIX): string {
  return value.length <= prefixLength ? value : prefixOf(value, prefixLength);
}

/** Above every ASCII character that a longer string may go on with. */
const ASCII_TIE_BREAKER = '\u007f';
/** The greatest code point: above everything that a longer string may go on with. */
const LAST_CODE_POINT = '\u{10ffff}';

/**
 * The upper bound of a string column. A string longer than the prefix is cut and gets a character
 * that is greater than what was cut off: U+007F where that starts with less, else U+10FFFF. Where
 * it starts with U+10FFFF itself the prefix grows, up to twice its length; beyond there is no bound.
 */
export function maxString(value: string, prefixLength = DEFAULT_STRING_PREFIX): string | undefined {
  if (value.length <= prefixLength) return value;
  const prefix = prefixOf(value, prefixLength);
  if (prefix.length === value.length) return value;
  let end = prefix.length;
  for (let length = prefixLength; length <= 2 * prefixLength; length += 1) {
    const next = value.codePointAt(end);
    if (next === undefined) return value;
    if (next < 0x7f) return value.slice(0, end) + ASCII_TIE_BREAKER;
    if (next < 0x10ffff) return value.slice(0, end) + LAST_CODE_POINT;
    end += 2;
  }
  return undefined;
}

/** The first characters of a text, counted as code points. */
function prefixOf(value: string, length: number): string {
  let end = 0;
  for (let count = 0; count < length && end < value.length; count += 1) {
    end += (value.codePointAt(end) as number) > 0xffff ? 2 : 1;
  }
  return value.slice(0, end);
}

/** Least and greatest of texts as UTF-8 bytes. */
export function stringBounds(
  values: readonly (string | null)[],
  isAscii: boolean,
): { readonly min: string; readonly max: string } | undefined {
  let min: string | undefined;
  let max: string | undefined;
  for (const value of values) {
    if (value === null) continue;
    if (min === undefined || max === undefined) {
      min = value;
      max = value;
    } else if (isAscii) {
      // The built-in comparison is ten times faster and orders ASCII as bytes do.
      if (value < min) min = value;
      else if (value > max) max = value;
    } else if (compareUtf8(value, min) < 0) min = value;
    else if (compareUtf8(value, max) > 0) max = value;
  }
  return min === undefined || max === undefined ? undefined : { min, max };
}

const MIN_INSTANT_MS = -62_135_596_800_000;
const MAX_INSTANT_MS = 253_402_300_799_999;

/**
 * A bound of timestamps, as ISO text in milliseconds; undefined outside the years 1 to 9999. The
 * lower bound is cut as Spark does. The upper one is rounded up: Spark cuts it and its reader adds
 * a millisecond, but other readers do not add, and would skip a file that holds a match. Without a
 * zone there is no `Z`.
 */
export function timestampBound(
  micros: number | bigint,
  side: 'min' | 'max',
  type: 'timestamp' | 'timestamp_ntz' = 'timestamp',
): string | undefined {
  const value = BigInt(micros);
  let millis = Number(value / 1000n);
  const rest = Number(value % 1000n);
  if (side === 'min' && rest < 0) millis -= 1;
  if (side === 'max' && rest > 0) millis += 1;
  if (millis < MIN_INSTANT_MS || millis > MAX_INSTANT_MS) return undefined;
  const text = isoText(BigInt(millis) * 1000n).slice(0, -3);
  return type === 'timestamp' ? `${text}Z` : text;
}

/** A bound of dates, `YYYY-MM-DD`, from days since 1970; undefined outside the years 1 to 9999. */
export function dateBound(days: number): string | undefined {
  const millis = days * 86_400_000;
  if (millis < MIN_INSTANT_MS || millis > MAX_INSTANT_MS) return undefined;
  return dateText(days);
}

/** Bounds of floating-point columns: none that JSON cannot hold; with a NaN no upper bound. */
export function floatBounds(
  min: number,
  max: number,
  hasNan: boolean,
): { readonly min?: number; readonly max?: number } {
  return {
    ...(Number.isFinite(min) ? { min: min === 0 ? 0 : min } : {}),
    ...(Number.isFinite(max) && !hasNan ? { max: max === 0 ? 0 : max } : {}),
  };
}
