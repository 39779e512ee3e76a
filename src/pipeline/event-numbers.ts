import { ENTITY_KINDS } from '../domain/entity-keys.ts';
import type { DuckDb } from '../storage/parquet/duckdb.ts';
import { duckdbScan } from '../storage/scan/duckdb-scan.ts';
import type { BronzeTableName } from './bronze-rows.ts';
import type { Lake } from './lake.ts';

/** Columns of numbers that records after an event may tell. */
export const NUMBER_COLUMNS: readonly string[] = ENTITY_KINDS.flatMap((kind) => [`${kind}_epoch`, `${kind}_seq`]);

/**
 * Makes the table `numbers`: what records after events told of their numbers, a row for each payment and side that is
 * wanted. Nearly all were told once, and go through as they are: to gather them, aggregates would hold 1.5 KB a payment,
 * which DuckDB cannot put on disk.
 *
 * @param wanted a subquery of `end_to_end_id` and `side`: of all that ever happened nobody has the room.
 */
export async function numbersTold(db: DuckDb, lake: Lake, wanted: string): Promise<void> {
  const told = await sequences(db, lake, ['known_time', 'journal_position', 'is_event', ...NUMBER_COLUMNS]);
  const first = (column: string): string =>
    `arg_min(${column}, (known_time, journal_position)) FILTER (${column.replace(/_seq$/, '_epoch')} IS NOT NULL) AS ${column}`;
  await db.run(
    `CREATE OR REPLACE TEMP TABLE told AS SELECT * FROM ${told} SEMI JOIN ${wanted} USING (end_to_end_id, side)`,
  );
  await db.run(`CREATE OR REPLACE TEMP TABLE told_again AS
    SELECT end_to_end_id, side FROM told GROUP BY end_to_end_id, side HAVING count(*) > 1`);
  await db.run(`CREATE OR REPLACE TEMP TABLE numbers AS
    SELECT end_to_end_id, side, is_event, ${NUMBER_COLUMNS.join(', ')}
    FROM told ANTI JOIN told_again USING (end_to_end_id, side)
    UNION ALL SELECT end_to_end_id, side, bool_or(is_event) AS is_event, ${NUMBER_COLUMNS.map(first).join(', ')}
    FROM told SEMI JOIN told_again USING (end_to_end_id, side) GROUP BY end_to_end_id, side`);
  await db.run('DROP TABLE told');
}

/** A subquery of the payments and sides of which something was told. */
export function toldOf(db: DuckDb, lake: Lake): Promise<string> {
  return sequences(db, lake, []);
}

async function sequences(db: DuckDb, lake: Lake, columns: readonly string[]): Promise<string> {
  const snapshot = await lake.table('bronze/sequences' satisfies `bronze/${BronzeTableName}`).snapshot();
  return duckdbScan(db, snapshot, { columns: ['end_to_end_id', 'side', ...columns] });
}
