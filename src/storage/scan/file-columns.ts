import { AppError } from '../../base/errors.ts';
import type { ColumnMappingMode } from '../log/physical-schema.ts';
import { storedName } from '../log/physical-schema.ts';
import { type DeltaType, isPrimitive, type StructField, typeName } from '../types/delta-type.ts';
import { sqlName, sqlTypeOf } from '../types/sql-types.ts';
import { type FileCalendar, rebasedDateSql, rebasedMicrosSql, refusedMicrosSql } from './calendar-rebase.ts';
import { hasTime } from './file-calendars.ts';
import { readNameOf } from './file-relation.ts';
import type { FileColumn } from './file-shape.ts';
import { hasMember, isVariantGroup } from './file-variants.ts';

/** What a file's columns are turned into a table's by. */
export interface ColumnReading {
  readonly mode: ColumnMappingMode;
  /** How an error names the file. */
  readonly file: string;
  readonly calendar?: FileCalendar;
}

/**
 * A table's column as a SQL expression over a file's columns: found by its physical name or id
 * (PROTOCOL.md, "Reader Requirements for Column Mapping"), cast where the file holds a narrower type
 * ("Type Widening"), null where the file lacks it.
 *
 * @throws AppError table_corrupt where the file holds another type.
 */
export function columnSql(reading: ColumnReading, wanted: StructField, columns: readonly FileColumn[]): string {
  const found = findColumn(reading, wanted, columns);
  if (found === undefined) return `NULL::${sqlTypeOf(wanted.type)}`;
  return cellSql({ ...reading, depth: 0 }, wanted.name, readNameOf(found), wanted.type, found);
}

/** The file's column of a field; undefined where it has none. */
export function findColumn(
  { mode }: Pick<ColumnReading, 'mode'>,
  wanted: StructField,
  columns: readonly FileColumn[],
): FileColumn | undefined {
  const id = wanted.metadata['delta.columnMapping.id'];
  // A column that is not of the table, such as `_change_type`, has no id.
  if (mode === 'id' && id !== undefined) return columns.find(({ fieldId }) => fieldId === id);
  const name = storedName(wanted, mode);
  const exact = columns.find((column) => column.name === name);
  return exact ?? columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
}

interface Nested extends ColumnReading {
  readonly depth: number;
}

function cellSql(reading: Nested, column: string, sql: string, wanted: DeltaType, actual: FileColumn): string {
  if (isPrimitive(wanted) || wanted.type === 'decimal') return leafSql(reading, column, sql, wanted, actual);
  const kind = wanted.type === 'array' ? 'list' : wanted.type;
  if (actual.kind !== kind) throw wrongType(reading, column, wanted, actual);
  if (isSame(reading, wanted, actual)) return sql;
  const inner = { ...reading, depth: reading.depth + 1 };
  const item = `x${inner.depth}`;
  const [first, second] = actual.children;
  switch (wanted.type) {
    case 'struct':
      return structSql(reading, column, sql, wanted.fields, actual);
    case 'array': {
      const element = cellSql(inner, column, item, wanted.elementType, first as FileColumn);
      return `list_transform(${sql}, lambda ${item}: ${element})`;
    }
    case 'map': {
      const key = cellSql(inner, column, `${item}.key`, wanted.keyType, first as FileColumn);
      const value = cellSql(inner, column, `${item}.value`, wanted.valueType, second as FileColumn);
      return `map_from_entries(list_transform(map_entries(${sql}), lambda ${item}: {'key': ${key}, 'value': ${value}}))`;
    }
  }
}

function structSql(
  reading: Nested,
  column: string,
  sql: string,
  fields: readonly StructField[],
  actual: FileColumn,
): string {
  const members = fields.map((wanted) => {
    const found = findColumn(reading, wanted, actual.children);
    const value =
      found === undefined
        ? `NULL::${sqlTypeOf(wanted.type)}`
        : cellSql(reading, `${column}.${wanted.name}`, `(${sql}).${sqlName(found.name)}`, wanted.type, found);
    return `${sqlName(wanted.name)} := ${value}`;
  });
  return `CASE WHEN ${sql} IS NULL THEN NULL ELSE struct_pack(${members.join(', ')}) END`;
}

/** Whether DuckDB's value of a file's column is the wanted one as it is. */
function isSame(reading: ColumnReading, wanted: DeltaType, actual: FileColumn): boolean {
  if (reading.calendar !== undefined && hasTime(wanted)) return false;
  if (isPrimitive(wanted) || wanted.type === 'decimal') {
    return actual.kind === 'leaf' && actual.leafType === sqlTypeOf(wanted);
  }
  const { children, kind } = actual;
  switch (wanted.type) {
    case 'array':
      return kind === 'list' && isSame(reading, wanted.elementType, children[0] as FileColumn);
    case 'map':
      return (
        kind === 'map' &&
        isSame(reading, wanted.keyType, children[0] as FileColumn) &&
        isSame(reading, wanted.valueType, children[1] as FileColumn)
      );
    case 'struct':
      return (
        kind === 'struct' &&
        wanted.fields.length === children.length &&
        wanted.fields.every((item, at) => {
          const child = children[at] as FileColumn;
          return (
            findColumn(reading, item, children) === child &&
            child.name === item.name &&
            isSame(reading, item.type, child)
          );
        })
      );
  }
}

function leafSql(reading: Nested, column: string, sql: string, wanted: DeltaType, actual: FileColumn): string {
  if (wanted === 'variant') return variantSql(reading, column, sql, actual);
  if (actual.kind !== 'leaf') throw wrongType(reading, column, wanted, actual);
  const { leafType } = actual;
  const type = sqlTypeOf(wanted);
  const old = oldTimeSql(reading, sql, wanted, actual);
  if (old !== undefined) return leafSql(withoutCalendar(reading), column, old, wanted, actual);
  if (leafType === type) return sql;
  const from = leafType.replace(/\(.*$/, '');
  const name = isPrimitive(wanted) ? wanted : wanted.type;
  const rule = CASTS[name]?.[from];
  if (rule === undefined) throw wrongType(reading, column, wanted, actual);
  return rule === 'cast' ? `CAST(${sql} AS ${type})` : rule(sql);
}

/** A day or instant of a file with another calendar, in its own type; undefined for other values. */
function oldTimeSql(
  { calendar, file }: Nested,
  sql: string,
  wanted: DeltaType,
  actual: FileColumn,
): string | undefined {
  if (calendar === undefined) return undefined;
  if (actual.leafType === 'DATE') return calendar.dates ? rebasedDateSql(sql) : undefined;
  if (wanted !== 'timestamp' || !actual.leafType.startsWith('TIMESTAMP')) return undefined;
  const rule = actual.isInt96 === true ? calendar.int96 : calendar.instants;
  if (rule === 'plain') return undefined;
  const micros = `epoch_us(${sql})`;
  const moved = rule === 'rebase' ? rebasedMicrosSql(micros) : refusedMicrosSql(micros, file, calendar.zone);
  return actual.leafType === 'TIMESTAMP WITH TIME ZONE' ? `make_timestamptz(${moved})` : `make_timestamp(${moved})`;
}

function withoutCalendar({ mode, file, depth }: Nested): Nested {
  return { mode, file, depth };
}

/** How a value that a file holds in another form becomes the wanted one. */
type Cast = 'cast' | ((sql: string) => string);

const INTEGERS = { TINYINT: 'cast', SMALLINT: 'cast', INTEGER: 'cast', BIGINT: 'cast' } as const;
const UNSIGNED = { UTINYINT: 'cast', USMALLINT: 'cast', UINTEGER: 'cast', UBIGINT: 'cast' } as const;
const asInstant: Cast = (sql) => `make_timestamptz(epoch_us(${sql}))`;
const asLocal: Cast = (sql) => `make_timestamp(epoch_us(${sql}))`;

const CASTS: Readonly<Record<string, Readonly<Record<string, Cast>>>> = {
  string: { BLOB: (sql) => `decode(${sql})`, UUID: 'cast', JSON: 'cast', ENUM: 'cast' },
  binary: { VARCHAR: (sql) => `encode(${sql})` },
  byte: INTEGERS,
  short: { ...INTEGERS, UTINYINT: 'cast' },
  integer: { ...INTEGERS, ...UNSIGNED },
  long: { ...INTEGERS, ...UNSIGNED },
  float: {},
  double: { FLOAT: 'cast', TINYINT: 'cast', SMALLINT: 'cast', INTEGER: 'cast' },
  decimal: { ...INTEGERS, DECIMAL: 'cast' },
  timestamp: { TIMESTAMP: asInstant, TIMESTAMP_NS: asInstant, TIMESTAMP_MS: asInstant },
  timestamp_ntz: {
    'TIMESTAMP WITH TIME ZONE': asLocal,
    TIMESTAMP_NS: asLocal,
    TIMESTAMP_MS: asLocal,
    DATE: 'cast',
  },
  // Nothing is ever stored of it.
  void: {},
};

/** A variant as its two binaries, whatever form the file has it in. */
function variantSql(reading: Nested, column: string, sql: string, actual: FileColumn): string {
  if (!isVariantGroup(actual)) throw wrongType(reading, column, 'variant', actual);
  if (actual.isVariant === true) {
    const binaries = `CAST(variant_to_parquet_variant(${sql}) AS ${sqlTypeOf('variant')})`;
    return `CASE WHEN ${sql} IS NULL THEN NULL ELSE ${binaries} END`;
  }
  if (hasMember(actual, 'typed_value')) {
    throw new AppError(
      'table_unsupported',
      `The file ${reading.file} holds the variant ${column} shredded and without Parquet's annotation of variants, ` +
        'which is not supported',
      { key: reading.file, column },
    );
  }
  return `CASE WHEN ${sql} IS NULL THEN NULL ELSE {'metadata': (${sql}).metadata, 'value': (${sql}).value} END`;
}

function wrongType(
  { file }: ColumnReading,
  column: string,
  wanted: DeltaType,
  { kind, leafType }: FileColumn,
): AppError {
  const held = kind === 'leaf' ? leafType : kind;
  return new AppError(
    'table_corrupt',
    `The file ${file} holds the column ${column} as ${held}, which is no ${typeName(wanted)}`,
    { key: file, column },
  );
}
