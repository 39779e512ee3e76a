import { AppError } from '../../base/errors.ts';
import { sqlName, sqlText } from '../parquet/duckdb.ts';
import { type DeltaType, isPrimitive, type StructField } from '../types/delta-schema.ts';
import { parsePartitionValue } from '../types/partition-values.ts';
import type { DataFile, Snapshot } from './snapshot.ts';
import { fieldsToRead, type ReadOptions } from './table-read.ts';

/**
 * A snapshot as a SQL table expression for DuckDB: it reads the files that our own log names, so
 * that DuckDB needs no Delta extension and sees exactly this version. Partition columns are
 * constants of their files; a column that an old file lacks is null.
 *
 * @throws AppError table_unsupported where the store's objects are no local files.
 */
export function duckdbScan(snapshot: Snapshot, options: ReadOptions = {}): string {
  const fields = fieldsToRead(snapshot, options.columns);
  const names = fields.map(({ name }) => sqlName(name)).join(', ');
  // The empty branch gives every column its type, also where no file holds it.
  const shape = `SELECT ${fields.map(typedNull).join(', ')} WHERE false`;
  const partitions = fields.filter(({ name }) => snapshot.partitionColumns.includes(name));
  const branches = groupFiles(options.files ?? snapshot.files, partitions).map((files) =>
    branchOf(snapshot, partitions, files),
  );
  return `(SELECT ${names} FROM (${[...branches, shape].join(' UNION ALL BY NAME ')}))`;
}

/** The SQL type of a column. */
export function sqlTypeOf(type: DeltaType): string {
  if (isPrimitive(type)) return SQL_TYPES[type];
  if (type.type === 'array') return `${sqlTypeOf(type.elementType)}[]`;
  if (type.type === 'map') return `MAP(${sqlTypeOf(type.keyType)}, ${sqlTypeOf(type.valueType)})`;
  return `STRUCT(${type.fields.map((field) => `${sqlName(field.name)} ${sqlTypeOf(field.type)}`).join(', ')})`;
}

const SQL_TYPES = {
  string: 'VARCHAR',
  long: 'BIGINT',
  integer: 'INTEGER',
  short: 'SMALLINT',
  byte: 'TINYINT',
  double: 'DOUBLE',
  float: 'FLOAT',
  boolean: 'BOOLEAN',
  binary: 'BLOB',
  date: 'DATE',
  timestamp: 'TIMESTAMPTZ',
} as const;

function typedNull({ name, type }: StructField): string {
  return `NULL::${sqlTypeOf(type)} AS ${sqlName(name)}`;
}

/** Files with equal values of the asked partition columns, in the order of the first of each. */
function groupFiles(files: readonly DataFile[], partitions: readonly StructField[]): DataFile[][] {
  const groups = new Map<string, DataFile[]>();
  for (const file of files) {
    const key = JSON.stringify(partitions.map(({ name }) => file.partitionValues[name] ?? null));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  return [...groups.values()];
}

function branchOf(snapshot: Snapshot, partitions: readonly StructField[], files: readonly DataFile[]): string {
  const paths = files.map((file) => sqlText(pathOf(snapshot, file))).join(', ');
  const values = files[0]?.partitionValues ?? {};
  const constants = partitions.map(
    ({ name, type }) => `${partitionLiteral(name, type, values[name] ?? null)} AS ${sqlName(name)}`,
  );
  // Columns that nobody asks for are left out by DuckDB's own pruning, which reaches through unions.
  const names = snapshot.partitionColumns.map(sqlText).join(', ');
  const stored = names === '' ? '*' : `COLUMNS(lambda c: NOT list_contains([${names}], c))`;
  const scan = `read_parquet([${paths}], union_by_name = true, hive_partitioning = false)`;
  return `SELECT ${[stored, ...constants].join(', ')} FROM ${scan}`;
}

function partitionLiteral(name: string, type: DeltaType, text: string | null): string {
  const value = parsePartitionValue(type, text, name);
  if (value === null || text === null) return `NULL::${sqlTypeOf(type)}`;
  if (type === 'timestamp') return `make_timestamptz(${String(value)})`;
  return `${sqlText(text)}::${sqlTypeOf(type)}`;
}

function pathOf(snapshot: Snapshot, file: DataFile): string {
  const path = snapshot.store.locate(file.key);
  if (path === undefined) {
    throw new AppError('table_unsupported', `DuckDB cannot open the objects of the store of ${snapshot.table}`);
  }
  // DuckDB takes these characters of a path as a pattern.
  return path.replace(/[*?[\]]/g, (char) => `[${char}]`);
}
