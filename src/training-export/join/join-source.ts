import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../base/errors.ts';
import type { DuckDb } from '../../storage/parquet/duckdb.ts';
import { duckdbScan } from '../../storage/scan/duckdb-scan.ts';
import type { Snapshot } from '../../storage/scan/snapshot.ts';
import { sqlPath, sqlText } from '../../storage/types/sql-types.ts';
import type { JoinSource } from './join-request.ts';
import { readable } from './join-table.ts';

/** Opens a Delta table at its newest version. */
export type OpenDeltaTable = (path: string) => Promise<Snapshot>;

/**
 * A file of Parquet or CSV (also `.csv.gz`), or the folder of a Delta table, as a join reads it.
 *
 * @param texts columns of a CSV that are texts whatever they look like: ids have zeros in front, and instants a zone.
 * @throws AppError `not_found`, `usage` for a file of another ending, those of storage.
 */
export async function joinSource(
  db: DuckDb,
  path: string,
  texts: readonly string[],
  openDeltaTable: OpenDeltaTable,
): Promise<JoinSource> {
  if (!existsSync(path)) throw new AppError('not_found', `there is no file ${path}`);
  if (existsSync(join(path, '_delta_log'))) {
    return { name: path, sql: await duckdbScan(db, await openDeltaTable(path)) };
  }
  if (path.endsWith('.parquet')) return { name: path, sql: `read_parquet(${sqlPath(path)})` };
  if (/\.csv(\.gz)?$/.test(path)) return { name: path, sql: await csvSql(db, path, texts) };
  throw new AppError('usage', `${path} is neither .parquet nor .csv, nor the folder of a Delta table`);
}

async function csvSql(db: DuckDb, path: string, texts: readonly string[]): Promise<string> {
  const read = `read_csv(${sqlPath(path)}, header = true, skip = 0, delim = ',', quote = '"', sample_size = -1`;
  const names = new Set(
    (await readable(path, () => db.rows(`DESCRIBE SELECT * FROM ${read})`))).map((row) => String(row.column_name)),
  );
  const types = texts.filter((name) => names.has(name)).map((name) => `${sqlText(name)}: 'VARCHAR'`);
  return types.length === 0 ? `${read})` : `${read}, types = {${types.join(', ')}})`;
}
