import { type Table as ArrowTable, type RecordBatch, tableFromIPC } from 'apache-arrow';
import { readParquet, readSchema } from 'parquet-wasm';
import { AppError, messageOf } from '../base/errors.ts';
import { type Cell, type CellRow, cellReader } from './arrow-cells.ts';

/** Rows of a batch that is read. */
const BATCH_ROWS = 65_536;

/**
 * Decodes a Parquet file.
 *
 * @param wanted top-level columns to read; those that the file lacks are left out. All without it.
 * @param key how an error names the file.
 * @throws AppError table_corrupt.
 */
export function decodeParquet(bytes: Uint8Array, key: string, wanted?: readonly string[]): ArrowTable {
  try {
    const columns = wanted?.filter((name) => namesIn(bytes).has(name));
    const options = { batchSize: BATCH_ROWS, ...(columns === undefined ? {} : { columns }) };
    return tableFromIPC(readParquet(bytes, options).intoIPCStream());
  } catch (error) {
    throw new AppError(
      'table_corrupt',
      `The file ${key} is no Parquet that can be read: ${messageOf(error)}`,
      { key },
      error,
    );
  }
}

function namesIn(bytes: Uint8Array): ReadonlySet<string> {
  return new Set(tableFromIPC(readSchema(bytes).intoIPCStream()).schema.fields.map(({ name }) => name));
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
