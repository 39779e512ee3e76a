import { expressionSql, type Formula, sqlFault } from '../expression/expressions.ts';
import { type DuckDb, type DuckDbChunk, openDuckDb } from '../parquet/duckdb.ts';
import type { CellRow } from '../types/cell.ts';
import { sqlName } from '../types/sql-types.ts';
import { brokenFile } from './broken-file.ts';
import { columnPathSql } from './column-path.ts';
import { duckdbScan } from './duckdb-scan.ts';
import { releaseCopies } from './local-files.ts';
import { judgeFiles } from './prune-snapshot.ts';
import { fieldsToRead, type ReadOptions } from './read-options.ts';
import type { DataFile, Snapshot } from './snapshot.ts';
import { withVariantTexts } from './variant-cells.ts';

/** What a read may use of the machine. */
export interface ReadLimits {
  /** 1024 MB unless told. */
  readonly memoryLimitMb?: number;
  /** Two unless told. */
  readonly threads?: number;
}

/** Which rows to read, and with what. */
export interface ReadRequest extends ReadOptions, ReadLimits {
  /** A condition of the table's schema; rows for which it is true. Of files only those that may hold one are opened. */
  readonly where?: Formula;
  /** At most so many rows. */
  readonly limit?: number;
}

/**
 * Reads a table row by row, in the order of its files: the asked columns of its schema, with
 * partition values filled in and nulls where an old file lacks a column. For small results, and
 * those that are passed on row by row: an object a row is made.
 *
 * @throws AppError table_corrupt, table_unsupported, not_found for an unknown column, invalid_request
 * for a row on which the condition fails.
 */
export async function* readRows(snapshot: Snapshot, request: ReadRequest = {}): AsyncIterable<CellRow> {
  for await (const chunk of readChunks(snapshot, request)) yield* chunk.rows();
}

/**
 * Reads a table as {@link readRows} does, in DuckDB's chunks of about 2,048 rows. Files are opened in
 * groups: a few rows of a large table, or of one in a remote store, cost no more than a group.
 */
export async function* readChunks(snapshot: Snapshot, request: ReadRequest = {}): AsyncIterable<DuckDbChunk> {
  const fields = fieldsToRead(snapshot, request.columns);
  const { where, limit = Number.POSITIVE_INFINITY } = request;
  const files = wantedFiles(snapshot, request);
  if (files.length === 0 || limit <= 0) return;
  yield* withDuckDb(request, async function* (db) {
    let left = limit;
    for (const group of groupsOf(files)) {
      try {
        const sql = await querySql(db, snapshot, { ...request, files: group, limit: left });
        for await (const chunk of where === undefined ? db.stream(sql) : found(db, sql)) {
          left -= chunk.rowCount;
          yield withVariantTexts(chunk, fields);
        }
      } catch (error) {
        throw (where === undefined ? undefined : sqlFault(error)) ?? (await brokenFile(db, snapshot, group, error));
      }
      await releaseCopies(db);
      if (left <= 0) return;
    }
  });
}

/**
 * The rows of a query that most rows do not pass: put in a table first, which spills, as streamed results are made by
 * one thread, and take half as long again.
 */
async function* found(db: DuckDb, sql: string): AsyncIterable<DuckDbChunk> {
  await db.run(`CREATE OR REPLACE TEMP TABLE "#found" AS ${sql}`);
  yield* db.stream('SELECT * FROM "#found"');
}

/** Runs a query on a DuckDB. */
export async function* withDuckDb<T>(
  { memoryLimitMb = 1024, threads = 2 }: ReadLimits,
  query: (db: DuckDb) => AsyncIterable<T>,
): AsyncIterable<T> {
  const db = await openDuckDb({ memoryLimitMb, threads, isShared: true });
  try {
    yield* query(db);
  } finally {
    db.close();
  }
}

function wantedFiles(snapshot: Snapshot, { files, where }: ReadRequest): readonly DataFile[] {
  if (where === undefined) return files ?? snapshot.files;
  const judged = judgeFiles(snapshot, where).map(({ file }) => file);
  if (files === undefined) return judged;
  const wanted = new Set(judged.map(({ key }) => key));
  return files.filter(({ key }) => wanted.has(key));
}

/** Files of a group: a list that DuckDB plans in milliseconds, and a download that a small disk holds. */
const GROUP_FILES = 256;
const GROUP_BYTES = 1024 ** 3;

/** Cuts a list of files into groups that are read at once. */
export function* groupsOf(files: readonly DataFile[]): Generator<DataFile[]> {
  let group: DataFile[] = [];
  let bytes = 0;
  for (const file of files) {
    if (group.length > 0 && (group.length === GROUP_FILES || bytes + file.sizeBytes > GROUP_BYTES)) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(file);
    bytes += file.sizeBytes;
  }
  if (group.length > 0) yield group;
}

async function querySql(
  db: DuckDb,
  snapshot: Snapshot,
  { columns, files = [], where, limit }: ReadRequest,
): Promise<string> {
  const asked = fieldsToRead(snapshot, columns).map(({ name }) => name);
  const tested = where?.columns.map(({ path }) => path[0] ?? '') ?? [];
  const scan = await duckdbScan(db, snapshot, { files, columns: [...new Set([...asked, ...tested])] });
  const list = asked.length === 0 ? '*' : asked.map(sqlName).join(', ');
  const passes = where === undefined ? '' : ` WHERE ${expressionSql(where, columnPathSql)}`;
  const most = limit === undefined || limit === Number.POSITIVE_INFINITY ? '' : ` LIMIT ${limit}`;
  return `SELECT ${list} FROM ${scan}${passes}${most}`;
}
