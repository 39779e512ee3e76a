import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { createExport } from '../../../src/training-export/create-export.ts';
import type { ExportOptions } from '../../../src/training-export/export-options.ts';
import type { ExportManifest } from '../../../src/training-export/manifest.ts';
import { verifyExport } from '../../../src/training-export/verify-export.ts';
import { plainSet, rowOf } from '../features/streams.ts';
import { type FileRow, readParquetFiles } from './export-files.ts';
import { type SilverWorld, silverWorld } from './silver-world.ts';

const DAY = 86_400_000_000;
const START = 20_000 * DAY;
const A = START + 20 * DAY;
const B = START + 30 * DAY;
const set = compileFeatureSet(plainSet(16));
const idOf = (number: number): string => `E${String(number).padStart(31, '0')}`;

interface Case {
  readonly payments: readonly { day: number; payer: number; amount: number; fraud: boolean; second: boolean }[];
  readonly where: string | undefined;
  readonly withTime: boolean;
  readonly entity: 'payer_account' | 'payee_document' | undefined;
  readonly keep: number | undefined;
  readonly seed: number;
}

const aCase: fc.Arbitrary<Case> = fc.record({
  payments: fc.array(
    fc.record({
      day: fc.integer({ min: 0, max: 40 }),
      payer: fc.nat(6),
      amount: fc.nat(300),
      fraud: fc.nat(4).map((number) => number === 0),
      second: fc.boolean(),
    }),
    { minLength: 1, maxLength: 20 },
  ),
  where: fc.constantFrom(undefined, 'amount_centavos >= 100', "side = 'PAYER' AND amount_centavos < 200"),
  withTime: fc.boolean(),
  entity: fc.constantFrom(undefined, 'payer_account' as const, 'payee_document' as const),
  keep: fc.constantFrom(undefined, 0.2, 0.5, 0.9),
  seed: fc.nat(9),
});

async function build({ payments }: Case): Promise<SilverWorld> {
  const world = await silverWorld(set);
  const ordered = payments.map((payment, number) => ({ ...payment, number })).sort((x, y) => x.day - y.day);
  for (const { day, payer, amount, fraud, second, number } of ordered) {
    const t = START + day * DAY;
    const row = rowOf(idOf(number), t, amount, payer, 1);
    world.pay(row, t, 'APPROVE');
    if (second) world.pay({ ...row, side: 'PAYEE' }, t, 'ACCEPT');
    if (fraud) world.label(idOf(number), 'AGREED', t, t + 1);
  }
  await world.commit();
  return world;
}

const first48 = (text: string): number =>
  Number(BigInt(`0x${createHash('sha256').update(text).digest('hex').slice(0, 12)}`));

/** In which file a row is, and with what weight; null where it is in none. */
function naive(row: FileRow, given: Case): { split: string; weight: number | undefined } | null {
  const amount = Number(row.amount_centavos);
  if (given.where?.includes('>= 100') === true && amount < 100) return null;
  if (given.where?.includes('< 200') === true && (amount >= 200 || row.side !== 'PAYER')) return null;
  const t = Number(row.event_time);
  let time = 'all';
  if (given.withTime) time = t >= B ? 'test' : t >= A ? 'validation' : t + 5 * DAY > A ? 'embargo' : 'train';
  if (time === 'embargo') return null;
  let split = time;
  if (given.entity !== undefined) {
    const entity = row[given.entity] ?? row.end_to_end_id;
    const bucket = first48(`${given.seed}:${entity}`) % 10_000;
    const group = bucket < 5000 ? 'train' : bucket < 7500 ? 'validation' : 'test';
    if (given.withTime && group !== time) return null;
    split = group;
  }
  if (given.keep === undefined) return { split, weight: undefined };
  if (row.fraud === true || split === 'test') return { split, weight: 1 };
  const share = first48(`${given.seed}:${row.end_to_end_id}:${row.side}`) / 2 ** 48;
  return share < given.keep ? { split, weight: 1 / given.keep } : null;
}

function optionsOf(given: Case): ExportOptions {
  const { where, withTime, entity, keep, seed } = given;
  return {
    set,
    labelsAsOfMicros: START + 100 * DAY,
    horizonMicros: 5 * DAY,
    ...(where === undefined ? {} : { where }),
    ...(withTime ? { split: { aMicros: A, bMicros: B } } : {}),
    ...(entity === undefined ? {} : { group: { entity, buckets: [5000, 2500, 2500], seed } }),
    ...(keep === undefined ? {} : { sample: { keep, seed } }),
  };
}

const keyOf = (row: FileRow): string => `${row.end_to_end_id} ${row.side}`;

/** Rows of silver by the naive rule, each as `key split weight`. */
function expectedRows(world: SilverWorld, given: Case): string[] {
  const fraud = new Set(world.labels.map((label) => label.end_to_end_id));
  return world.rows
    .map((row) => ({ ...row, fraud: fraud.has(row.end_to_end_id) }) as FileRow)
    .flatMap((row) => {
      const place = naive(row, given);
      return place === null ? [] : [`${keyOf(row)} ${place.split} ${place.weight}`];
    })
    .sort();
}

const isNothing = (error: unknown): boolean => (error as { code?: string }).code === 'not_found';

describe('the rows of an export', () => {
  it('are those of the condition, split by time and entity, drawn by hash, as the naive rule says', async () => {
    await fc.assert(
      fc.asyncProperty(aCase, async (given) => {
        const world = await build(given);
        const files = memoryObjectStore();
        const ports = { tables: world.tables, files };
        let manifest: ExportManifest;
        try {
          manifest = await createExport(optionsOf(given), ports);
        } catch (error) {
          if (!isNothing(error)) throw error;
          expect(expectedRows(world, given)).toEqual([]);
          return;
        }
        const names = manifest.files.map((file) => file.name);
        const rows = await readParquetFiles(files, names);
        expect(rows.map((row) => `${keyOf(row)} ${row.split} ${row.weight}`).sort()).toEqual(
          expectedRows(world, given),
        );
        const written = manifest.files.reduce((sum, { counts }) => sum + counts.rows, 0);
        const { embargoRows, crossedRows, sampledOutRows } = manifest;
        expect(written + embargoRows + crossedRows + sampledOutRows).toBe(manifest.rows);
        expect(await verifyExport(ports)).toMatchObject({ ok: true, difference: null });
      }),
      { numRuns: 25 },
    );
  }, 400_000);

  it('have the features that they have in an export of all rows, whatever is filtered or left out', async () => {
    const payments = Array.from({ length: 60 }, (_, number) => ({
      day: number % 20,
      payer: number % 3,
      amount: number * 5,
      fraud: number % 7 === 0,
      second: number % 5 === 0,
    }));
    const given: Case = { payments, where: undefined, withTime: false, entity: undefined, keep: undefined, seed: 3 };
    const world = await build(given);
    const [all, some] = [memoryObjectStore(), memoryObjectStore()];
    await createExport(optionsOf(given), { tables: world.tables, files: all });
    const narrow = { ...given, where: 'amount_centavos >= 100', keep: 0.5 };
    const { files } = await createExport(optionsOf(narrow), { tables: world.tables, files: some });
    const whole = new Map((await readParquetFiles(all, ['all.parquet'])).map((row) => [keyOf(row), row]));
    const rows = await readParquetFiles(some, ['all.parquet']);
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.length).toBeLessThan(40);
    for (const { weight: _, ...row } of rows) expect(row).toEqual(whole.get(keyOf(row)));
    const [file] = files;
    const frauds = rows.filter((row) => row.label === 1).length;
    expect(file?.baseRate).toBe(frauds / (rows.length + (file?.sampledOut ?? 0)));
  });

  it.each([
    ['amount_centavo > 1', /did you mean|amount_centavos/],
    ['amount_centavos', /The condition of --where/],
    ['amount_centavos >', /position/],
    ['event_time > current_timestamp()', /current_timestamp/i],
  ])('of a condition that is none are refused: %s', async (where, message) => {
    const world = await build({
      payments: [{ day: 0, payer: 1, amount: 1, fraud: false, second: false }],
      where,
      withTime: false,
      entity: undefined,
      keep: undefined,
      seed: 0,
    });
    const options = { set, labelsAsOfMicros: START + DAY, where };
    const made = createExport(options, { tables: world.tables, files: memoryObjectStore() });
    await expect(made).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringMatching(message) });
  });
});
