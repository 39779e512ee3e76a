import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createExport } from '../../../src/training-export/create-export.ts';
import { chanceIndex, kolmogorovDistance, stabilityIndex } from '../../../src/training-export/drift-figures.ts';
import { type DriftReport, featureDrift } from '../../../src/training-export/feature-drift.ts';
import type { FeatureHistogram } from '../../../src/training-export/feature-histogram.ts';
import { edgeBin, fineBin, fineEdge } from '../../../src/training-export/float-bins.ts';
import { plainSet, rowOf } from '../features/streams.ts';
import { type SilverWorld, silverWorld } from './silver-world.ts';

const DAY = 86_400_000_000;
const START = 20_000 * DAY;
const LATER = START + 100 * DAY;
const set = compileFeatureSet(plainSet(16));
const idOf = (number: number): string => `E${String(number).padStart(31, '0')}`;

const counts = fc
  .array(fc.tuple(fc.nat(50), fc.nat(50)), { minLength: 1, maxLength: 12 })
  .filter((bins) => bins.some(([e]) => e > 0) && bins.some(([, a]) => a > 0));
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** The index as it is written in words, in shares. */
function naiveIndex(expected: readonly number[], actual: readonly number[]): number {
  let index = 0;
  for (let bin = 0; bin < expected.length; bin += 1) {
    if (expected[bin] === 0 && actual[bin] === 0) continue;
    const e = Math.max(0.5, expected[bin] ?? 0) / sum(expected);
    const a = Math.max(0.5, actual[bin] ?? 0) / sum(actual);
    index += (a - e) * Math.log(a / e);
  }
  return index;
}

describe('figures of drift', () => {
  it('are those of their definitions, whichever side is which', () => {
    fc.assert(
      fc.property(counts, (bins) => {
        const [expected, actual] = [bins.map(([e]) => e), bins.map(([, a]) => a)];
        expect(stabilityIndex(expected, actual)).toBeCloseTo(naiveIndex(expected, actual), 12);
        expect(stabilityIndex(actual, expected)).toBeCloseTo(naiveIndex(expected, actual), 12);
        const distances = bins.map((_, bin) =>
          Math.abs(sum(expected.slice(0, bin + 1)) / sum(expected) - sum(actual.slice(0, bin + 1)) / sum(actual)),
        );
        expect(kolmogorovDistance(expected, actual)).toBeCloseTo(Math.max(...distances), 12);
      }),
      { numRuns: 500 },
    );
  });

  it('are nothing for equal shares of any number of rows, and exact for counts beyond 2^53 in their product', () => {
    expect(stabilityIndex([10, 20, 0], [1, 2, 0])).toBe(0);
    expect(kolmogorovDistance([10, 20, 0], [1, 2, 0])).toBe(0);
    const many = [300_000_001, 700_000_003, 5];
    expect(
      stabilityIndex(
        many,
        many.map((count) => 3 * count),
      ),
    ).toBe(0);
    expect(kolmogorovDistance([0, 0], [1, 2])).toBeNull();
    expect(kolmogorovDistance([1, 0], [0, 1])).toBe(1);
  });

  it('has a chance that two samples of one population reach on average', () => {
    const draw = fc.sample(fc.array(fc.nat(9), { minLength: 800, maxLength: 800 }), { seed: 1, numRuns: 400 });
    const binned = draw.map((sample) =>
      Array.from({ length: 10 }, (_, bin) => sample.filter((at) => at === bin).length),
    );
    const indexes = Array.from({ length: 200 }, (_, at) =>
      stabilityIndex(binned[2 * at] ?? [], binned[2 * at + 1] ?? []),
    );
    expect(sum(indexes) / 200 / chanceIndex(10, 800, 800)).toBeCloseTo(1, 0);
  });
});

describe('bins of edges', () => {
  it('hold what the fine bins between the edges hold', () => {
    const value = fc.float({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 9 }), fc.double({ noNaN: true }), (cuts, at) => {
        const bins = [...new Set(cuts.map(fineBin))].sort((a, b) => a - b);
        expect(edgeBin(bins.map(fineEdge), at)).toBe(bins.filter((bin) => bin <= fineBin(at)).length);
      }),
      { numRuns: 500 },
    );
  });
});

/** 120 payments of which a training set is made, and as many later ones of the amounts that are told. */
async function build(amountOf: (number: number) => number): Promise<{ world: SilverWorld; files: ObjectStore }> {
  const world = await silverWorld(set);
  const pay = (number: number, t: number, amount: number): unknown =>
    world.pay(rowOf(idOf(number), t, amount, 1 + (number % 3), 1 + (number % 2)), t, 'APPROVE');
  for (let number = 0; number < 120; number += 1) pay(number, START + number * 20_000_000, 100 + ((number * 37) % 90));
  await world.commit();
  const files = memoryObjectStore();
  await createExport({ set, labelsAsOfMicros: START + DAY, horizonMicros: DAY }, { tables: world.tables, files });
  for (let number = 120; number < 240; number += 1) pay(number, LATER + number * 20_000_000, amountOf(number));
  await world.commit();
  return { world, files };
}

async function driftOf(world: SilverWorld, files: ObjectStore, sinceMicros: number | null): Promise<DriftReport> {
  return featureDrift({ tables: world.tables, files }, sinceMicros);
}

/** The report by a loop over the decisions and the manifest's histograms. */
async function naive(
  world: SilverWorld,
  files: ObjectStore,
  from: number,
): Promise<Map<string, { psi: number; rows: number }>> {
  const manifest = JSON.parse(Buffer.from((await files.get('manifest.json')) ?? []).toString());
  const decisions = world.decisions.filter(({ known_time: at }) => Number(at) >= from);
  return new Map(
    manifest.histograms.features.map(({ feature, edges, counts: trained, absent }: FeatureHistogram) => {
      const at = set.names.indexOf(feature);
      const values = decisions.map(({ features }) => (features as (number | null)[])[at] ?? null);
      const present = values.filter((value) => value !== null).map(Math.fround);
      const served = (trained.length === 0 ? [0] : trained).map(
        (_, bin) => present.filter((v) => v >= (edges[bin - 1] ?? -Infinity) && v < (edges[bin] ?? Infinity)).length,
      );
      const missing = sum(Object.values(absent));
      const psi = naiveIndex(
        [...(trained.length === 0 ? [0] : trained), missing],
        [...served, values.length - present.length],
      );
      return [feature, { psi, rows: decisions.length }];
    }),
  );
}

describe('drift of features', () => {
  it('is that of a loop over all decisions, in the order of the index', async () => {
    const { world, files } = await build((number) => 100 + ((number * 37) % 90));
    for (const since of [null, LATER] as const) {
      const report = await driftOf(world, files, since);
      const expected = await naive(world, files, since ?? 0);
      expect(report.features.length).toBe(set.names.length);
      for (const { feature, psi } of report.features) {
        expect(psi, feature).toBeCloseTo(expected.get(feature)?.psi ?? Number.NaN, 12);
      }
      expect(report.decisions).toBe(since === null ? 240 : 120);
      const indexes = report.features.map(({ psi }) => psi);
      expect(indexes).toEqual([...indexes].sort((a, b) => b - a));
    }
  });

  it('is none of the very decisions of the training set, and tells what has shifted from what has not', async () => {
    const { world, files } = await build(() => 90_000);
    const windows = world.decisions.splice(120);
    const report = await driftOf(world, files, LATER);
    const amount = report.features.find(({ feature }) => feature === 'amount');
    expect(amount).toMatchObject({ verdict: 'shifted', trained: { null: 0 }, served: { null: 0 } });
    // Beyond all that was trained on: in a bin that was empty.
    expect(amount?.ks).toBe(1);
    expect(report).toMatchObject({ decisions: 120, otherDecisions: 0, trainingRows: 120, split: 'all' });
    expect(windows.length).toBe(120);
    const again = await build(() => 1);
    const same = await silverWorld(set);
    await same.tables.table('silver/decisions').append({ rows: again.world.decisions.slice(0, 120) });
    for (const { psi, ks, verdict } of (await driftOf(same, again.files, null)).features) {
      expect({ psi, ks: ks ?? 0, verdict }).toEqual({ psi: 0, ks: 0, verdict: 'stable' });
    }
  });

  it('has the share of decisions without a value, by why, and takes it for a bin of its own', async () => {
    const { world, files } = await build((number) => 100 + ((number * 37) % 90));
    const broken = await silverWorld(set);
    const rows = world.decisions.slice(0, 120).map((decision, at) => {
      const features = [...(decision.features as (number | null)[])];
      const status = Uint8Array.from(decision.feature_status as Uint8Array);
      if (at < 60) {
        features[0] = null;
        status[0] = [1, 2, 3, 6][at % 4] as number;
      }
      return { ...decision, features, feature_status: status };
    });
    await broken.tables.table('silver/decisions').append({ rows });
    const [first] = (await driftOf(broken, files, null)).features;
    expect(first).toMatchObject({
      feature: 'amount',
      verdict: 'shifted',
      served: { null: 0.125, notFound: 0.125, truncated: 0.125, other: 0.125 },
      trained: { null: 0, notFound: 0, truncated: 0, other: 0 },
    });
  });
});

describe('drift of features is refused', () => {
  it('where decisions were made with another version, naming both, and where there is none', async () => {
    const { world, files } = await build(() => 100);
    await expect(driftOf(world, files, LATER + DAY)).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(/no decision in silver\/decisions from .*: name an earlier date by --since/),
    });
    const other = await silverWorld(set);
    const decisions = world.decisions.map((decision) => ({ ...decision, feature_set_version: '000000000000' }));
    await other.tables.table('silver/decisions').append({ rows: decisions });
    await expect(driftOf(other, files, null)).rejects.toMatchObject({
      code: 'feature_not_found',
      message: expect.stringContaining(
        `of test@${set.version}, and decisions in silver/decisions were made with test@000000000000 (240)`,
      ),
    });
    await other.tables.table('silver/decisions').append({ rows: world.decisions });
    expect(await driftOf(other, files, null)).toMatchObject({ decisions: 240, otherDecisions: 240 });
  });

  it('where the folder is no export, or its histograms are not whole', async () => {
    const { world, files } = await build(() => 100);
    await expect(driftOf(world, memoryObjectStore(), null)).rejects.toMatchObject({ code: 'not_found' });
    const manifest = JSON.parse(Buffer.from((await files.get('manifest.json')) ?? []).toString());
    const write = (histograms: unknown): Promise<unknown> =>
      files.put('manifest.json', Buffer.from(JSON.stringify({ ...manifest, histograms })));
    await write(null);
    await expect(driftOf(world, files, null)).rejects.toThrow(/has no histograms/);
    await write({ ...manifest.histograms, rows: 119 });
    await expect(driftOf(world, files, null)).rejects.toThrow(/are not whole/);
    await write({ ...manifest.histograms, features: manifest.histograms.features.toReversed() });
    await expect(driftOf(world, files, null)).rejects.toMatchObject({ code: 'invalid_file' });
  });
});
