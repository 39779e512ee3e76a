import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../base/errors.ts';
import { repeatedName } from '../../base/repeated-name.ts';
import { toldTwice } from '../../base/tellable.ts';
import type { DuckDb } from '../../storage/parquet/duckdb.ts';
import { duckdbScan } from '../../storage/scan/duckdb-scan.ts';
import type { Snapshot } from '../../storage/scan/snapshot.ts';
import { sqlName, sqlPath } from '../../storage/types/sql-types.ts';
import { faithfulColumns, typedSql } from './csv-columns.ts';
import { type JoinSource, OWN_PREFIX, type SourceColumn } from './join-request.ts';
import { readable } from './join-table.ts';

/** Opens a Delta table at its newest version. */
export type OpenDeltaTable = (path: string) => Promise<Snapshot>;

/**
 * A file of Parquet or CSV (also `.csv.gz`), or the folder of a Delta table, as a join reads it.
 *
 * @param texts columns of a CSV that are texts whatever they look like: ids have zeros in front, and instants a zone.
 * `all` of rows, whose columns go into the result as they are written; nothing is computed with them.
 * @throws AppError `not_found`, `usage` for a file of another ending, `invalid_file`, those of storage.
 */
export async function joinSource(
  db: DuckDb,
  path: string,
  texts: readonly string[] | 'all',
  openDeltaTable: OpenDeltaTable,
): Promise<JoinSource> {
  if (!existsSync(path)) throw new AppError('not_found', `there is no file ${path}`);
  if (/\.csv(\.gz)?$/.test(path)) return csvSource(db, path, texts);
  if (existsSync(join(path, '_delta_log'))) {
    return sourceOf(db, path, await duckdbScan(db, await openDeltaTable(path)));
  }
  if (path.endsWith('.parquet')) return sourceOf(db, path, `read_parquet(${sqlPath(path)}, hive_partitioning = false)`);
  throw new AppError('usage', `${path} is neither .parquet nor .csv, nor the folder of a Delta table`);
}

/** A CSV is read as texts, an empty cell apart from `""`; where values may have types, those are looked for in all rows. */
async function csvSource(db: DuckDb, path: string, texts: readonly string[] | 'all'): Promise<JoinSource> {
  const readCsv = (options: string): string =>
    `read_csv(${sqlPath(path)}, skip = 0, delim = ',', quote = '"', escape = '"', comment = '', hive_partitioning = false, ${options})`;
  const asTexts = readCsv('header = true, all_varchar = true, allow_quoted_nulls = false');
  await refuseTwins(db, path, readCsv('header = false, all_varchar = true'));
  const written = await sourceOf(db, path, asTexts);
  if (texts === 'all') return written;
  const guessed = await sourceOf(db, path, readCsv('header = true, sample_size = -1'));
  const columns = await faithfulColumns(
    db,
    path,
    asTexts,
    guessed.columns.map(({ name, type }) => ({ name, type: texts.includes(name) ? 'VARCHAR' : type })),
  );
  // Who quotes every cell writes an id that is missing as "": it is none, and equals no other.
  const partOf = (column: SourceColumn): string =>
    texts.includes(column.name) ? `nullif(${sqlName(column.name)}, '')` : typedSql(column);
  const parts = columns.map((column) => `${partOf(column)} AS ${sqlName(column.name)}`);
  return { name: path, columns, sql: `(SELECT ${parts.join(', ')} FROM ${asTexts})` };
}

/** DuckDB tells columns apart whose names differ in more than case, and gives the second of two alike another name. */
async function refuseTwins(db: DuckDb, name: string, headless: string): Promise<void> {
  const [header = {}] = await readable(name, () => db.rows(`SELECT * FROM ${headless} LIMIT 1`));
  const names = Object.values(header).map((column) => String(column ?? '').toLowerCase());
  const twice = repeatedName(names);
  if (twice === undefined) return;
  throw new AppError('invalid_file', `${name} has two columns, in whatever case,${toldTwice(twice, names)}`);
}

/** @throws AppError `invalid_file` where it cannot be read, or a name is one of the join's own. */
async function sourceOf(db: DuckDb, name: string, sql: string): Promise<JoinSource> {
  const rows = await readable(name, () => db.rows(`DESCRIBE SELECT * FROM ${sql}`));
  const columns = rows.map((row) => ({ name: String(row.column_name), type: String(row.column_type) }));
  const own = columns.find((column) => column.name.startsWith(OWN_PREFIX));
  if (own === undefined) return { name, sql, columns };
  throw new AppError('invalid_file', `${name}: the column ${own.name} begins with ${OWN_PREFIX}, which joins use`);
}
