import { stringifyExactJson } from '../../src/base/exact-json.ts';
import { type DeltaType, isPrimitive, type StructType } from '../../src/storage/types/delta-type.ts';
import { runPython } from '../python.ts';

/** The other engines that read a table. */
export const ENGINES = ['delta-rs', 'pandas', 'polars', 'duckdb'] as const;
export const SCRIPT = 'conformance/delta-engines.py';

/** The rows of a table by engine, in the script's plain form. */
export function theirs(request: object): Record<string, unknown[]> {
  return runPython(SCRIPT, request) as Record<string, unknown[]>;
}

/** A value in the script's plain form. */
function plain(value: unknown, type: DeltaType): unknown {
  if (value === null || value === undefined) return null;
  if (!isPrimitive(type)) {
    if (type.type === 'array') return (value as unknown[]).map((item) => plain(item, type.elementType));
    if (type.type === 'map') {
      const entries = Array.isArray(value) ? (value as [unknown, unknown][]) : Object.entries(value);
      return entries.map(([key, item]) => [plain(key, type.keyType), plain(item, type.valueType)]);
    }
    if (type.type === 'struct') return plainRow(value as Record<string, unknown>, type);
    return value;
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (type === 'double' || type === 'float') return pythonRepr(Number(value));
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return value;
}

function pythonRepr(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  return Number.isInteger(value) && !text.includes('e') ? `${text}.0` : text;
}

/** A row in the script's plain form. */
export function plainRow(row: Record<string, unknown>, schema: StructType): Record<string, unknown> {
  return Object.fromEntries(schema.fields.map(({ name, type }) => [name, plain(row[name], type)]));
}

/** Rows as sorted texts, to compare without their order. */
export function sorted(rows: readonly unknown[]): string[] {
  return rows.map((row) => stringifyExactJson(sortKeys(row as Record<string, unknown>))).sort();
}

function sortKeys(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}
