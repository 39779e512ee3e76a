import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordBatchReader } from 'apache-arrow';
import { manualClock } from '../base/clock.ts';
import { AppError, messageOf } from '../base/errors.ts';
import { openDuckDb } from '../storage/parquet/duckdb.ts';
import { rowsOfBatch } from '../storage/parquet/parquet-read.ts';
import { readRows } from '../storage/scan/table-read.ts';
import type { ObjectStore } from '../storage/store/object-store.ts';
import { openTable } from '../storage/table.ts';
import type { CellRow } from '../storage/types/cell.ts';
import { sqlName, sqlPath, sqlText, sqlTypeOf } from '../storage/types/sql-types.ts';
import type { ExportColumn } from './export-columns.ts';
import { MANIFEST_FILE } from './export-format.ts';
import type { FileFormat } from './file-format.ts';

/**
 * The rows of a file of an export, in their order, whatever its format. Some rows are in memory, however long the file is.
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
      yield* duckDbRows(files, name, parquetSource);
      return;
    case 'arrow':
    case 'arrow-stream':
      yield* arrowRows(files, name);
      return;
    case 'delta':
      yield* readRows(await openTable(files, name, { clock: manualClock(0) }).snapshot(), { threads: 1 });
      return;
    case 'csv':
      yield* duckDbRows(files, name, (path) => csvSource(path, columns));
  }
}

/** Where a file of the export lies on this machine: in its own place, or as a copy in a folder that is asked for. */
async function placeOf(files: ObjectStore, name: string, folder: () => string): Promise<string> {
  if ((await files.get(name, { start: 0, end: 1 })) === undefined) {
    throw new AppError('export_mismatch', `${name} is missing, which ${MANIFEST_FILE} names: make the export anew`);
  }
  const own = files.locate(name);
  if (own !== undefined) return own;
  const copy = join(folder(), name);
  await files.fetchFile(name, copy);
  return copy;
}

/** Batch by batch: Node gives out no file of 2 GiB at once. */
async function* arrowRows(files: ObjectStore, name: string): AsyncGenerator<CellRow> {
  let folder: string | undefined;
  try {
    const path = await placeOf(files, name, () => {
      folder = mkdtempSync(join(tmpdir(), 'sentinela-export-'));
      return folder;
    });
    yield* openArrow(path, name);
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

async function* openArrow(path: string, name: string): AsyncGenerator<CellRow> {
  const file = await open(path, 'r');
  try {
    for await (const batch of await RecordBatchReader.from(file)) yield* rowsOfBatch(batch);
  } catch (error) {
    throw new AppError('table_corrupt', `${name} cannot be read as Arrow: ${messageOf(error)}`, { file: name }, error);
  } finally {
    await file.close();
  }
}

/** @param sourceOf the rows of a file, as a query of DuckDB. */
async function* duckDbRows(
  files: ObjectStore,
  name: string,
  sourceOf: (path: string) => string,
): AsyncGenerator<CellRow> {
  const db = await openDuckDb({ memoryLimitMb: 512, threads: 1, isShared: true });
  try {
    const path = await placeOf(files, name, () => db.folder());
    for await (const chunk of db.stream(sourceOf(path))) yield* chunk.rows();
  } finally {
    db.close();
  }
}

/** Folders of the path that look like partitions are none. */
function parquetSource(path: string): string {
  return `FROM read_parquet(${sqlPath(path)}, hive_partitioning = false)`;
}

/** DuckDB reads the text; what CSV has no type for comes back from its text. */
function csvSource(path: string, columns: readonly ExportColumn[]): string {
  const isText = ({ type }: ExportColumn): boolean => typeof type !== 'string' || type === 'binary';
  const typed = columns.map(
    (column) => `${sqlText(column.name)}: ${sqlText(isText(column) ? 'VARCHAR' : sqlTypeOf(column.type))}`,
  );
  const list = columns.map((column) => {
    const cell = sqlName(column.name);
    if (column.type === 'binary') return `from_base64(${cell}) AS ${cell}`;
    return isText(column) ? `CAST(CAST(${cell} AS JSON) AS VARCHAR[]) AS ${cell}` : cell;
  });
  const options = `header = true, auto_detect = false, hive_partitioning = false, quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false`;
  return `SELECT ${list.join(', ')} FROM read_csv(${sqlPath(path)}, ${options}, columns = {${typed.join(', ')}})`;
}
