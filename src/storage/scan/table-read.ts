import { type DuckDb, type DuckDbChunk, openDuckDb } from '../parquet/duckdb.ts';
import type { CellRow } from '../types/cell.ts';
import { duckdbScan } from './duckdb-scan.ts';
import type { ReadOptions } from './read-options.ts';
import type { Snapshot } from './snapshot.ts';

/** What a read may use of the machine. */
export interface ReadLimits {
  /** 512 MB unless told. */
  readonly memoryLimitMb?: number;
  /** Two unless told. */
  readonly threads?: number;
}

/**
 * Reads a table row by row, in the order of its files: the asked columns of its schema, with
 * partition values filled in and nulls where an old file lacks a column. For small results, and
 * those that are passed on row by row: an object a row is made.
 *
 * @throws AppError table_corrupt, table_unsupported, not_found for an unknown column.
 */
export async function* readRows(snapshot: Snapshot, options: ReadOptions & ReadLimits = {}): AsyncIterable<CellRow> {
  for await (const chunk of readChunks(snapshot, options)) yield* chunk.rows();
}

/** Reads a table as {@link readRows} does, in DuckDB's chunks of about 2,048 rows. */
export async function* readChunks(
  snapshot: Snapshot,
  options: ReadOptions & ReadLimits = {},
): AsyncIterable<DuckDbChunk> {
  yield* withDuckDb(options, async function* (db) {
    yield* db.stream(`SELECT * FROM ${await duckdbScan(db, snapshot, options)}`);
  });
}

/** Runs a query on a DuckDB of its own, which is closed after it. */
export async function* withDuckDb<T>(
  { memoryLimitMb = 512, threads = 2 }: ReadLimits,
  query: (db: DuckDb) => AsyncIterable<T>,
): AsyncIterable<T> {
  const db = await openDuckDb({ memoryLimitMb, threads });
  try {
    yield* query(db);
  } finally {
    db.close();
  }
}
