import { decodeParquet, rowsOfBatch } from '../../../src/storage/parquet/parquet-read.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';

/** A row as a file holds it. */
export type FileRow = Readonly<Record<string, unknown>>;

/** The rows of Parquet files, one file after another. */
export async function readParquetFiles(files: ObjectStore, names: readonly string[]): Promise<FileRow[]> {
  const rows: FileRow[] = [];
  for (const name of names) {
    for await (const batch of decodeParquet((await files.get(name)) as Uint8Array, name)) {
      rows.push(...rowsOfBatch(batch));
    }
  }
  return rows;
}
