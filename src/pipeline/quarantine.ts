import type { DuckDb } from '../storage/parquet/duckdb.ts';
import { duckdbScan } from '../storage/scan/duckdb-scan.ts';
import type { Row } from '../storage/types/cell.ts';
import { sqlText } from '../storage/types/sql-types.ts';
import { requireCommitted } from './job.ts';
import type { Lake } from './lake.ts';
import type { TablePlan } from './silver-plan.ts';

/** A row of bronze that does not become one of silver. */
export interface RefusedRow {
  readonly journalId: string;
  readonly position: number;
  readonly code: string;
  readonly reason: string;
}

/** Rows of one INSERT. */
const INSERT_ROWS = 1000;

/**
 * Puts refused rows into quarantine, raw bytes and all, once: the commit carries the plan's
 * positions, and rows that an earlier, unfinished run put there are left out.
 *
 * @returns the version of the quarantine table.
 */
export async function quarantineRows(
  db: DuckDb,
  lake: Lake,
  table: 'transactions' | 'labels' | 'corrections',
  plan: TablePlan,
  refused: readonly RefusedRow[],
): Promise<number> {
  const target = lake.table(`quarantine/${table}`);
  const snapshot = await target.snapshot();
  const done = new Map(
    plan.transactions.map(({ appId }) => [appId.slice(0, -table.length - 1), snapshot.transactionVersion(appId) ?? 0]),
  );
  const fresh = refused.filter(({ journalId, position }) => position > (done.get(journalId) ?? 0));
  if (fresh.length === 0) return snapshot.version;
  await db.run(
    'CREATE OR REPLACE TEMP TABLE refused (journal_id VARCHAR, journal_position BIGINT, code VARCHAR, reason VARCHAR)',
  );
  for (let at = 0; at < fresh.length; at += INSERT_ROWS) {
    const values = fresh
      .slice(at, at + INSERT_ROWS)
      .map((row) => `(${sqlText(row.journalId)}, ${row.position}, ${sqlText(row.code)}, ${sqlText(row.reason)})`);
    await db.run(`INSERT INTO refused VALUES ${values.join(', ')}`);
  }
  const wanted = ['journal_id', 'journal_position', 'known_time', 'source', 'line', 'raw'];
  const columns = plan.bronze.schema.fields.map(({ name }) => name).filter((name) => wanted.includes(name));
  const scan = await duckdbScan(db, plan.bronze, { files: plan.files, columns });
  const rows = refusedRows(db, `SELECT * FROM ${scan} JOIN refused USING (journal_id, journal_position)`);
  return requireCommitted(
    await target.append({ rows, txn: plan.transactions, basedOn: snapshot, operation: 'QUARANTINE' }),
  );
}

async function* refusedRows(db: DuckDb, sql: string): AsyncIterable<Row> {
  for await (const chunk of db.stream(sql)) yield* chunk.rows();
}
