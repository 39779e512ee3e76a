import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../base/errors.ts';
import type { DuckDb } from '../parquet/duckdb.ts';
import { parquetBuilder } from '../parquet/parquet-write.ts';
import { duckdbScan } from '../scan/duckdb-scan.ts';
import { foreignSchemas } from '../scan/file-schema.ts';
import { fieldsOfFile } from '../scan/file-types.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import type { Row } from '../types/cell.ts';
import { type StructType, structOf } from '../types/delta-type.ts';
import { sqlName, sqlPath, sqlTypeOf } from '../types/sql-types.ts';

/** Where rows come from that are written or merged. */
export type RowSource =
  /** Objects by column name; of the table's columns those that the schema names, all without it. */
  | { readonly rows: Iterable<Row> | AsyncIterable<Row>; readonly schema?: StructType }
  /** Parquet files of this machine, all of equal columns. */
  | { readonly parquet: readonly string[] }
  /** A version of this or another table. */
  | { readonly snapshot: Snapshot };

/** Rows as DuckDB sees them. */
export interface StagedRows {
  /** A relation. */
  readonly sql: string;
  readonly schema: StructType;
}

/**
 * Makes rows known to DuckDB. Objects are written to a file of its folder, so that they never have to
 * fit in memory together with what is made of them.
 *
 * @param table the schema of objects that bring none.
 */
export async function stageRows(db: DuckDb, source: RowSource, table: StructType): Promise<StagedRows> {
  if ('snapshot' in source) return { sql: await duckdbScan(db, source.snapshot), schema: source.snapshot.schema };
  if ('parquet' in source) return stageFiles(db, source.parquet);
  const schema = source.schema ?? table;
  const stored = structOf(schema.fields.map((item) => ({ ...item, nullable: true, metadata: {} })));
  const builder = parquetBuilder(stored, { leaves: 0 });
  for await (const row of source.rows) {
    builder.append(row);
    if (builder.isGroupFull) await builder.flush();
  }
  if (builder.rows === 0) return { sql: emptyRelation(schema), schema };
  const path = join(db.folder(), `rows-${Math.random().toString(36).slice(2)}.parquet`);
  await writeFile(path, (await builder.finish()).bytes);
  return {
    sql: `(SELECT ${columnsOf(schema)} FROM read_parquet(${sqlPath(path)}, hive_partitioning = false))`,
    schema,
  };
}

async function stageFiles(db: DuckDb, paths: readonly string[]): Promise<StagedRows> {
  const [first] = paths;
  const schemas = first === undefined ? undefined : await foreignSchemas(db, paths);
  const found = first === undefined ? undefined : schemas?.get(first);
  if (found === undefined) throw new AppError('invalid_request', 'There is no Parquet file to read rows from');
  const schema = structOf(fieldsOfFile(found.columns));
  const list = paths.map(sqlPath).join(', ');
  return { sql: `(SELECT ${castColumnsOf(schema)} FROM read_parquet([${list}], hive_partitioning = false))`, schema };
}

/**
 * Files of others hold values in types that Delta has not, as small unsigned integers, UUIDs and nanoseconds.
 * What is copied as it is lands so in the table's files, which other readers then refuse.
 */
function castColumnsOf({ fields }: StructType): string {
  return fields.map(({ name, type }) => `CAST(${sqlName(name)} AS ${sqlTypeOf(type)}) AS ${sqlName(name)}`).join(', ');
}

function columnsOf({ fields }: StructType): string {
  return fields
    .map(({ name, type }) => (type === 'void' ? `NULL::INTEGER AS ${sqlName(name)}` : sqlName(name)))
    .join(', ');
}

function emptyRelation({ fields }: StructType): string {
  return `(SELECT ${fields.map(({ name, type }) => `NULL::${sqlTypeOf(type)} AS ${sqlName(name)}`).join(', ')} WHERE false)`;
}
