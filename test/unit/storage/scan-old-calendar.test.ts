import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { commitKey } from '../../../src/storage/log/log-names.ts';
import { type DuckDb, openDuckDb } from '../../../src/storage/parquet/duckdb.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { createTable } from '../../../src/storage/table.ts';
import type { CellRow } from '../../../src/storage/types/cell.ts';
import { arrayOf, field, structOf } from '../../../src/storage/types/delta-type.ts';
import { rowJson } from '../../../src/storage/types/row-json.ts';
import { sqlText } from '../../../src/storage/types/sql-types.ts';

/** Instants as INT96 with Spark's legacyINT96 in UTC: 1000-01-01T01:00 of the old calendar, 1970-01-01, null (pyarrow 26). */
const INT96_FILE =
  'UEFSMRUEFTAVMEwVBBUAEgAAAKC4MEYDAACk1R8AAAAAAAAAAACMPSUAFQAVEhUSLBUGFRAVBhUGHAAAAAIAAAADAwEDAhUEGSw1ABgGc2NoZW1hFQIAFQYlAhgBdAAWBhkcGRwmABwVBhk1AAYQGRgBdBUAFgYWhAEWhAEmVCYIKSwVBBUAFQIAFQAVEBUCADwpBhkmAgQAAAAWhAEWBiYIFoQBABk8GBhvcmcuYXBhY2hlLnNwYXJrLnZlcnNpb24YBTMuNS4wABgcb3JnLmFwYWNoZS5zcGFyay5sZWdhY3lJTlQ5NhgAABgZb3JnLmFwYWNoZS5zcGFyay50aW1lWm9uZRgDVVRDABggcGFycXVldC1jcHAtYXJyb3cgdmVyc2lvbiAyNi4wLjEZHBwAAADuAAAAUEFSMQ==';

let db: DuckDb;
let folder: string;
beforeAll(async () => {
  db = await openDuckDb({ memoryLimitMb: 256, threads: 1 });
  folder = mkdtempSync(join(tmpdir(), 'sentinela-calendar-'));
});
afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

/** Days since 1970 of a day of the old calendar, by the formula of the Julian day number: the twin knows nothing of ours. */
function julianDays(year: number, month: number, day: number): number {
  const early = Math.floor((14 - month) / 12);
  const y = year + 4800 - early;
  const m = month + 12 * early - 3;
  return day + Math.floor((153 * m + 2) / 5) + 365 * y + Math.floor(y / 4) - 32083 - 2440588;
}

type Metadata = Readonly<Record<string, string>>;
const LEGACY: Metadata = { version: '3.5.0', legacyDateTime: '', timeZone: 'UTC' };

let written = 0;

async function fileOf(query: string, metadata: Metadata): Promise<Uint8Array> {
  written += 1;
  const path = join(folder, `${written}.parquet`);
  const entries = Object.entries(metadata).map(
    ([name, value]) => `${sqlText(`org.apache.spark.${name}`)}: ${sqlText(value)}`,
  );
  await db.run(`COPY (${query}) TO ${sqlText(path)} (FORMAT parquet, KV_METADATA {${entries.join(', ')}})`);
  return readFileSync(path);
}

const SCHEMA = structOf([field('d', 'date'), field('t', 'timestamp'), field('list', arrayOf('date'))]);

/** The rows of a table of some files. */
async function read(
  files: readonly { readonly bytes: Uint8Array; readonly stats?: string }[],
  schema = SCHEMA,
): Promise<CellRow[]> {
  const store = memoryObjectStore();
  const table = await createTable(store, { path: 't', schema }, { clock: manualClock(1_800_000_000_000_000) });
  const adds: object[] = [];
  for (const [at, { bytes, stats }] of files.entries()) {
    await store.put(`t/${at}.parquet`, bytes);
    const add = {
      path: `${at}.parquet`,
      partitionValues: {},
      size: bytes.length,
      modificationTime: 0,
      dataChange: true,
    };
    adds.push({ add: stats === undefined ? add : { ...add, stats } });
  }
  await store.put(commitKey('t', 1), new TextEncoder().encode(adds.map((action) => JSON.stringify(action)).join('\n')));
  const rows: CellRow[] = [];
  for await (const row of readRows(await table.snapshot())) rows.push(row);
  return rows;
}

const queryOf = (days: readonly number[]): string =>
  `SELECT (DATE '1970-01-01' + d)::DATE AS d, make_timestamptz(d::BIGINT * 86400000000 + 1) AS t, [(DATE '1970-01-01' + d)::DATE, NULL] AS list
   FROM unnest([${days.join(', ')}]) u(d)`;

const textOf = (row: CellRow): { d: string; t: string; list: (string | null)[] } => JSON.parse(rowJson(SCHEMA)(row));

describe('a file of the old calendar', () => {
  it('has the same year, month and day here, as dates, instants and in lists', async () => {
    const day = fc.record({
      year: fc.integer({ min: 1, max: 1582 }),
      month: fc.integer({ min: 1, max: 12 }),
      day: fc.integer({ min: 1, max: 28 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(day, { minLength: 1, maxLength: 20 }), async (some) => {
        const old = some.filter(({ year, month, day: of }) => year < 1582 || month < 10 || (month === 10 && of < 5));
        if (old.length === 0) return;
        const bytes = await fileOf(queryOf(old.map((one) => julianDays(one.year, one.month, one.day))), LEGACY);
        const rows = (await read([{ bytes }])).map(textOf);
        const labels = old.map(
          (one) =>
            `${String(one.year).padStart(4, '0')}-${String(one.month).padStart(2, '0')}-${String(one.day).padStart(2, '0')}`,
        );
        expect(rows.map(({ d }) => d)).toEqual(labels);
        expect(rows.map(({ t }) => t)).toEqual(labels.map((label) => `${label}T00:00:00.000001Z`));
        expect(rows.map(({ list }) => list)).toEqual(labels.map((label) => [label, null]));
      }),
      { numRuns: 15 },
    );
  });

  it('reads the day that there is in the old calendar only as the day after, and later days as they stand', async () => {
    const days = [julianDays(1500, 2, 29), julianDays(1582, 10, 4), julianDays(1582, 10, 4) + 1, -1, 0];
    const rows = (await read([{ bytes: await fileOf(queryOf(days), LEGACY) }])).map(textOf);
    expect(rows.map(({ d }) => d)).toEqual(['1500-03-01', '1582-10-04', '1582-10-15', '1969-12-31', '1970-01-01']);
  });

  it('is told by the version of Spark 2 too; others stand beside it in one table', async () => {
    const query = queryOf([julianDays(1000, 1, 1)]);
    const spark2 = await fileOf(query, { version: '2.4.8', timeZone: 'UTC' });
    const spark3 = await fileOf(query, { version: '3.5.0' });
    const other = await fileOf(query, { other: '' });
    const rows = (await read([{ bytes: spark2 }, { bytes: spark3 }, { bytes: other }, { bytes: spark2 }])).map(textOf);
    expect(rows.map(({ d }) => d)).toEqual(['1000-01-01', '1000-01-06', '1000-01-06', '1000-01-01']);
  });

  it('is refused by name where it holds old instants of another time zone, and only there', async () => {
    const zone = { ...LEGACY, timeZone: 'America/Sao_Paulo' };
    const recent = await fileOf(queryOf([0]), zone);
    expect(await read([{ bytes: recent }])).toHaveLength(1);
    const old = await fileOf(queryOf([-200_000]), zone);
    await expect(read([{ bytes: recent }, { bytes: old }])).rejects.toMatchObject({
      code: 'table_unsupported',
      message: expect.stringMatching(/t\/1\.parquet.*America\/Sao_Paulo/),
    });
    // Dates have no zone.
    const dates = structOf([field('d', 'date')]);
    expect(await read([{ bytes: old }], dates)).toHaveLength(1);
  });

  it('is not asked where statistics say that all is later', async () => {
    const bytes = await fileOf(queryOf([julianDays(1000, 1, 1)]), LEGACY);
    // Statistics that lie show that the file was not asked.
    const stats = JSON.stringify({ numRecords: 1, minValues: { d: '1950-01-01' }, maxValues: {}, nullCount: { d: 0 } });
    const dates = structOf([field('d', 'date')]);
    expect(rowJson(dates)((await read([{ bytes, stats }], dates))[0] ?? {})).toBe('{"d":"1000-01-06"}');
  });

  it('reads INT96 by its own rule', async () => {
    const rows = await read([{ bytes: Buffer.from(INT96_FILE, 'base64') }], structOf([field('t', 'timestamp')]));
    const toJson = rowJson(structOf([field('t', 'timestamp')]));
    expect(rows.map(toJson)).toEqual([
      '{"t":"1000-01-01T01:00:00.000000Z"}',
      '{"t":"1970-01-01T00:00:00.000000Z"}',
      '{"t":null}',
    ]);
  });
});
