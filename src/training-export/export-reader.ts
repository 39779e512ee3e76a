import { join } from 'node:path';
import { type RecordBatch, tableFromIPC } from 'apache-arrow';
import { manualClock } from '../base/clock.ts';
import { AppError, messageOf } from '../base/errors.ts';
import { openDuckDb } from '../storage/parquet/duckdb.ts';
import { decodeParquet, rowsOfBatch } from '../storage/parquet/parquet-read.ts';
import { readRows } from '../storage/scan/table-read.ts';
import type { ObjectStore } from '../storage/store/object-store.ts';
import { openTable } from '../storage/table.ts';
import type { CellRow } from '../storage/types/cell.ts';
import { sqlName, sqlPath, sqlText, sqlTypeOf } from '../storage/types/sql-types.ts';
import type { ExportColumn } from './export-columns.ts';
import { MANIFEST_FILE } from './export-format.ts';
import type { FileFormat } from './file-format.ts';

/**
 * The rows of a file of an export, in their order, whatever its format.
 *
 * @param columns those that the manifest names.
 * @throws AppError `export_mismatch` where it is missing, `table_corrupt`, `storage_failed`.
 */
export async function* exportFileRows(
  files: ObjectStore,
  name: string,
  format: FileFormat,
  columns: readonly ExportColumn[],
): AsyncGenerator<CellRow> {
  switch (format) {
    case 'parquet':
      for await (const batch of decodeParquet(await bytesOf(files, name), name)) yield* rowsOfBatch(batch);
      return;
    case 'arrow':
    case 'arrow-stream':
      for (const batch of arrowBatches(await bytesOf(files, name), name)) yield* rowsOfBatch(batch);
      return;
    case 'delta':
      yield* readRows(await openTable(files, name, { clock: manualClock(0) }).snapshot(), { threads: 1 });
      return;
    case 'csv':
      yield* csvRows(files, name, columns);
  }
}

async function bytesOf(files: ObjectStore, name: string): Promise<Uint8Array> {
  const bytes = await files.get(name);
  if (bytes !== undefined) return bytes;
  throw missing(name);
}

function missing(name: string): AppError {
  return new AppError('export_mismatch', `${name} is missing, which ${MANIFEST_FILE} names: make the export anew`);
}

function arrowBatches(bytes: Uint8Array, name: string): readonly RecordBatch[] {
  try {
    return tableFromIPC(bytes).batches;
  } catch (error) {
    throw new AppError('table_corrupt', `${name} cannot be read as Arrow: ${messageOf(error)}`, { file: name }, error);
  }
}

/** DuckDB reads the text; what CSV has no type for comes back from its text. */
async function* csvRows(files: ObjectStore, name: string, columns: readonly ExportColumn[]): AsyncGenerator<CellRow> {
  if ((await files.get(name, { start: 0, end: 1 })) === undefined) throw missing(name);
  const db = await openDuckDb({ memoryLimitMb: 512, threads: 1, isShared: true });
  try {
    let path = files.locate(name);
    if (path === undefined) {
      path = join(db.folder(), name);
      await files.fetchFile(name, path);
    }
    const isText = ({ type }: ExportColumn): boolean => typeof type !== 'string' || type === 'binary';
    const typed = columns.map(
      (column) => `${sqlText(column.name)}: ${sqlText(isText(column) ? 'VARCHAR' : sqlTypeOf(column.type))}`,
    );
    const list = columns.map((column) => {
      const cell = sqlName(column.name);
      if (column.type === 'binary') return `from_base64(${cell}) AS ${cell}`;
      return isText(column) ? `CAST(CAST(${cell} AS JSON) AS VARCHAR[]) AS ${cell}` : cell;
    });
    const options = `header = true, auto_detect = false, quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false`;
    const source = `read_csv(${sqlPath(path)}, ${options}, columns = {${typed.join(', ')}})`;
    for await (const chunk of db.stream(`SELECT ${list.join(', ')} FROM ${source}`)) yield* chunk.rows();
  } finally {
    db.close();
  }
}
