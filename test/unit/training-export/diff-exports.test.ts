import { beforeAll, describe, expect, it } from 'vitest';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createExport } from '../../../src/training-export/create-export.ts';
import { diffExports } from '../../../src/training-export/diff-exports.ts';
import type { ExportOptions } from '../../../src/training-export/export-options.ts';
import { readManifest } from '../../../src/training-export/read-manifest.ts';
import { plainSet, rowOf } from '../features/streams.ts';
import { readParquetFiles } from './export-files.ts';
import { type SilverWorld, silverWorld } from './silver-world.ts';

const HOUR = 3_600_000_000;
const DAY = 24 * HOUR;
const START = 20_000 * DAY;
const definition = plainSet(16);
const set = compileFeatureSet(definition);
const idOf = (number: number): string => `E${String(number).padStart(31, '0')}`;
const OPTIONS: ExportOptions = { set, labelsAsOfMicros: START + 40 * DAY, horizonMicros: 30 * DAY, leakage: 'off' };

describe('the difference of two exports', () => {
  let world: SilverWorld;
  let before: Record<string, number>;
  const make = async (options: Partial<ExportOptions> = {}): Promise<ObjectStore> => {
    const files = memoryObjectStore();
    await createExport({ ...OPTIONS, ...options }, { tables: world.tables, files });
    return files;
  };

  beforeAll(async () => {
    world = await silverWorld(set);
    for (let number = 0; number < 40; number += 1) {
      const t = START + number * HOUR;
      world.pay(rowOf(idOf(number), t, 100 + number, 1 + (number % 2), 1), t, 'APPROVE');
    }
    world.label(idOf(3), 'AGREED', START + 3 * DAY, START + 3 * DAY);
    world.label(idOf(5), 'AGREED', START + 20 * DAY, START + 20 * DAY);
    await world.commit();
    before = { 'silver/transactions': 1, 'silver/decisions': 1, 'silver/labels': 1, 'silver/epochs': 1 };
    // One payment came late, of an hour in the middle.
    world.importPayment(rowOf(idOf(100), START + 10 * HOUR + 1, 999, 1, 1), START + 50 * HOUR);
    await world.commit();
  });

  it('is none between an export and itself, also in another format and in other splits', async () => {
    const whole = await make();
    const cut = await make({
      format: 'csv',
      split: { aMicros: START + 10 * HOUR, bMicros: START + 20 * HOUR },
      withEmbargo: true,
    });
    expect(await diffExports(whole, whole)).toMatchObject({ isSame: true, madeOf: [], values: [], rowsInBoth: 41 });
    const { values, rowsInBoth } = await diffExports(whole, cut);
    expect(rowsInBoth).toBe(41);
    expect(values.map(({ column }) => column)).toContain('split');
    expect(values.filter(({ column }) => !column.startsWith('label') && column !== 'split')).toEqual([]);
  });

  it('names rows that came, and the versions that they came with', async () => {
    const found = await diffExports(await make({ versions: before }), await make());
    expect(found).toMatchObject({ rowsInBoth: 40, rowsOnlyInFirst: 0, rowsOnlyInSecond: 1, isSame: false });
    expect(found.onlyInSecond).toEqual([`${idOf(100)} PAYER`]);
    expect(found.madeOf).toContainEqual({ what: 'silver/transactions', first: '1', second: '2' });
    // Those who were scored before it came saw nothing of it.
    expect(found.values).toEqual([]);
  });

  it('says of labels whether they came late or the policy is another one', async () => {
    const late = await diffExports(await make({ labelsAsOfMicros: START + 10 * DAY }), await make());
    const labels = late.values.find(({ column }) => column === 'label');
    expect(labels?.why['late label']).toBe(1);
    expect(labels?.why['labels as of']).toBe(39);
    const policy = await diffExports(await make({ horizonMicros: 10 * DAY }), await make());
    const label = policy.values.find(({ column }) => column === 'label');
    expect(label).toMatchObject({ rows: 1, why: { 'label policy': 1 } });
    expect(label?.example).toEqual({ row: `${idOf(5)} PAYER`, first: '0', second: '1' });
  });

  it('names features whose definition changed, and those that are made of them, as comparing all cells does', async () => {
    const features = definition.features.map((feature) =>
      feature.kind === 'window' && feature.name === 'payer_sum_2h' ? { ...feature, window: '3h' as const } : feature,
    );
    const other = compileFeatureSet({
      ...definition,
      features: [
        ...features,
        { kind: 'expression', name: 'doubled', description: '-', expression: 'payer_sum_2h + 0' },
      ],
    });
    const [first, second] = [await make(), await make({ set: other })];
    const found = await diffExports(first, second);
    expect(found.columnsOnlyInSecond).toEqual(['doubled']);
    const [left, right] = [
      await readParquetFiles(first, ['all.parquet']),
      await readParquetFiles(second, ['all.parquet']),
    ];
    const naive = Object.keys(left[0] ?? {}).flatMap((column) => {
      const rows = left.filter((row, at) => String(row[column]) !== String(right[at]?.[column])).length;
      return rows === 0 ? [] : [[column, rows, { definition: rows }]];
    });
    expect(naive.length).toBeGreaterThan(0);
    expect(found.values.map(({ column, rows, why }) => [column, rows, why])).toEqual(naive);
  });

  it('says of a value that was served in one and recomputed in the other that it was', async () => {
    const own = await silverWorld(set);
    const at = set.indexOf('amount');
    for (let number = 0; number < 3; number += 1) own.pay(rowOf(idOf(number), START, 100, 1, 1), START, 'APPROVE');
    const decision = own.decisions[1] as Record<string, unknown>;
    decision.features = (decision.features as (number | null)[]).with(at, 4711);
    await own.commit();
    const [served, recomputed] = [memoryObjectStore(), memoryObjectStore()];
    await createExport({ ...OPTIONS, fromDecisions: true }, { tables: own.tables, files: served });
    await createExport(OPTIONS, { tables: own.tables, files: recomputed });
    const found = await diffExports(served, recomputed);
    expect(found.madeOf).toEqual([{ what: 'fromDecisions', first: 'true', second: 'false' }]);
    expect(found.values).toMatchObject([{ column: 'amount', why: { 'served in one, recomputed in the other': 1 } }]);
  });

  it.each(['parquet', 'arrow', 'arrow-stream', 'csv'] as const)(
    'is refused where a file of %s is missing',
    async (format) => {
      const [files, other] = [await make({ format }), await make({ format })];
      const [{ name } = { name: '' }] = (await readManifest(files)).files;
      await files.delete(name);
      await expect(diffExports(files, other)).rejects.toMatchObject({
        code: 'export_mismatch',
        message: expect.stringContaining(`${name} is missing`),
      });
    },
  );

  it('is refused where a file is no Arrow', async () => {
    const files = await make({ format: 'arrow' });
    await files.put('all.arrow', Buffer.from('not at all'));
    await expect(diffExports(files, files)).rejects.toMatchObject({ code: 'table_corrupt' });
  });

  it('takes a double and the float that is made of it for one value', async () => {
    const found = await diffExports(await make({ doubles: true }), await make());
    expect(found).toMatchObject({ isSame: true });
    expect(found.madeOf).toEqual([{ what: 'featureType', first: 'double', second: 'float' }]);
  });
});
