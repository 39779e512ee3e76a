import { AppError } from '../../base/errors.ts';
import type { Cell, CellRow } from '../types/cell.ts';
import { type DeltaType, isDecimal, isNested, typeName } from '../types/delta-type.ts';
import { sqlName, sqlText, sqlTypeOf } from '../types/sql-types.ts';
import { decodeCell, encodeCell } from './cell-codec.ts';

/*
 * Types and values in DuckDB's SQL:
 *
 *   byte short integer long    TINYINT SMALLINT INTEGER BIGINT
 *   float double               FLOAT DOUBLE
 *   decimal(p, s)              DECIMAL(p, s)
 *   string binary boolean      VARCHAR BLOB BOOLEAN
 *   date                       DATE
 *   timestamp timestamp_ntz    TIMESTAMPTZ TIMESTAMP
 *   array map struct           T[] MAP(K, V) STRUCT("name" T, …)
 */

/**
 * A value as a literal of exactly its type in DuckDB's SQL: texts are never read as another type, and
 * no instant by way of a time zone.
 *
 * @throws AppError invalid_request for a value that is not of the type, or that DuckDB does not hold
 *   (half of a surrogate pair, instants and days at the ends of their ranges); table_unsupported for
 *   void and variant, which have only NULL.
 */
export function literalSql(type: DeltaType, value: Cell): string {
  if (value === null) return type === 'void' || type === 'variant' ? 'NULL' : `CAST(NULL AS ${sqlTypeOf(type)})`;
  if (isNested(type)) return nestedSql(type, value);
  const decoded = decodeCell(type, value, 'a literal');
  if (isDecimal(type)) return castText(String(encodeCell(type, decoded)), type);
  switch (type) {
    case 'string':
      return stringSql(String(decoded));
    case 'boolean':
      return decoded === true ? 'TRUE' : 'FALSE';
    case 'double':
    case 'float':
      return castText(Object.is(decoded, -0) ? '-0' : String(decoded), type);
    case 'long':
    case 'integer':
    case 'short':
    case 'byte':
      return `CAST(${String(decoded)} AS ${sqlTypeOf(type)})`;
    case 'binary':
      return `from_hex('${decoded instanceof Uint8Array ? Buffer.from(decoded).toString('hex') : ''}')`;
    case 'date':
      return `make_date(${inRange(Number(decoded), -MAX_DATE, MAX_DATE - 1, type)})`;
    case 'timestamp':
      return `make_timestamptz(${inRange(toBigint(decoded), MIN_INSTANT, MAX_INSTANT, type)})`;
    case 'timestamp_ntz':
      return `make_timestamp(${inRange(toBigint(decoded), MIN_INSTANT, MAX_INSTANT, type)})`;
    case 'void':
    case 'variant':
      throw unsupported(type);
  }
}

/** Days that DuckDB takes for an infinity. */
const MAX_DATE = 2 ** 31 - 1;
/** Instants that DuckDB has: from 290309-12-22 BC, and to before its infinity. */
const MIN_INSTANT = -9_223_372_022_400_000_000n;
const MAX_INSTANT = 9_223_372_036_854_775_806n;

function inRange<T extends number | bigint>(value: T, least: T, most: T, type: DeltaType): T {
  if (value >= least && value <= most) return value;
  throw new AppError('invalid_request', `A value of ${typeName(type)} is beyond what DuckDB holds`);
}

function toBigint(value: Cell): bigint {
  return typeof value === 'bigint' ? value : 0n;
}

function castText(text: string, type: DeltaType): string {
  return `CAST('${text}' AS ${sqlTypeOf(type)})`;
}

function stringSql(text: string): string {
  if (!text.isWellFormed()) throw new AppError('invalid_request', 'A string holds half of a surrogate pair');
  // With a NUL it is a concatenation.
  return text.includes('\0') ? `(${sqlText(text)})` : sqlText(text);
}

function nestedSql(type: Exclude<DeltaType, string | { readonly type: 'decimal' }>, value: Cell): string {
  switch (type.type) {
    case 'array': {
      if (!isList(value)) throw notOf(type);
      return `CAST([${value.map((item) => literalSql(type.elementType, item)).join(', ')}] AS ${sqlTypeOf(type)})`;
    }
    case 'map': {
      if (!isList(value)) throw notOf(type);
      const pairs = value.map((pair) => (isList(pair) ? pair : []));
      const keys = pairs.map(([key = null]) => literalSql(type.keyType, key));
      const values = pairs.map(([, item = null]) => literalSql(type.valueType, item));
      return `CAST(MAP([${keys.join(', ')}], [${values.join(', ')}]) AS ${sqlTypeOf(type)})`;
    }
    case 'struct': {
      if (!isStruct(value)) throw notOf(type);
      const fields = type.fields.map(
        ({ name, type: inner }) => `${sqlName(name)} := ${literalSql(inner, value[name] ?? null)}`,
      );
      return `struct_pack(${fields.join(', ')})`;
    }
  }
}

function isList(value: Cell): value is readonly Cell[] {
  return Array.isArray(value);
}

function isStruct(value: Cell): value is CellRow {
  return typeof value === 'object' && value !== null && !isList(value) && !(value instanceof Uint8Array);
}

function notOf(type: DeltaType): AppError {
  return new AppError('invalid_request', `A literal is no ${typeName(type)}`);
}

function unsupported(type: DeltaType): AppError {
  return new AppError('table_unsupported', `DuckDB has no type for ${typeName(type)}`);
}
