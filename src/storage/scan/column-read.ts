import { AppError } from '../../base/errors.ts';
import type { DuckDb } from '../parquet/duckdb.ts';
import { type ColumnData, type ColumnSink, columnSink, kindOf, type TextForm } from '../types/column-data.ts';
import type { StructField } from '../types/delta-type.ts';
import { fieldsToRead, type ReadOptions } from './read-options.ts';
import type { Snapshot } from './snapshot.ts';
import { type ReadLimits, readChunks } from './table-read.ts';

/** Some rows of a table, column by column. */
export interface ColumnChunk {
  readonly rowCount: number;
  /** In the order in which the columns were asked for. */
  readonly columns: readonly ColumnData[];
}

/** What to read, and in pieces of what size. */
export interface ColumnReadOptions extends ReadOptions, ReadLimits {
  /** Rows of a chunk, about. */
  readonly chunkRows?: number;
  /** Texts are strings unless told; packed ones take a fifth of the time and memory. */
  readonly texts?: TextForm;
}

/**
 * Reads columns of a table in the order of its files, as plain typed arrays, all rows at once.
 *
 * @throws AppError not_found for an unknown column, table_unsupported for a struct or a map.
 */
export async function readColumns(snapshot: Snapshot, options: ColumnReadOptions = {}): Promise<ColumnChunk> {
  const rows = options.files === undefined ? snapshot.rowCount : undefined;
  for await (const chunk of scan(snapshot, options, Number.POSITIVE_INFINITY, rows ?? 0)) return chunk;
  const columns = sinksOf(snapshot, options, 0).map((sink) => sink.take());
  return { rowCount: 0, columns };
}

/** Reads columns as {@link readColumns} does, in chunks of about `chunkRows` rows (65,536 unless told). */
export function readColumnChunks(snapshot: Snapshot, options: ColumnReadOptions = {}): AsyncIterable<ColumnChunk> {
  const rows = options.chunkRows ?? 65_536;
  return scan(snapshot, options, rows, rows);
}

/**
 * Columns of a query, as plain typed arrays, all rows at once: for rows of a table that joins in DuckDB tell.
 *
 * @param sql over a `duckdbScan` of the snapshot; it gives these columns of the table in this order.
 * @throws AppError as {@link readColumns}.
 */
export async function queryColumns(
  db: DuckDb,
  snapshot: Snapshot,
  columns: readonly string[],
  sql: string,
): Promise<ColumnChunk> {
  const sinks = sinksOf(snapshot, { columns }, 0);
  let rowCount = 0;
  for await (const chunk of db.stream(sql)) {
    sinks.forEach((sink, at) => {
      chunk.pushColumn(at, sink);
    });
    rowCount += chunk.rowCount;
  }
  return { rowCount, columns: sinks.map((sink) => sink.take()) };
}

/** Longs as doubles; exact, or an error. @throws AppError table_unsupported beyond 2^53. */
export function safeNumbers(values: BigInt64Array): Float64Array {
  const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
  const numbers = new Float64Array(values.length);
  for (let row = 0; row < values.length; row += 1) {
    const high = halves[2 * row + 1] as number;
    if (high >= 0x200000 || high < -0x200000) {
      throw new AppError('table_unsupported', 'A column holds an integer beyond 2^53');
    }
    numbers[row] = high * 4294967296 + ((halves[2 * row] as number) >>> 0);
  }
  return numbers;
}

function sinksOf(snapshot: Snapshot, options: ColumnReadOptions, rows: number): ColumnSink[] {
  return fieldsToRead(snapshot, options.columns).map((field) => sinkOf(field, rows, options.texts));
}

function sinkOf({ name, type }: StructField, rows: number, texts: TextForm | undefined): ColumnSink {
  if (kindOf(type) === undefined) {
    throw new AppError('table_unsupported', `The column ${name} is a struct or a map: read it by rows`, {
      column: name,
    });
  }
  return columnSink(type, rows, texts);
}

async function* scan(
  snapshot: Snapshot,
  options: ColumnReadOptions,
  chunkRows: number,
  expectedRows: number,
): AsyncIterable<ColumnChunk> {
  const sinks = sinksOf(snapshot, options, expectedRows);
  let rowCount = 0;
  for await (const chunk of readChunks(snapshot, options)) {
    sinks.forEach((sink, at) => {
      chunk.pushColumn(at, sink);
    });
    rowCount += chunk.rowCount;
    if (rowCount < chunkRows) continue;
    yield { rowCount, columns: sinks.map((sink) => sink.take()) };
    rowCount = 0;
  }
  if (rowCount > 0) yield { rowCount, columns: sinks.map((sink) => sink.take()) };
}
