import { type RecordBatch, tableFromIPC } from 'apache-arrow';
import { readParquet } from 'parquet-wasm';
import { AppError, messageOf } from '../../base/errors.ts';
import { cellReader } from '../types/arrow-cells.ts';
import type { Cell, CellRow } from '../types/cell.ts';
import { parquetFooter } from './parquet-footer.ts';

/** Rows of a batch that is read. */
const BATCH_ROWS = 65_536;

/**
 * Decodes a Parquet file, one row group at a time, so that memory holds no more than that and a
 * reader that wants a few rows pays for one group.
 *
 * @param wanted top-level columns to read; those that the file lacks are left out. All without it.
 * @param key how an error names the file.
 * @throws AppError table_corrupt.
 */
export async function* decodeParquet(
  bytes: Uint8Array,
  key: string,
  wanted?: readonly string[],
): AsyncIterable<RecordBatch> {
  const { groups, names } = parquetFooter(bytes, key);
  const columns = wanted === undefined ? {} : { columns: wanted.filter((name) => names.includes(name)) };
  for (let group = 0; group < groups.length; group += 1) {
    // The synchronous reader takes half the time of the asynchronous one, and its panics can be caught.
    const table = guarded(key, () =>
      tableFromIPC(readParquet(bytes, { batchSize: BATCH_ROWS, rowGroups: [group], ...columns }).intoIPCStream()),
    );
    yield* table.batches;
  }
}

function guarded<T>(key: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new AppError(
      'table_corrupt',
      `The file ${key} is no Parquet that can be read: ${messageOf(error)}`,
      { key },
      error,
    );
  }
}

/** The rows of a batch. */
export function* rowsOfBatch(batch: RecordBatch): Iterable<CellRow> {
  const columns = batch.schema.fields.map(({ name }, at) => {
    const data = batch.data.children[at];
    return { name, read: data === undefined ? () => null : cellReader(data) };
  });
  for (let row = 0; row < batch.numRows; row += 1) {
    const values: Record<string, Cell> = {};
    for (const { name, read } of columns) values[name] = read(row);
    yield values;
  }
}
