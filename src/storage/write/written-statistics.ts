import { type ExactJson, JsonNumber } from '../../base/exact-json.ts';
import { parseInstant } from '../types/calendar.ts';
import { decimalText, unscaledOf } from '../types/decimal.ts';
import { type DeltaType, isDecimal, isNested, type StructType } from '../types/delta-type.ts';
import { sqlName } from '../types/sql-types.ts';
import {
  type FileStatistics,
  floatBounds,
  type IndexedColumns,
  maxString,
  minString,
  timestampBound,
} from '../types/statistics.ts';

/** What DuckDB tells of a column of a file that it wrote, by the names of the column's path. */
export type WrittenColumns = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** The key of a column's path in {@link WrittenColumns}: its names as SQL identifiers. */
function pathKey(names: readonly string[]): string {
  return names.map(sqlName).join('.');
}

/** The statistics of a file from what DuckDB tells of it. @param schema as the file has it. */
export function writtenStatistics(
  schema: StructType,
  rows: number,
  written: WrittenColumns,
  indexed: IndexedColumns,
): FileStatistics {
  const trees: Trees = { minValues: {}, maxValues: {}, nullCount: {} };
  collect(
    {
      written,
      rows,
      prefix: indexed.stringPrefix,
      left: indexed.leaves < 0 ? Number.POSITIVE_INFINITY : indexed.leaves,
    },
    schema,
    [],
    trees,
    indexed.only,
  );
  return { numRecords: rows, ...trees };
}

interface Trees {
  readonly minValues: Record<string, ExactJson>;
  readonly maxValues: Record<string, ExactJson>;
  readonly nullCount: Record<string, ExactJson>;
}

interface Collection {
  readonly written: WrittenColumns;
  readonly rows: number;
  readonly prefix: number | undefined;
  /** Leaf columns that may still get statistics. */
  left: number;
}

function collect(
  collection: Collection,
  { fields }: StructType,
  path: readonly string[],
  trees: Trees,
  only: readonly string[] | undefined,
): void {
  for (const { name, type } of fields) {
    if (collection.left <= 0) return;
    if (only !== undefined && !only.includes(name)) continue;
    const names = [...path, name];
    if (isNested(type) && type.type === 'struct') {
      const inner: Trees = { minValues: {}, maxValues: {}, nullCount: {} };
      collect(collection, type, names, inner, undefined);
      if (Object.keys(inner.minValues).length > 0) trees.minValues[name] = inner.minValues;
      if (Object.keys(inner.maxValues).length > 0) trees.maxValues[name] = inner.maxValues;
      if (Object.keys(inner.nullCount).length > 0) trees.nullCount[name] = inner.nullCount;
      continue;
    }
    collection.left -= 1;
    leaf(collection, name, type, pathKey(names), trees);
  }
}

function leaf({ written, rows, prefix }: Collection, name: string, type: DeltaType, key: string, trees: Trees): void {
  const column = written.get(key);
  if (type === 'void') {
    trees.nullCount[name] = rows;
    return;
  }
  // Of lists and maps DuckDB counts elements, not rows.
  if (column === undefined || isNested(type) || type === 'variant') return;
  if (column.null_count !== undefined) trees.nullCount[name] = Number(column.null_count);
  const { min, max } = column;
  if (min === undefined || max === undefined) return;
  const bounds = boundsOf(type, { min, max, hasNan: column.has_nan === 'true' }, prefix);
  if (bounds.min !== undefined) trees.minValues[name] = bounds.min;
  if (bounds.max !== undefined) trees.maxValues[name] = bounds.max;
}

interface Bounds {
  readonly min?: ExactJson | undefined;
  readonly max?: ExactJson | undefined;
}

interface WrittenBounds {
  readonly min: string;
  readonly max: string;
  readonly hasNan: boolean;
}

function boundsOf(type: DeltaType, { min, max, hasNan }: WrittenBounds, prefix: number | undefined): Bounds {
  if (isDecimal(type)) return { min: exactDecimal(min, type.scale), max: exactDecimal(max, type.scale) };
  switch (type) {
    case 'string':
      return { min: minString(min, prefix), max: maxString(max, prefix) };
    case 'long':
    case 'integer':
    case 'short':
    case 'byte':
      return { min: exactInteger(min), max: exactInteger(max) };
    case 'double':
      return floatBounds(Number(min), Number(max), hasNan);
    case 'float':
      // DuckDB writes 0.7 of the float 0.699999988079071, which readers take for a double.
      return floatBounds(Math.fround(Number(min)), Math.fround(Number(max)), hasNan);
    case 'date':
      return { min: plainDate(min), max: plainDate(max) };
    case 'timestamp':
    case 'timestamp_ntz':
      return { min: instant(min, 'min', type), max: instant(max, 'max', type) };
    default:
      return {};
  }
}

function exactInteger(text: string): ExactJson {
  const value = BigInt(text);
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

function exactDecimal(text: string, scale: number): ExactJson | undefined {
  const unscaled = unscaledOf(text, scale);
  return unscaled === undefined ? undefined : new JsonNumber(decimalText(unscaled, scale));
}

/** DuckDB writes years beyond 9999, and before 1 with a suffix, in forms that no reader of bounds knows. */
function plainDate(text: string): string | undefined {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? text : undefined;
}

function instant(text: string, side: 'min' | 'max', type: 'timestamp' | 'timestamp_ntz'): string | undefined {
  const found = parseInstant(text.replace(/\+00$/, 'Z'));
  return found === undefined ? undefined : timestampBound(found.micros, side, type);
}
