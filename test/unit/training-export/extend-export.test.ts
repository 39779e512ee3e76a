import { beforeEach, describe, expect, it } from 'vitest';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { pseudonymsOf } from '../../../src/governance/pseudonyms.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createExport } from '../../../src/training-export/create-export.ts';
import type { ExportOptions } from '../../../src/training-export/export-options.ts';
import { exportFileRows } from '../../../src/training-export/export-reader.ts';
import { type ExtendRequest, extendExport } from '../../../src/training-export/extend-export.ts';
import type { FileFormat } from '../../../src/training-export/file-format.ts';
import type { ExportManifest } from '../../../src/training-export/manifest.ts';
import { verifyExport } from '../../../src/training-export/verify-export.ts';
import { plainSet, rowOf } from '../features/streams.ts';
import { readParquetFiles } from './export-files.ts';
import { type SilverWorld, silverWorld } from './silver-world.ts';

const DAY = 86_400_000_000;
const START = 20_000 * DAY;
const set = compileFeatureSet(plainSet(16));
const idOf = (number: number): string => `E${String(number).padStart(31, '0')}`;
const OPTIONS: ExportOptions = {
  set,
  labelsAsOfMicros: START + 60 * DAY,
  horizonMicros: 5 * DAY,
  toMicros: START + 10 * DAY,
  split: { aMicros: START + 6 * DAY, bMicros: START + 8 * DAY },
  withEmbargo: true,
  where: 'amount_centavos < 900',
  sample: { keep: 0.7, seed: 2 },
  leakage: 'off',
};
const TO_20: ExtendRequest = { toMicros: START + 20 * DAY };

describe('an export that is extended', () => {
  let world: SilverWorld;
  let files: ObjectStore;
  const ports = () => ({ tables: world.tables, files });
  const payDays = (from: number, to: number): void => {
    for (let number = from * 10; number < to * 10; number += 1) {
      const t = START + (number / 10) * DAY;
      world.pay(rowOf(idOf(number), t, 100 + ((number * 7) % 1000), 1 + (number % 3), 1 + (number % 2)), t, 'APPROVE');
      if (number % 9 === 8) world.label(idOf(number - 4), 'AGREED', t, t);
    }
  };
  const make = (options: Partial<ExportOptions> = {}): Promise<ExportManifest> =>
    createExport({ ...OPTIONS, ...options }, ports());
  const extend = (request: ExtendRequest = TO_20): Promise<ExportManifest> => extendExport(request, ports());
  const rowsOf = async (manifest: ExportManifest): Promise<Map<string, unknown>> => {
    const rows = new Map<string, unknown>();
    for (const { name } of manifest.files) {
      for await (const row of exportFileRows(files, name, manifest.fileFormat, manifest.columns)) {
        rows.set(`${row.end_to_end_id} ${row.side}`, row);
      }
    }
    return rows;
  };

  beforeEach(async () => {
    world = await silverWorld(set);
    files = memoryObjectStore();
    payDays(0, 12);
    await world.commit();
  });

  /** Days 12 to 20, and a payment of day 3 that came late. */
  const goOn = async (): Promise<void> => {
    world.importPayment(rowOf(idOf(7000), START + 3 * DAY + 1, 100, 1, 1), START + 12 * DAY);
    payDays(12, 20);
    await world.commit();
  };

  it.each(['parquet', 'csv', 'delta'] as const)(
    'in %s has the rows of an export of all days, and its old files untouched',
    async (format: FileFormat) => {
      const before = await make({ format });
      const bytes = new Map<string, Uint8Array | undefined>();
      for await (const { key } of files.listFrom('')) bytes.set(key, await files.get(key));
      await goOn();
      const extended = await extend();
      for (const [key, was] of bytes) if (key !== 'manifest.json') expect(await files.get(key), key).toEqual(was);
      expect(extended.files.slice(0, before.files.length)).toEqual(before.files);
      expect(
        extended.files.slice(before.files.length).every(({ part, name }) => part === 2 && name.includes('.2.')),
      ).toBe(true);
      expect(extended.extensions).toMatchObject([{ to: '2024-10-24', embargoRows: 0 }]);
      expect(await verifyExport(ports())).toMatchObject({ ok: true, difference: null });
      const found = await rowsOf(extended);
      expect([...found.keys()]).toContain(`${idOf(7000)} PAYER`);
      files = memoryObjectStore();
      const whole = await rowsOf(await make({ format, toMicros: START + 20 * DAY }));
      expect(new Map([...found].sort())).toEqual(new Map([...whole].sort()));
    },
  );

  it('is extended again and again, to the same bytes each time', async () => {
    await make();
    await goOn();
    await extend({ toMicros: START + 14 * DAY });
    const twice = await extend({ toMicros: START + 20 * DAY, labelsAsOfMicros: START + 70 * DAY });
    expect(twice.extensions.map(({ to, labels }) => [to, labels.asOf])).toEqual([
      ['2024-10-18', '2024-12-03'],
      ['2024-10-24', '2024-12-13'],
    ]);
    expect(await verifyExport(ports())).toMatchObject({ ok: true, difference: null });
    const first = files;
    files = memoryObjectStore();
    const [one, other] = twice.extensions;
    const versions = { 'silver/transactions': 1, 'silver/decisions': 1, 'silver/labels': 1, 'silver/epochs': 1 };
    await make({ versions });
    await extend({ toMicros: START + 14 * DAY, versions: one?.tables ?? {} });
    await extend({ toMicros: START + 20 * DAY, labelsAsOfMicros: START + 70 * DAY, versions: other?.tables ?? {} });
    expect(Buffer.from((await files.get('manifest.json')) ?? []).toString()).toBe(
      Buffer.from((await first.get('manifest.json')) ?? []).toString(),
    );
    const parquet = twice.files.map(({ name }) => name);
    expect(await readParquetFiles(files, parquet)).toEqual(await readParquetFiles(first, parquet));
  });

  it('has each row once where it had no bound at first, and held payments after the instant that it is extended to', async () => {
    const { toMicros: _, split: __, withEmbargo: ___, ...open } = OPTIONS;
    world.pay(rowOf(idOf(8000), START + 15 * DAY, 100, 1, 1), START + 12 * DAY, 'APPROVE');
    await world.commit();
    await createExport(open, ports());
    await goOn();
    await extend({ toMicros: START + 14 * DAY });
    const { files: parts, columns, fileFormat } = await extend({ toMicros: START + 20 * DAY });
    expect(parts).toHaveLength(3);
    const ids: unknown[] = [];
    for (const { name } of parts) {
      for await (const row of exportFileRows(files, name, fileFormat, columns)) ids.push(row.end_to_end_id);
    }
    expect(ids).toContain(idOf(8000));
    expect(new Set(ids).size).toBe(ids.length);
    expect(await verifyExport(ports())).toMatchObject({ ok: true, difference: null });
    files = memoryObjectStore();
    const whole = await createExport({ ...open, toMicros: START + 20 * DAY }, ports());
    expect(ids.sort()).toEqual([...(await rowsOf(whole)).keys()].map((key) => key.slice(0, 32)).sort());
  });

  it('is refused with another key of pseudonyms, and where ids stand as they are and who asks may not see them', async () => {
    const keyed = (fill: number) => ({ ...ports(), pseudonyms: pseudonymsOf(Buffer.alloc(32, fill)) });
    const columns = ['payer_account'] as const;
    await createExport({ ...OPTIONS, ids: { columns, form: 'pseudonym' } }, keyed(1));
    await goOn();
    const manifest = await files.get('manifest.json');
    for (const other of [keyed(2), ports()]) {
      await expect(extendExport(TO_20, other)).rejects.toMatchObject({
        code: 'export_mismatch',
        message: expect.stringContaining(`the key ${keyed(1).pseudonyms.keyId}; the key here is`),
      });
    }
    expect(await files.get('manifest.json')).toEqual(manifest);
    expect((await extendExport(TO_20, keyed(1))).extensions).toHaveLength(1);
    files = memoryObjectStore();
    await make({ ids: { columns, form: 'clear' }, versions: { 'silver/transactions': 1 } });
    await expect(extend()).rejects.toMatchObject({ code: 'not_allowed' });
    expect((await extend({ ...TO_20, maySeePersonalData: true })).extensions).toHaveLength(1);
  });

  it('is refused where what it was made of changed, and stays as it was', async () => {
    await make();
    const manifest = await files.get('manifest.json');
    await expect(extend({ toMicros: START + 9 * DAY })).rejects.toMatchObject({ code: 'usage' });
    await expect(extend({ toMicros: START + 10 * DAY })).rejects.toMatchObject({ code: 'not_found' });
    await goOn();
    const text = Buffer.from(manifest ?? []).toString();
    for (const [told, becomes] of [
      ['"description": "', '"description": "another '],
      ['"kind": "window"', '"kind": "request"'],
    ] as const) {
      await files.put('manifest.json', Buffer.from(text.replace(told, becomes)));
      await expect(extend(), told).rejects.toMatchObject({ code: 'export_mismatch' });
    }
    await files.put('manifest.json', Buffer.from(text));
    const transactions = world.tables.table('silver/transactions');
    const { version } = await transactions.snapshot();
    await transactions.delete({ where: `end_to_end_id = '${idOf(20)}'` });
    await expect(extend()).rejects.toMatchObject({
      code: 'export_mismatch',
      message: expect.stringContaining('1 rows of silver.transactions that the export was made of are gone'),
    });
    await transactions.restore({ version });
    const labels = world.tables.table('silver/labels');
    const labelled = (await labels.snapshot()).version;
    await labels.delete({ where: `end_to_end_id = '${idOf(4)}'` });
    await expect(extend()).rejects.toMatchObject({ message: expect.stringContaining('silver.labels') });
    await labels.restore({ version: labelled });
    expect(await files.get('manifest.json')).toEqual(manifest);
    const bytes = (await files.get('train.parquet')) as Uint8Array;
    await files.put('train.parquet', bytes.slice(1));
    await expect(extend()).rejects.toMatchObject({
      code: 'export_mismatch',
      message: expect.stringContaining('train.parquet was changed'),
    });
    await files.put('train.parquet', bytes);
    expect((await extend()).extensions).toHaveLength(1);
  });
});
