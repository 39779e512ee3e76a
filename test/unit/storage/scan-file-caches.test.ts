import { describe, expect, it } from 'vitest';
import type { DuckDb } from '../../../src/storage/parquet/duckdb.ts';
import { withCalendars } from '../../../src/storage/scan/file-calendars.ts';
import { fileSchemas } from '../../../src/storage/scan/file-schema.ts';
import type { ScannedFile, TableShape } from '../../../src/storage/scan/read-options.ts';
import { dataFileOf } from '../../../src/storage/scan/snapshot.ts';
import type { CellRow } from '../../../src/storage/types/cell.ts';
import { field } from '../../../src/storage/types/delta-type.ts';

/** As many as are remembered. The first is known, and so is another: together they are too many. */
const MOST_KNOWN = 100_000;
const paths = Array.from({ length: MOST_KNOWN + 1 }, (_, at) => `/lake/${at}.parquet`);

/** A DuckDB that says the same of every file: so many real ones would take minutes. */
function saying(row: CellRow): DuckDb {
  const rows = async (sql: string): Promise<CellRow[]> => {
    const named = [...sql.matchAll(/'(\/lake\/[^']+)'/g)].map(([, path = '']) => path);
    return named.map((path) => ({ file_name: path, ...row }));
  };
  return { rows } as unknown as DuckDb;
}

describe('what is remembered of files', () => {
  it('are their schemas, of which a call that fills the memory loses none', async () => {
    const db = saying({ signature: '{"n":"root","c":0}' });
    const first = paths.slice(0, MOST_KNOWN);
    await fileSchemas(db, [...paths.slice(0, 1), ...paths.slice(-1)]);
    expect((await fileSchemas(db, first)).size).toBe(MOST_KNOWN);
  });

  it('are their calendars, of which a call that fills the memory loses none', async () => {
    const db = saying({ key: 'org.apache.spark.legacyDateTime', value: '' });
    const table = {
      protocol: { minReaderVersion: 1, minWriterVersion: 2 },
      metadata: { configuration: {} },
      partitionColumns: [],
    } as unknown as TableShape;
    const files: ScannedFile[] = paths.map((path, at) => {
      const add = { path, partitionValues: {}, size: 1, modificationTime: 0, dataChange: true };
      return { file: dataFileOf(add, (key) => key), at, path, choice: undefined };
    });
    const read = (of: readonly ScannedFile[]): Promise<readonly ScannedFile[]> =>
      withCalendars(db, table, [field('day', 'date')], of);
    await read([...files.slice(0, 1), ...files.slice(-1)]);
    expect((await read(files.slice(0, MOST_KNOWN))).filter(({ calendar }) => calendar === undefined)).toEqual([]);
  });
});
