import { AppError } from '../../base/errors.ts';
import type { DuckDb } from '../parquet/duckdb.ts';
import { sqlPath } from '../types/sql-types.ts';
import type { ScannedFile } from './read-options.ts';

/** Rows of a choice above which the file itself is asked for its rows, whatever the log says: expanding it costs memory. */
const MOST_TRUSTED_ROWS = 1_000_000;

/**
 * Holds chosen rows against the files that they are of, before they are expanded: a vector of a few
 * bytes may hold 2^32 rows.
 *
 * @throws AppError table_corrupt where a choice holds a row that its file has not.
 */
export async function checkChoices(db: DuckDb, table: string, files: readonly ScannedFile[]): Promise<void> {
  const chosen = files.filter(({ choice }) => choice?.set.last !== undefined);
  const unsure = chosen.filter(
    ({ file, choice }) => file.statistics() === undefined || (choice?.set.cardinality ?? 0) > MOST_TRUSTED_ROWS,
  );
  const counted = unsure.length === 0 ? new Map<string, number>() : await recordsOf(db, unsure);
  for (const { file, path, choice } of chosen) {
    const records = Math.min(counted.get(path) ?? Infinity, file.statistics()?.numRecords ?? Infinity);
    const last = choice?.set.last ?? 0;
    if (last < records) continue;
    throw new AppError(
      'table_corrupt',
      `The deletion vector of ${file.key} in the table ${table} names the row ${last}, and the file has ${records}; ` +
        'restore an older version of the table',
      { table, key: file.key },
    );
  }
}

/** How many rows files have, by their footers. */
async function recordsOf(db: DuckDb, files: readonly ScannedFile[]): Promise<Map<string, number>> {
  const paths = files.map(({ path }) => sqlPath(path)).join(', ');
  const rows = await db.rows(`SELECT file_name, num_rows::DOUBLE AS records FROM parquet_file_metadata([${paths}])`);
  return new Map(rows.map(({ file_name: path, records }) => [String(path), Number(records)]));
}
