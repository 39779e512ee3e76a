import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../../src/features/feature-status.ts';
import { pseudonymsOf } from '../../src/governance/pseudonyms.ts';
import { localObjectStore } from '../../src/storage/store/local-object-store.ts';
import type { ObjectStore } from '../../src/storage/store/object-store.ts';
import { createExport } from '../../src/training-export/create-export.ts';
import type { ExportOptions } from '../../src/training-export/export-options.ts';
import { exportFileRows } from '../../src/training-export/export-reader.ts';
import { FILE_FORMATS, type FileFormat } from '../../src/training-export/file-format.ts';
import type { ExportManifest } from '../../src/training-export/manifest.ts';
import { verifyExport } from '../../src/training-export/verify-export.ts';
import { PYTHON, runPython } from '../python.ts';
import { plainSet, rowOf } from '../unit/features/streams.ts';
import { type SilverWorld, silverWorld } from '../unit/training-export/silver-world.ts';

const DAY = 86_400_000_000;
const START = 20_000 * DAY;
const set = compileFeatureSet(plainSet(16));
const pseudonyms = pseudonymsOf(Buffer.alloc(32, 7));
const idOf = (number: number): string => `E${String(number).padStart(31, '0')}`;
const OPTIONS: ExportOptions = {
  set,
  labelsAsOfMicros: START + 100 * DAY,
  horizonMicros: 5 * DAY,
  status: 'packed',
  ids: { columns: ['payer_account', 'payee_account'], form: 'pseudonym' },
  eventKeys: true,
};

/** Rows whose cells compare: times as numbers, bytes as hex. */
async function rowsOf(files: ObjectStore, { files: list, fileFormat, columns }: ExportManifest): Promise<unknown[]> {
  const rows: unknown[] = [];
  for (const { name } of list) {
    for await (const row of exportFileRows(files, name, fileFormat, columns)) {
      rows.push(
        Object.entries(row).map(([column, cell]) => [
          column,
          typeof cell === 'bigint'
            ? Number(cell)
            : cell instanceof Uint8Array
              ? Buffer.from(cell).toString('hex')
              : cell,
        ]),
      );
    }
  }
  return rows;
}

async function allBytes(files: ObjectStore): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const { key } of files.listFrom('')) {
    found.push([key, Buffer.from((await files.get(key)) ?? []).toString('base64')]);
  }
  return found;
}

describe('the files of an export', () => {
  let folder: string;
  let world: SilverWorld;
  const manifests = new Map<FileFormat, ExportManifest>();
  const filesOf = (format: FileFormat): ObjectStore => localObjectStore(join(folder, format));
  const portsOf = (files: ObjectStore) => ({ tables: world.tables, files, pseudonyms });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sentinela-formats-'));
    world = await silverWorld(set);
    for (let number = 0; number < 300; number += 1) {
      const t = START + number * 3_000_000_000;
      const row = rowOf(idOf(number), t, 100 + (number % 50), number % 7, 1 + (number % 3));
      // A quote, a comma and a line break for CSV.
      if (number % 10 === 3) world.importPayment(row, t, `"a",${number}\nb`);
      else if (number % 10 === 4) world.importPayment(row, t, '');
      else world.pay(row, t, number % 11 === 0 ? 'HOLD' : 'APPROVE');
      if (number % 40 === 0) world.label(idOf(number), 'AGREED', t, t + 1);
    }
    await world.commit();
    for (const format of FILE_FORMATS) {
      manifests.set(format, await createExport({ ...OPTIONS, format }, portsOf(filesOf(format))));
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(FILE_FORMATS)('as %s hold the same rows, the same bytes twice, and are verified', async (format) => {
    const manifest = manifests.get(format) as ExportManifest;
    const parquet = manifests.get('parquet') as ExportManifest;
    expect(manifest.files.map(({ rowsSha256 }) => rowsSha256)).toEqual(
      parquet.files.map(({ rowsSha256 }) => rowsSha256),
    );
    expect(await rowsOf(filesOf(format), manifest)).toEqual(await rowsOf(filesOf('parquet'), parquet));
    const again = localObjectStore(join(folder, `${format}-again`));
    await createExport({ ...OPTIONS, format }, portsOf(again));
    expect(await allBytes(again)).toEqual(await allBytes(filesOf(format)));
    const made = localObjectStore(join(folder, `${format}-verified`));
    expect(await verifyExport(portsOf(filesOf(format)), null, made)).toMatchObject({ ok: true, difference: null });
    expect(await allBytes(made)).not.toEqual([]);
  });

  it('are the same rows with a column of statuses for each feature', async () => {
    const files = localObjectStore(join(folder, 'columns'));
    const manifest = await createExport({ ...OPTIONS, status: 'columns' }, portsOf(files));
    const packed = manifests.get('parquet') as ExportManifest;
    expect(manifest.files[0]?.rowsSha256).toBe(packed.files[0]?.rowsSha256);
    const wide = (await rowsOf(files, manifest)) as [string, unknown][][];
    const narrow = (await rowsOf(filesOf('parquet'), packed)) as [string, unknown][][];
    for (const [at, cells] of wide.entries()) {
      const row = Object.fromEntries(cells);
      const bytes = Buffer.from(String(Object.fromEntries(narrow[at] ?? []).feature_status), 'hex');
      expect(set.names.map((name) => row[`${name}__status`])).toEqual([...bytes]);
      // A feature without a value says why, and one with a value has no reason.
      for (const [place, name] of set.names.entries()) {
        const status = FEATURE_STATUS_NAMES[bytes[place] ?? 255];
        if (row[name] === null) expect(status, name).not.toBe('present');
        else expect(['present', 'not_found']).toContain(status);
      }
    }
  });

  it('name people by pseudonyms that join, that another key changes, and that nobody sees through', async () => {
    const rows = (await rowsOf(filesOf('parquet'), manifests.get('parquet') as ExportManifest)) as [
      string,
      unknown,
    ][][];
    const byId = new Map(rows.map((cells) => Object.fromEntries(cells)).map((row) => [String(row.end_to_end_id), row]));
    for (const silver of world.rows) {
      const row = byId.get(String(silver.end_to_end_id));
      const nameOf = (key: unknown): string | null => (key === null ? null : pseudonyms.of('account', String(key)));
      expect(row?.payer_account).toBe(nameOf(silver.payer_account));
      expect(row?.payee_account).toBe(nameOf(silver.payee_account));
      expect(row?.journal_position).toBe(silver.journal_position);
    }
    const files = localObjectStore(join(folder, 'other-key'));
    const other = { ...portsOf(files), pseudonyms: pseudonymsOf(Buffer.alloc(32, 8)) };
    const manifest = await createExport(OPTIONS, other);
    expect(manifest.files[0]?.rowsSha256).not.toBe(manifests.get('parquet')?.files[0]?.rowsSha256);
    const report = await verifyExport(portsOf(files));
    expect(report.difference).toContain(`the key here is ${pseudonyms.keyId}`);
    for (const [, bytes] of await allBytes(filesOf('csv'))) {
      expect(Buffer.from(bytes, 'base64').includes('11111111||')).toBe(false);
    }
  });

  it('are read by pyarrow, pandas, polars, DuckDB and delta-rs alike', { skip: PYTHON === undefined }, async () => {
    const files = localObjectStore(join(folder, 'python'));
    const paths: Record<string, string> = {};
    let first: Record<string, unknown>[] = [];
    for (const format of FILE_FORMATS) {
      const { status: _, ...options } = OPTIONS;
      const manifest = await createExport({ ...options, format }, portsOf(files));
      paths[format] = join(folder, 'python', manifest.files[0]?.name ?? '');
      if (format === 'parquet') {
        first = ((await rowsOf(files, manifest)) as [string, unknown][][]).map((cells) => Object.fromEntries(cells));
      }
    }
    const expected = {
      rows: first.length,
      ids: first.map((row) => row.end_to_end_id),
      payers: first.map((row) => row.payer_account),
      times: first.map((row) => row.event_time),
      labels: first.map((row) => row.label),
    };
    const sums = set.names.map((name) => {
      const values = first.map((row) => row[name]).filter((value) => value !== null) as number[];
      return [values.length, values.reduce((sum, value) => sum + value, 0)] as const;
    });
    const found = runPython('integration/export-formats.py', { paths, features: set.names }) as {
      rows: Record<string, { sums: [number, number][] }>;
      notes: Record<string, unknown[]>;
      delta: unknown[];
    };
    expect(Object.keys(found.rows)).toHaveLength(11);
    for (const [reader, { sums: theirs, ...rest }] of Object.entries(found.rows)) {
      expect({ reader, ...rest }).toEqual({ reader, ...expected });
      for (const [at, [count, sum]] of sums.entries()) {
        expect([reader, at, theirs[at]?.[0]]).toEqual([reader, at, count]);
        expect(Math.abs((theirs[at]?.[1] ?? Number.NaN) - sum)).toBeLessThanOrEqual(1e-9 * Math.abs(sum));
      }
    }
    const meaning = set.definition.features[0]?.description;
    expect(found.notes).toEqual({ parquet: [true, meaning], arrow: [true, meaning], stream: [true, meaning] });
    expect(found.delta).toEqual([1, { comment: 'The split that the row is in' }]);
  });
});
