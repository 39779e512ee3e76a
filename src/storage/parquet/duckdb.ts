import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  DuckDBBlobVector,
  DuckDBConnection,
  DuckDBDataChunk,
  DuckDBListVector,
  DuckDBResult,
  DuckDBValue,
  DuckDBVarCharVector,
  DuckDBVector,
} from '@duckdb/node-api';
import { AppError, messageOf } from '../../base/errors.ts';
import type { Cell, CellRow } from '../types/cell.ts';
import { type ColumnSink, type FixedValues, type ListSink, textSink, type ValidAt } from '../types/column-data.ts';
import { holdInstance } from './duckdb-instance.ts';
import { type TextReader, textReader } from './duckdb-texts.ts';
import { readyVectorBytes } from './vector-bytes.ts';

/** An in-memory DuckDB, for sets that JavaScript should not walk row by row. */
export interface DuckDb {
  /** Runs a statement. @throws AppError storage_failed with DuckDB's message. */
  run(sql: string, parameters?: DuckDbParameters): Promise<void>;
  /**
   * The rows of a query, all at once: for small results. Integers of 64 bits and more are bigints,
   * timestamps microseconds as bigints, dates days.
   */
  rows(sql: string, parameters?: DuckDbParameters): Promise<CellRow[]>;
  /** A query's rows in chunks of about 2,048, in their order, in bounded memory. */
  stream(sql: string, parameters?: DuckDbParameters): AsyncIterable<DuckDbChunk>;
  /** A folder for files that its statements read or write; it is made at the first call and goes with it. */
  folder(): string;
  close(): void;
}

/** Values of `$1`, `$2`, … */
export type DuckDbParameters = readonly (string | number | bigint | boolean | null)[];

/** Some rows of a result. */
export interface DuckDbChunk {
  readonly rowCount: number;
  /** Moves a column's values into a sink of its kind. */
  pushColumn(column: number, sink: ColumnSink): void;
  rows(): CellRow[];
}

/** What a DuckDB may use. */
export interface DuckDbLimits {
  readonly memoryLimitMb: number;
  readonly threads: number;
  /** Where it spills; without it, it fails at the limit. */
  readonly temporaryFolder?: string;
  /** Whether all of equal limits are one, with one memory; then it holds temporary tables only, and spills. */
  readonly isShared?: boolean;
}

/** Opens one. */
export async function openDuckDb(limits: DuckDbLimits): Promise<DuckDb> {
  await readyVectorBytes();
  const held = await holdInstance(
    {
      memory_limit: `${limits.memoryLimitMb}MB`,
      threads: String(limits.threads),
      // No extension is ever fetched; what is built in is enough.
      autoinstall_known_extensions: 'false',
      // It would hold what was read of files, up to the limit of its memory, which the system's own cache has as well.
      enable_external_file_cache: 'false',
      ...(limits.temporaryFolder === undefined ? {} : { temp_directory: limits.temporaryFolder }),
      ...(limits.isShared === true ? { temp_directory: sharedSpillFolder() } : {}),
    },
    limits.isShared === true,
  );
  const connection = await held.instance.connect();
  let state: 'sound' | 'broken' = 'sound';
  const guarded = <T>(sql: string, act: () => Promise<T>): Promise<T> =>
    explained(sql, act).catch((error: unknown) => {
      // After an internal error an instance answers nothing any more.
      if (/INTERNAL Error|has been invalidated/.test(messageOf(error))) state = 'broken';
      throw error;
    });
  // Instants are written and parsed in the zone of the session; nothing here depends on where it runs.
  // Chunks are made ahead of who reads them: with the 1 MB of the default its threads wait, and a scan takes twice as long.
  await connection.run("SET TimeZone = 'UTC'; SET streaming_buffer_size = '32MB'");
  let folder: string | undefined;
  const ownFolder = (): string => {
    folder ??= mkdtempSync(join(limits.temporaryFolder ?? tmpdir(), 'sentinela-duckdb-'));
    return folder;
  };
  return {
    run: (sql, parameters = []) =>
      guarded(sql, async () => {
        await connection.run(sql, [...parameters]);
      }),
    async rows(sql, parameters = []) {
      const rows: CellRow[] = [];
      for await (const chunk of streamOf(connection, guarded, sql, parameters)) rows.push(...chunk.rows());
      return rows;
    },
    stream: (sql, parameters = []) => streamOf(connection, guarded, sql, parameters),
    folder: ownFolder,
    close() {
      connection.closeSync();
      held.release(state);
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The folder in which shared instances of this process spill; it is empty when they do not. */
function sharedSpillFolder(): string {
  return join(tmpdir(), `sentinela-duckdb-spill-${process.pid}`);
}

type Guard = <T>(sql: string, act: () => Promise<T>) => Promise<T>;

async function* streamOf(
  connection: DuckDBConnection,
  guarded: Guard,
  sql: string,
  parameters: DuckDbParameters,
): AsyncIterable<DuckDbChunk> {
  const result = await guarded(sql, () => connection.stream(sql, [...parameters]));
  const columnNames = result.columnNames();
  const texts = textReader();
  // DuckDB makes the next chunk while this one is used: a full scan takes two thirds of the time.
  let next = fetched(result, guarded, sql);
  try {
    for (;;) {
      const chunk = await next;
      if (chunk === null || chunk.rowCount === 0) return;
      next = fetched(result, guarded, sql);
      yield chunkOf(chunk, columnNames, texts);
    }
  } finally {
    // Who stops early closes the connection, which must not be in use then.
    await next.catch(() => undefined);
  }
}

function fetched(result: DuckDBResult, guarded: Guard, sql: string): Promise<DuckDBDataChunk | null> {
  const chunk = guarded(sql, () => result.fetchChunk());
  // It is told when it is waited for.
  chunk.catch(() => undefined);
  return chunk;
}

/** What DuckDB says of a file that is gone, or no Parquet. */
const BROKEN_FILE =
  /No files found that match|Cannot open file|No magic bytes|too small to be a Parquet|parquet file|Parquet file|TProtocolException|Invalid Parquet|decompress/;

async function explained<T>(sql: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const message = messageOf(error);
    if (BROKEN_FILE.test(message)) throw new AppError('table_corrupt', `A file cannot be read: ${message}`, {}, error);
    throw new AppError('storage_failed', `DuckDB: ${message}`, { statement: sql.slice(0, 60) }, error);
  }
}

function chunkOf(chunk: DuckDBDataChunk, columnNames: readonly string[], texts: TextReader): DuckDbChunk {
  const { rowCount } = chunk;
  return {
    rowCount,
    pushColumn: (column, sink) => pushVector(chunk.getColumnVector(column), rowCount, sink, texts),
    rows() {
      const columns = columnNames.map((_, at) => valuesOf(chunk.getColumnVector(at), rowCount, texts));
      // Copies of one row have one shape; rows that grow by name cost three times as much.
      const empty: Record<string, Cell> = Object.fromEntries(columnNames.map((name) => [name, null]));
      const rows = Array.from({ length: rowCount }, () => ({ ...empty }));
      columnNames.forEach((name, at) => {
        const values = columns[at] ?? [];
        rows.forEach((row, index) => {
          row[name] = cellOf(values[index] ?? null);
        });
      });
      return rows;
    },
  };
}

/** The library's number of the type; its own name for it would load the library. */
const VARCHAR = 17;

/** The library's values of a column; texts by our own reader. */
function valuesOf(vector: DuckDBVector, rows: number, texts: TextReader): readonly DuckDBValue[] {
  if (vector.type.typeId !== VARCHAR) return vector.toArray();
  const sink = textSink();
  texts.push(vector as DuckDBVarCharVector, rows, validAtOf(vector), sink);
  return sink.take().values;
}

function cellOf(value: DuckDBValue): Cell {
  if (typeof value !== 'object' || value === null) return value;
  if ('micros' in value && typeof value.micros === 'bigint') return value.micros;
  if ('days' in value && typeof value.days === 'number') return value.days;
  if ('bytes' in value && value.bytes instanceof Uint8Array) return new Uint8Array(value.bytes);
  if ('items' in value && Array.isArray(value.items)) return value.items.map(cellOf);
  if ('entries' in value && Array.isArray(value.entries)) {
    return (value.entries as { key: DuckDBValue; value: DuckDBValue }[]).map((entry) => [
      cellOf(entry.key),
      cellOf(entry.value),
    ]);
  }
  if ('entries' in value && typeof value.entries === 'object' && value.entries !== null) {
    return Object.fromEntries(Object.entries(value.entries).map(([name, item]) => [name, cellOf(item as DuckDBValue)]));
  }
  return String(value);
}

function pushVector(vector: DuckDBVector, rows: number, sink: ColumnSink, texts: TextReader): void {
  switch (sink.kind) {
    case 'string':
    case 'utf8': {
      texts.push(vector as DuckDBVarCharVector, rows, validAtOf(vector), sink);
      return;
    }
    case 'binary': {
      const blobs = vector as DuckDBBlobVector;
      for (let row = 0; row < rows; row += 1) sink.push(blobs.getItemBytes(row)?.slice() ?? null);
      return;
    }
    case 'list':
      pushLists(vector as DuckDBListVector, rows, sink, texts);
      return;
    default:
      sink.push(fixedValuesOf(vector), rows, validAtOf(vector));
  }
}

function pushLists(lists: DuckDBListVector, rows: number, sink: ListSink, texts: TextReader): void {
  const validAt = validAtOf(lists);
  sink.push((row) => lists.getEntryLength(row), rows, validAt);
  let end = 0;
  let isDense = true;
  for (let row = 0; row < rows; row += 1) {
    if (validAt !== undefined && !validAt(row)) continue;
    isDense &&= lists.getEntryOffset(row) === end;
    end += lists.getEntryLength(row);
  }
  const child = lists.childVector;
  if (isDense) {
    pushVector(child.itemCount === end ? child : child.slice(0, end), end, sink.child, texts);
    return;
  }
  for (let row = 0; row < rows; row += 1) {
    const items = lists.getItemVector(row);
    if (items !== null) pushVector(items, items.itemCount, sink.child, texts);
  }
}

/**
 * The vector's own buffers. The library gives them out by `getItem` only, which makes an object of
 * each value: 40 times slower over a million rows.
 */
interface VectorBuffers {
  readonly items?: FixedValues;
  readonly dataView?: DataView;
  readonly validity?: { readonly data: BigUint64Array | null; readonly offset: number };
}

function fixedValuesOf(vector: DuckDBVector): FixedValues {
  const { items, dataView } = vector as unknown as VectorBuffers;
  if (items !== undefined) return items;
  if (dataView !== undefined) return new Uint8Array(dataView.buffer, dataView.byteOffset, dataView.byteLength);
  throw new AppError('internal', 'DuckDB gives out a vector in a form that we do not know');
}

function validAtOf(vector: DuckDBVector): ValidAt {
  const { data = null, offset = 0 } = (vector as unknown as VectorBuffers).validity ?? {};
  if (data === null) return undefined;
  const bits = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (bits.every((byte) => byte === 255)) return undefined;
  return (row) => ((bits[(offset + row) >> 3] as number) & (1 << ((offset + row) & 7))) !== 0;
}
