import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { createExport } from '../../../src/training-export/create-export.ts';
import type { ExportOptions } from '../../../src/training-export/export-options.ts';
import { featureTally } from '../../../src/training-export/feature-counts.ts';
import { featureHistogram } from '../../../src/training-export/feature-histogram.ts';
import { fineBin, fineEdge } from '../../../src/training-export/float-bins.ts';
import { separationOf } from '../../../src/training-export/leaking-feature.ts';
import { plainSet, rowOf } from '../features/streams.ts';
import { readParquetFiles } from './export-files.ts';
import { type SilverWorld, silverWorld } from './silver-world.ts';

const DAY = 86_400_000_000;
const START = 20_000 * DAY;
const definition = plainSet(16);
const set = compileFeatureSet({
  ...definition,
  features: [
    ...definition.features,
    { kind: 'expression', name: 'told', description: '-', expression: 'device_active_call' },
    { kind: 'expression', name: 'enrolled', description: '-', expression: 'since(device_enrolled_at, 1d)' },
  ],
});
const idOf = (number: number): string => `E${String(number).padStart(31, '0')}`;
const OPTIONS: ExportOptions = { set, labelsAsOfMicros: START + 200 * DAY, horizonMicros: 20 * DAY };

/** 200 payments, one an hour, every fifth of them fraud; `told` says so where it is asked to. */
async function build(facts: { told?: boolean; enrolledAfter?: number } = {}): Promise<SilverWorld> {
  const world = await silverWorld(set);
  for (let number = 0; number < 200; number += 1) {
    const t = START + number * 3_600_000_000;
    const isFraud = number % 5 === 0;
    const row = {
      ...rowOf(idOf(number), t, 100 + ((number * 37) % 90), 1 + (number % 4), 1 + (number % 3)),
      device_active_call: facts.told === true ? isFraud : number % 3 === 0,
      device_enrolled_at: number === facts.enrolledAfter ? t + 1 : t - DAY,
    };
    world.pay(row, t, 'APPROVE');
  }
  // In the order in which they become known.
  const end = START + 210 * 3_600_000_000;
  for (let number = 0; number < 200; number += 5) world.label(idOf(number), 'AGREED', end, end);
  return world;
}

async function findingsOf(world: SilverWorld, options: Partial<ExportOptions> = {}) {
  await world.commit();
  const ports = { tables: world.tables, files: memoryObjectStore() };
  return (await createExport({ ...OPTIONS, ...options }, ports)).leakage?.findings;
}

describe('fine bins', () => {
  it('hold the values from their edge to the next one', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const bin = fineBin(value);
        expect(fineEdge(bin)).toBeLessThanOrEqual(value);
        expect(value).toBeLessThan(fineEdge(bin + 1));
      }),
      { numRuns: 2000 },
    );
    for (let whole = 0; whole < 32; whole += 1) expect(fineBin(whole)).toBeLessThan(fineBin(whole + 1));
    expect(fineBin(-0)).toBe(fineBin(0));
    expect(fineBin(1e300)).toBe(fineBin(3.4e38));
  });
});

const aColumn = fc.array(
  fc.record({
    value: fc.oneof(fc.integer({ min: -9, max: 9 }), fc.constant(Number.NaN)),
    label: fc.constantFrom(0, 0, 1, null),
  }),
  { minLength: 40, maxLength: 150 },
);

describe('counts of a feature', () => {
  it('give the area under the curve that comparing all pairs gives, and the best precision of all cuts', () => {
    let compared = 0;
    fc.assert(
      fc.property(aColumn, (column) => {
        const tally = featureTally(1);
        for (const { value, label } of column) {
          tally.add(
            { values: Float64Array.of(value), status: Uint8Array.of(Number.isNaN(value) ? 2 : 0) },
            label as 0 | 1 | null,
          );
        }
        const [counts] = tally.counts;
        if (counts === undefined) throw new Error('no counts');
        const found = separationOf(counts);
        const byAbsence = [-100, 100].map((absent) => {
          const numberOf = ({ value }: { value: number }): number => (Number.isNaN(value) ? absent : value);
          const fraud = column.filter(({ label }) => label === 1).map(numberOf);
          const rest = column.filter(({ label }) => label === 0).map(numberOf);
          return { fraud, rest };
        });
        const { fraud, rest } = byAbsence[0] ?? { fraud: [], rest: [] };
        if (fraud.length < 20 || rest.length < 20) {
          expect(found).toBe(null);
          return;
        }
        compared += 1;
        const aucs = byAbsence.map(({ fraud: ours, rest: others }) => {
          const wins = ours.flatMap((a) => others.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)));
          const auc = wins.reduce((sum: number, win) => sum + win, 0) / wins.length;
          return Math.max(auc, 1 - auc);
        });
        const precisions = byAbsence.flatMap(({ fraud: ours, rest: others }) =>
          [...ours].flatMap((cut) =>
            [(value: number) => value <= cut, (value: number) => value >= cut].flatMap((isBelow) => {
              const [right, wrong] = [ours.filter(isBelow).length, others.filter(isBelow).length];
              return 2 * right >= ours.length ? [right / (right + wrong)] : [];
            }),
          ),
        );
        expect(found?.auc).toBeCloseTo(Math.max(...aucs), 12);
        expect(found?.precision).toBeCloseTo(Math.max(...precisions), 12);
      }),
      { numRuns: 300 },
    );
    expect(compared).toBeGreaterThan(20);
  });

  it('give a histogram that counts every row once, between its edges', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 300 }),
        (column) => {
          const tally = featureTally(1);
          for (const value of column) tally.add({ values: Float64Array.of(value), status: Uint8Array.of(0) }, null);
          const [counts] = tally.counts;
          if (counts === undefined) throw new Error('no counts');
          const { edges, counts: bins } = featureHistogram('f', counts);
          const naive = bins.map(
            (_, bin) =>
              column.filter(
                (value) => (bin === 0 || value >= (edges[bin - 1] ?? 0)) && !(value >= (edges[bin] ?? Infinity)),
              ).length,
          );
          expect(bins).toEqual(naive);
          expect(bins.length).toBe(edges.length + 1);
          expect(bins.length).toBeLessThanOrEqual(43);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a histogram', () => {
  const histogramOf = (column: readonly number[]): { edges: readonly number[]; counts: readonly number[] } => {
    const tally = featureTally(1);
    for (const value of column) tally.add({ values: Float64Array.of(value), status: Uint8Array.of(0) }, null);
    const { edges, counts } = featureHistogram('f', tally.counts[0] as (typeof tally.counts)[0]);
    return { edges, counts };
  };

  it('has a bin for a rare value beside a common one, and empty ones for what lies beyond', () => {
    const mostly = (common: number, rare: number): number[] => [rare, ...Array.from({ length: 99 }, () => common)];
    expect(histogramOf(mostly(1, 0))).toEqual({ edges: [0, 1, 1.0625], counts: [0, 1, 99, 0] });
    expect(histogramOf(mostly(0, 1))).toEqual({ edges: [0, 1, 1.0625], counts: [0, 99, 1, 0] });
    expect(histogramOf([-4, -4])).toEqual({
      edges: [expect.closeTo(-4.25, 6), expect.closeTo(-4, 6)],
      counts: [0, 2, 0],
    });
    expect(histogramOf([3.4e38])).toMatchObject({ counts: [0, 1] });
    expect(histogramOf([])).toEqual({ edges: [], counts: [] });
  });
});

describe('the manifest', () => {
  it('has the histograms of the training rows, those that are left out too', async () => {
    const world = await build();
    await world.commit();
    const files = memoryObjectStore();
    const split = { aMicros: START + 6 * DAY, bMicros: START + 7 * DAY };
    const options = { ...OPTIONS, horizonMicros: DAY, split };
    await createExport(options, { tables: world.tables, files });
    const train = await readParquetFiles(files, ['train.parquet']);
    const sampled = { ...options, sample: { keep: 0.3, seed: 1 } };
    const { histograms } = await createExport(sampled, { tables: world.tables, files: memoryObjectStore() });
    expect(histograms).toMatchObject({ split: 'train', rows: train.length });
    for (const { feature, edges, counts, absent } of histograms?.features ?? []) {
      const values = train.map((row) => row[feature]);
      const naive = counts.map(
        (_, bin) =>
          values.filter(
            (value) =>
              value !== null &&
              Number(value) >= (edges[bin - 1] ?? -Infinity) &&
              Number(value) < (edges[bin] ?? Infinity),
          ).length,
      );
      expect(counts, feature).toEqual(naive);
      const without = values.filter((value) => value === null).length;
      expect(
        Object.values(absent).reduce((sum, rows) => sum + rows, 0),
        feature,
      ).toBe(without);
    }
  });
});

describe('the histograms', () => {
  it('are of the rows that a model is trained on: not of those whose outcome nobody saw, where they are left out', async () => {
    const world = await silverWorld(set);
    for (let number = 0; number < 9; number += 1) {
      const t = START + number * DAY;
      world.pay(rowOf(idOf(number), t, 100, 1, 1), t, number % 3 === 0 ? 'HOLD' : 'APPROVE');
    }
    await world.commit();
    const ports = { tables: world.tables, files: memoryObjectStore() };
    expect((await createExport(OPTIONS, ports)).histograms?.rows).toBe(9);
    const { histograms, files } = await createExport({ ...OPTIONS, withoutUnobserved: true }, ports);
    expect([histograms?.rows, files[0]?.counts.rows]).toEqual([6, 6]);
  });
});

describe('the check for leakage', () => {
  it('finds nothing in honest features', async () => {
    expect(await findingsOf(await build())).toEqual([]);
  });

  it('names the feature that knows the label, and fails where it is asked to', async () => {
    const world = await build({ told: true });
    expect(await findingsOf(world)).toEqual([{ kind: 'separates', feature: 'told', auc: 1, precision: 1 }]);
    expect(await findingsOf(world, { leakage: 'off' })).toBe(undefined);
    await expect(findingsOf(world, { leakage: 'fail' })).rejects.toMatchObject({
      code: 'leakage_found',
      message: expect.stringContaining('told tells fraud from the rest'),
    });
  });

  it('names the age of what is after the payment', async () => {
    expect(await findingsOf(await build({ enrolledAfter: 30 }))).toEqual([
      { kind: 'dated_after', feature: 'enrolled', rows: 1 },
    ]);
  });

  it('names features whose rows saw what was known only later', async () => {
    const world = await build();
    // The decision of payment 20 claims to have seen all that the payee ever got.
    const decision = world.decisions[20] as Record<string, unknown>;
    decision.payee_seq = 1000;
    const findings = (await findingsOf(world)) ?? [];
    expect(new Set(findings.map(({ kind }) => kind))).toEqual(new Set(['seen_later']));
    const named = findings.map(({ feature }) => feature);
    expect(named).toEqual(
      set.definition.features
        .filter((feature) => feature.kind === 'label' || ('entity' in feature && feature.entity === 'payee'))
        .map(({ name }) => name),
    );
    expect(findings[0]).toMatchObject({ rows: 1 });
  });
});
