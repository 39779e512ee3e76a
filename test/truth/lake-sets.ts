import { join } from 'node:path';
import { type DuckDb, openDuckDb } from '../../src/storage/parquet/duckdb.ts';
import type { CellRow } from '../../src/storage/types/cell.ts';
import type { Stage } from './truth-run.ts';

/** What a lake's tables hold, counted as sets: a million rows do not fit a test as JSON. */
export interface LakeSets {
  readonly payments: number;
  readonly decisions: number;
  /** Distinct payments that were answered. */
  readonly answered: number;
  /** Those of them that no decision in silver is of. */
  readonly lost: number;
  /** Decisions in silver that another one has the key of. */
  readonly doubled: number;
  readonly retractions: number;
  readonly replacements: number;
}

/** Counts a lake. @param answered a file of keys that were answered, as `newTally` writes it. */
export async function lakeSets(stage: Stage, dataDir: string, answered: string): Promise<LakeSets> {
  const read = async (table: string, columns: string): Promise<string> => {
    const out = join(dataDir, `${table.replace('/', '-')}.csv`);
    const path = join(dataDir, 'lake', table);
    await stage.program(['table', 'read', '--path', path, '--columns', columns, '--format', 'csv'], out);
    return `read_csv('${out}', header = true, all_varchar = true)`;
  };
  const payments = await read('silver/transactions', 'side');
  const decisions = await read('silver/decisions', 'end_to_end_id,side');
  const corrections = await read('silver/corrections', 'effect');
  return withDuckDb(dataDir, async (db) => {
    const count = async (what: string, from: string): Promise<number> =>
      Number((await firstRow(db, `SELECT ${what} AS n FROM ${from}`)).n);
    const keys = `(SELECT DISTINCT * FROM read_csv('${answered}', header = true, all_varchar = true))`;
    return {
      payments: await count('count(*)', payments),
      decisions: await count('count(*)', decisions),
      answered: await count('count(*)', keys),
      lost: await count('count(*)', `${keys} ANTI JOIN ${decisions} USING (end_to_end_id, side)`),
      doubled: await count('count(*) - count(DISTINCT (end_to_end_id, side))', decisions),
      retractions: await count("count(*) FILTER (effect = 'RETRACTED')", corrections),
      replacements: await count("count(*) FILTER (effect = 'REPLACED')", corrections),
    };
  });
}

/** Runs work with a DuckDB that spills into a folder. */
export async function withDuckDb<T>(folder: string, work: (db: DuckDb) => Promise<T>): Promise<T> {
  const db = await openDuckDb({ memoryLimitMb: 2048, threads: 2, temporaryFolder: join(folder, 'duckdb') });
  try {
    return await work(db);
  } finally {
    db.close();
  }
}

/** The only row of a query. */
export async function firstRow(db: DuckDb, sql: string): Promise<CellRow> {
  const [row] = await db.rows(sql);
  if (row === undefined) throw new Error(`no row: ${sql}`);
  return row;
}
