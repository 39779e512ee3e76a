import { AppError, messageOf } from '../../base/errors.ts';
import type { DuckDb } from '../parquet/duckdb.ts';
import { sqlPath } from '../types/sql-types.ts';
import { OLD_INSTANTS } from './calendar-rebase.ts';
import { localPaths } from './local-files.ts';
import type { DataFile, Snapshot } from './snapshot.ts';

/**
 * The error behind DuckDB's failure to read files, with the name of the file where it can be told: DuckDB
 * names it where a file cannot be opened, and not where it is damaged inside, so then they are read one by
 * one. Other errors are given back as they are.
 */
export async function brokenFile(
  db: DuckDb,
  { store, table }: Pick<Snapshot, 'store' | 'table'>,
  files: readonly Pick<DataFile, 'key'>[],
  error: unknown,
): Promise<unknown> {
  if (!isOfDuckDb(error)) return error;
  const refusal = OLD_INSTANTS_FAULT.exec(error.message)?.[1];
  if (refusal !== undefined) return new AppError('table_unsupported', refusal, { table }, error);
  const keys = files.map(({ key }) => key);
  const paths = await localPaths(db, store, keys).catch(() => []);
  const told = paths.findIndex((path) => error.message.includes(path));
  const at = told === -1 ? await firstBroken(db, paths) : told;
  const key = keys[at];
  if (key === undefined) return error;
  const why = messageOf(error.cause).replaceAll(paths[at] ?? key, key);
  return new AppError(
    'table_corrupt',
    `The data file ${key} of the table ${table} cannot be read: ${why}; restore the file, or a version without it`,
    { table, key },
    error,
  );
}

const OLD_INSTANTS_FAULT = new RegExp(`${OLD_INSTANTS}(.*)`, 's');

/** Errors of our own, which know what they are about, have no cause, or the key of a file. */
function isOfDuckDb(error: unknown): error is AppError {
  if (!(error instanceof AppError) || error.cause === undefined || error.context.key !== undefined) return false;
  return error.code === 'table_corrupt' || error.code === 'storage_failed';
}

/** Reads files to their ends until one fails; −1 where none does. */
async function firstBroken(db: DuckDb, paths: readonly string[]): Promise<number> {
  for (const [at, path] of paths.entries()) {
    try {
      for await (const chunk of db.stream(`SELECT * FROM read_parquet(${sqlPath(path)}, hive_partitioning = false)`)) {
        if (chunk.rowCount === 0) break;
      }
    } catch (error) {
      // After a fault of its own DuckDB answers everything with this.
      return /database has been invalidated/i.test(messageOf(error)) ? -1 : at;
    }
  }
  return -1;
}
