import { expressionSql, type Formula, sqlFault } from '../expression/expressions.ts';
import type { DuckDb, DuckDbChunk } from '../parquet/duckdb.ts';
import type { CellRow } from '../types/cell.ts';
import { field, type StructType, structOf } from '../types/delta-type.ts';
import { sqlName, sqlText } from '../types/sql-types.ts';
import { brokenFile } from './broken-file.ts';
import { type ChangeLog, type ChangeRange, checkRange, goneCommit, versionsOf } from './change-range.ts';
import { columnPathSql } from './column-path.ts';
import { type ChangedRows, changesOf } from './commit-changes.ts';
import { duckdbScan } from './duckdb-scan.ts';
import { releaseCopies } from './local-files.ts';
import { fieldsToRead, type TableShape } from './read-options.ts';
import type { DataFile, Snapshot } from './snapshot.ts';
import { groupsOf, type ReadLimits, withDuckDb } from './table-read.ts';
import { withVariantTexts } from './variant-cells.ts';

/** Which changes to read, and with what. */
export interface ChangeRead extends ReadLimits {
  /** Columns of the feed's schema, in this order; all without it. */
  readonly columns?: readonly string[];
  /** A condition of the feed's schema. */
  readonly where?: Formula;
  readonly limit?: number;
}

/** The rows that commits of a table changed. */
export interface ChangeFeed {
  readonly fromVersion: number;
  readonly toVersion: number;
  /**
   * The table's columns at the end of the range, then `_change_type` (insert, delete, update_preimage,
   * update_postimage), `_commit_version` and `_commit_timestamp`.
   */
  readonly schema: StructType;
  /** In the order of their versions, in DuckDB's chunks, in bounded memory. @throws AppError table_corrupt, table_unsupported. */
  chunks(read?: ChangeRead): AsyncIterable<DuckDbChunk>;
  rows(read?: ChangeRead): AsyncIterable<CellRow>;
}

const CHANGE_TYPE = field('_change_type', 'string');
const COMMIT_COLUMNS = [field('_commit_version', 'long'), field('_commit_timestamp', 'timestamp')];

/**
 * Opens the change feed of a table over a range of commits (PROTOCOL.md, "Change Data Files"); all of
 * the range is checked before a row comes.
 *
 * @throws AppError version_not_found; table_unsupported where a commit did not record its changes, or
 * an incompatible change of the schema lies in the range.
 */
export async function openChangeFeed(changes: ChangeLog, range: ChangeRange): Promise<ChangeFeed> {
  const newest = await changes.snapshot();
  const { from, to } = await versionsOf(changes, newest, range);
  const start = await changes.snapshot(from);
  const end = to === newest.version ? newest : await changes.snapshot(to);
  const times = await checkRange(changes, start, end, newest);
  const schema = structOf([...end.schema.fields, CHANGE_TYPE, ...COMMIT_COLUMNS]);
  const chunks = (read: ChangeRead = {}): AsyncIterable<DuckDbChunk> => {
    const fields = fieldsToRead({ table: end.table, schema }, read.columns);
    return withDuckDb(read, async function* (db) {
      for await (const chunk of readRange({ changes, db, end, times, schema, read }))
        yield withVariantTexts(chunk, fields);
    });
  };
  return {
    fromVersion: from,
    toVersion: to,
    schema,
    chunks,
    async *rows(read) {
      for await (const chunk of chunks(read)) yield* chunk.rows();
    },
  };
}

interface Reading {
  readonly changes: ChangeLog;
  readonly db: DuckDb;
  readonly end: Snapshot;
  readonly times: ReadonlyMap<number, number>;
  readonly schema: StructType;
  readonly read: ChangeRead;
}

async function* readRange(reading: Reading): AsyncIterable<DuckDbChunk> {
  const { log } = reading.changes;
  let left = reading.read.limit ?? Number.POSITIVE_INFINITY;
  for (const [version, timestampMs] of reading.times) {
    if (left <= 0) return;
    const actions = await log.commit(version);
    if (actions === undefined) throw goneCommit(log.table, version);
    for (const part of await changesOf(reading.end, log.keyOf, version, actions)) {
      for await (const chunk of readPart(reading, part, { version, timestampMs }, left)) {
        left -= chunk.rowCount;
        yield chunk;
      }
      if (left <= 0) return;
    }
  }
}

interface Commit {
  readonly version: number;
  readonly timestampMs: number;
}

async function* readPart(
  reading: Reading,
  part: ChangedRows,
  commit: Commit,
  limit: number,
): AsyncIterable<DuckDbChunk> {
  const { db, end, read } = reading;
  let left = limit;
  for (const files of groupsOf(part.files)) {
    try {
      for await (const chunk of db.stream(await partSql(reading, part, commit, files, left))) {
        left -= chunk.rowCount;
        yield chunk;
      }
    } catch (error) {
      throw (read.where === undefined ? undefined : sqlFault(error)) ?? (await brokenFile(db, end, files, error));
    }
    await releaseCopies(db);
    if (left <= 0) return;
  }
}

async function partSql(
  { db, end, schema, read }: Reading,
  { kind, rows }: ChangedRows,
  { version, timestampMs }: Commit,
  files: readonly DataFile[],
  limit: number,
): Promise<string> {
  const asked = read.columns ?? schema.fields.map(({ name }) => name);
  const needed = new Set([...asked, ...(read.where?.columns.map(({ path }) => path[0] ?? '') ?? [])]);
  const isRecorded = kind === 'recorded';
  const shape: TableShape = isRecorded ? withChangeType(end) : end;
  const columns = shape.schema.fields.map(({ name }) => name).filter((name) => needed.has(name));
  const scan = await duckdbScan(db, shape, { files, columns, rows });
  const constants = [
    ...(isRecorded ? [] : [`${sqlText(kind)} AS "_change_type"`]),
    `${version}::BIGINT AS "_commit_version"`,
    `make_timestamptz(${timestampMs}::BIGINT * 1000) AS "_commit_timestamp"`,
  ];
  const told = `(SELECT ${[...columns.map(sqlName), ...constants].join(', ')} FROM ${scan})`;
  const passes = read.where === undefined ? '' : ` WHERE ${expressionSql(read.where, columnPathSql)}`;
  const most = Number.isFinite(limit) ? ` LIMIT ${limit}` : '';
  // Rows without columns are still counted.
  const list = asked.length === 0 ? '*' : asked.map(sqlName).join(', ');
  return `SELECT ${list} FROM ${told}${passes}${most}`;
}

function withChangeType({ store, table, protocol, metadata, partitionColumns, schema }: TableShape): TableShape {
  return { store, table, protocol, metadata, partitionColumns, schema: structOf([...schema.fields, CHANGE_TYPE]) };
}
