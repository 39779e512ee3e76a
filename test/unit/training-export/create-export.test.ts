import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { ENTITY_KINDS } from '../../../src/domain/entity-keys.ts';
import { LABEL_STATES, type LabelState } from '../../../src/domain/label.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { compareServed } from '../../../src/training-export/compare-served.ts';
import { createExport } from '../../../src/training-export/create-export.ts';
import { pandasLines } from '../../../src/training-export/export-lines.ts';
import type { ExportOptions } from '../../../src/training-export/export-options.ts';
import { verifyExport } from '../../../src/training-export/verify-export.ts';
import { plainSet, rowOf } from '../features/streams.ts';
import { type FileRow, readParquetFiles } from './export-files.ts';
import { type SilverWorld, silverWorld } from './silver-world.ts';

const DAY = 86_400_000_000;
const START = 20_000 * DAY;
const set = compileFeatureSet(plainSet(16));
const idOf = (number: number): string => `E${String(number).padStart(31, '0')}`;

type CellRow = FileRow;

interface Case {
  readonly payments: readonly { day: number; late: number; decision: string; isImport: boolean; second: boolean }[];
  readonly labels: readonly { payment: number; state: LabelState; day: number; delay: number }[];
  readonly horizon: number;
  /** Days beyond the horizon. */
  readonly ripening: number;
  readonly asOf: number;
  readonly a: number;
  readonly b: number;
  readonly withSplit: boolean;
}

const aCase: fc.Arbitrary<Case> = fc.record({
  payments: fc.array(
    fc.record({
      day: fc.integer({ min: 0, max: 40 }),
      late: fc.constantFrom(0, 0, 3),
      decision: fc.constantFrom('APPROVE', 'APPROVE', 'CHALLENGE', 'HOLD', 'REJECT'),
      isImport: fc.boolean(),
      second: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12 },
  ),
  labels: fc.array(
    fc.record({
      payment: fc.nat(12),
      state: fc.constantFrom(...LABEL_STATES),
      day: fc.integer({ min: 0, max: 50 }),
      delay: fc.constantFrom(0, 1, 20),
    }),
    { maxLength: 14 },
  ),
  horizon: fc.constantFrom(1, 10, 91),
  ripening: fc.constantFrom(0, 0, 7),
  asOf: fc.integer({ min: 5, max: 120 }),
  a: fc.integer({ min: 5, max: 20 }),
  b: fc.integer({ min: 21, max: 45 }),
  withSplit: fc.boolean(),
});

async function build({ payments, labels }: Case): Promise<SilverWorld> {
  const world = await silverWorld(set);
  const steps = [
    ...payments.map((payment, number) => ({
      known: START + (payment.day + payment.late) * DAY,
      number,
      payment,
      label: null,
    })),
    ...labels.map((label, number) => ({
      known: START + (label.day + label.delay) * DAY,
      number,
      payment: null,
      label,
    })),
  ].sort((x, y) => x.known - y.known || x.number - y.number);
  for (const { known, number, payment, label } of steps) {
    if (label !== null) world.label(idOf(label.payment), label.state, START + label.day * DAY, known);
    if (payment === null) continue;
    const row = rowOf(idOf(number), START + payment.day * DAY, 100 * number, 1 + (number % 2), 1 + (number % 3));
    if (payment.isImport) world.importPayment(row, known);
    else world.pay(row, known, payment.decision);
    if (payment.second) world.pay({ ...row, side: 'PAYEE' }, known, 'ACCEPT');
  }
  await world.commit();
  return world;
}

/** Says what a row's split and label are, from the rows of silver and nothing else. */
function naive(row: CellRow, world: SilverWorld, { horizon, ripening, asOf, a, b, withSplit }: Case): CellRow {
  const t = Number(row.event_time);
  const end = t + horizon * DAY;
  const split = !withSplit
    ? 'all'
    : t >= START + b * DAY
      ? 'test'
      : t >= START + a * DAY
        ? 'validation'
        : end > START + a * DAY
          ? 'embargo'
          : 'train';
  const trains = split === 'train' || split === 'embargo';
  const cut = trains ? Math.min(START + asOf * DAY, START + a * DAY) : START + asOf * DAY;
  const known = world.labels
    .filter((label) => label.end_to_end_id === row.end_to_end_id)
    .filter((label) => Number(label.known_time) <= end && Number(label.known_time) < cut);
  let latest: CellRow | undefined;
  for (const label of known) {
    if (latest === undefined || Number(label.event_time) >= Number(latest.event_time)) latest = label;
  }
  const of = world.decisions.filter((decision) => decision.end_to_end_id === row.end_to_end_id);
  const stopped = of.some((decision) => decision.decision === 'HOLD' || decision.decision === 'REJECT');
  const state = latest?.state ?? null;
  const label =
    state === 'AGREED' ? 1 : state === 'CONTESTED' ? null : end + ripening * DAY <= cut && !stopped ? 0 : null;
  return { split, label, label_state: state, label_known_time: latest?.known_time ?? null, outcome_observed: !stopped };
}

describe('an export', () => {
  it('labels and splits every row as the naive rule says, and is the same bytes twice', async () => {
    await fc.assert(
      fc.asyncProperty(aCase, async (given) => {
        const world = await build(given);
        const options: ExportOptions = {
          set,
          labelsAsOfMicros: START + given.asOf * DAY,
          horizonMicros: given.horizon * DAY,
          ...(given.ripening === 0 ? {} : { maturityMicros: (given.horizon + given.ripening) * DAY }),
          ...(given.withSplit
            ? { split: { aMicros: START + given.a * DAY, bMicros: START + given.b * DAY }, withEmbargo: true }
            : {}),
        };
        const [files, again] = [memoryObjectStore(), memoryObjectStore()];
        const manifest = await createExport(options, { tables: world.tables, files });
        const second = await createExport(options, { tables: world.tables, files: again });
        expect(second).toEqual(manifest);
        for (const name of ['manifest.json', ...manifest.files.map((file) => file.name)]) {
          expect(await again.get(name)).toEqual(await files.get(name));
        }
        const rows = await readParquetFiles(
          files,
          manifest.files.map((file) => file.name),
        );
        expect(rows.length).toBe(world.rows.length);
        for (const row of rows) {
          const { split, label, label_state, outcome_observed } = row;
          const label_known_time = row.label_known_time === null ? null : Number(row.label_known_time);
          expect({ split, label, label_state, label_known_time, outcome_observed }).toEqual(naive(row, world, given));
        }
        const orderOf = (row: CellRow): string =>
          `${String(row.event_time).padStart(20)} ${String(row.known_time).padStart(20)} ${row.end_to_end_id} ${row.side}`;
        for (const { split } of manifest.files) {
          const keys = rows.filter((row) => row.split === split).map(orderOf);
          expect(keys).toEqual([...keys].sort());
        }
        const verified = await verifyExport({ tables: world.tables, files });
        expect(verified.difference).toBe(null);
      }),
      { numRuns: 12 },
    );
  }, 400_000);

  it('carries the features that were served, as float32, and leaves the embargo out unless asked', async () => {
    const world = await silverWorld(set);
    const served = new Map<string, Float64Array>();
    for (let number = 0; number < 60; number += 1) {
      const row = rowOf(idOf(number), START + number * 1_000_000_000, 100 + number, 1 + (number % 2), 1);
      served.set(row.end_to_end_id, world.pay(row, START + number * 1_000_000_001, 'APPROVE').values);
      if (number % 10 === 4)
        world.label(idOf(number - 1), 'AGREED', START + number * 1_000_000_000, START + number * 1_000_000_001);
      if (number === 30) world.restart();
    }
    await world.commit();
    expect(await compareServed(world.tables, set)).toMatchObject({ decisions: 60, differingValues: 0, first: null });
    const files = memoryObjectStore();
    const options = { set, labelsAsOfMicros: START + DAY, horizonMicros: 3_000_000_000 };
    const split = { aMicros: START + 20_000_000_000, bMicros: START + 40_000_000_000 };
    const manifest = await createExport({ ...options, split }, { tables: world.tables, files });
    expect(manifest.files.map(({ name, counts }) => [name, counts.rows])).toEqual([
      ['train.parquet', 18],
      ['validation.parquet', 20],
      ['test.parquet', 20],
    ]);
    expect(manifest.embargoRows).toBe(2);
    for (const row of await readParquetFiles(files, ['train.parquet', 'validation.parquet', 'test.parquet'])) {
      const values = served.get(String(row.end_to_end_id)) as Float64Array;
      const expected = Array.from(values, (value) => (Number.isNaN(value) ? null : Math.fround(value)));
      expect(set.names.map((name) => row[name])).toEqual(expected);
    }
    const lines = pandasLines(manifest, 'out');
    expect(lines).toHaveLength(3);
  });

  it('that is not as it was leaves nothing open or behind when it is verified', async () => {
    const world = await silverWorld(set);
    for (let number = 0; number < 5; number += 1) world.pay(rowOf(idOf(number), START, 100, 1, 1), START, 'APPROVE');
    await world.commit();
    const ports = { tables: world.tables, files: memoryObjectStore() };
    const manifest = await createExport({ set, labelsAsOfMicros: START + DAY, format: 'csv' }, ports);
    const text = Buffer.from((await ports.files.get('all.csv')) ?? [])
      .toString()
      .replaceAll(',APPROVE,', ',HOLD,');
    await ports.files.put('all.csv', Buffer.from(text));
    const sha256 = createHash('sha256').update(text).digest('hex');
    const changed = { ...manifest, files: manifest.files.map((file) => ({ ...file, sha256, rowsSha256: '0' })) };
    await ports.files.put('manifest.json', Buffer.from(JSON.stringify(changed)));
    const folder = mkdtempSync(join(tmpdir(), 'sentinela-verify-'));
    vi.stubEnv('TMPDIR', folder);
    try {
      const { difference } = await verifyExport(ports);
      expect(difference).toContain('was HOLD and is now APPROVE');
      expect(readdirSync(folder).filter((name) => !name.includes('-spill-'))).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('leaves rows out whose outcome nobody saw, where asked, and counts them', async () => {
    const world = await silverWorld(set);
    const decisions = ['APPROVE', 'HOLD', 'APPROVE', 'REJECT', 'CHALLENGE'];
    for (const [number, decision] of decisions.entries()) {
      world.pay(rowOf(idOf(number), START + number * DAY, 100, 1, 1), START + number * DAY, decision);
    }
    await world.commit();
    const ports = { tables: world.tables, files: memoryObjectStore() };
    const options = { set, labelsAsOfMicros: START + 200 * DAY };
    expect((await createExport(options, ports)).unobservedRows).toBe(null);
    const manifest = await createExport({ ...options, withoutUnobserved: true }, ports);
    expect(manifest).toMatchObject({ rows: 5, unobservedRows: 2 });
    const rows = await readParquetFiles(ports.files, ['all.parquet']);
    expect(rows.map((row) => row.decision)).toEqual(['APPROVE', 'APPROVE', 'CHALLENGE']);
    expect(manifest.command).toContain('--unobserved drop');
    expect(await verifyExport(ports)).toMatchObject({ ok: true });
    const shorter = createExport({ ...options, maturityMicros: DAY }, ports);
    await expect(shorter).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('--maturity') });
  });

  it('of which no row would go into a file is none, and says what became of all of them', async () => {
    const world = await silverWorld(set);
    for (const [number, decision] of ['APPROVE', 'HOLD', 'APPROVE'].entries()) {
      world.pay(rowOf(idOf(number), START + number * DAY, 100, 1, 1), START + number * DAY, decision);
    }
    await world.commit();
    const ports = { tables: world.tables, files: memoryObjectStore() };
    const options = { set, labelsAsOfMicros: START + 200 * DAY, horizonMicros: 10 * DAY, withoutUnobserved: true };
    const split = { aMicros: START + 5 * DAY, bMicros: START + 9 * DAY };
    const embargo = createExport({ ...options, split }, ports);
    await expect(embargo).rejects.toMatchObject({ code: 'not_found', context: { rows: 3, embargo: 3, unobserved: 0 } });
    await expect(embargo).rejects.toThrow(
      'none of the 3 rows goes into a file (3 in the embargo, 0 crossed, 0 unobserved, 0 not drawn)',
    );
    const held = { ...split, aMicros: START + DAY, bMicros: START + 2 * DAY };
    const where = `end_to_end_id <> '${idOf(2)}'`;
    await expect(createExport({ ...options, split: held, where }, ports)).rejects.toMatchObject({
      context: { rows: 2, embargo: 1, unobserved: 1 },
    });
    expect(await ports.files.get('manifest.json')).toBeUndefined();
  });

  it('weighs payments that the control group let through for those that were stopped, where asked', async () => {
    const world = await silverWorld(set);
    const rules = [
      'payer-default',
      'payer-score-hold',
      'payer-score-hold/control-0.25',
      'payer-score-reject/control-0.5',
    ];
    for (const [number, rule] of rules.entries()) {
      const decision = rule === 'payer-score-hold' ? 'HOLD' : 'APPROVE';
      world.pay(rowOf(idOf(number), START + number * DAY, 100, 1, 1), START + number * DAY, decision);
      Object.assign(world.decisions.at(-1) ?? {}, { rule_id: rule });
    }
    world.importPayment(rowOf(idOf(9), START + 9 * DAY, 100, 1, 1), START + 9 * DAY);
    await world.commit();
    const ports = { tables: world.tables, files: memoryObjectStore() };
    const weighed = { set, labelsAsOfMicros: START + 200 * DAY, withoutUnobserved: true, weighsControl: true };
    const manifest = await createExport(weighed, ports);
    expect(manifest).toMatchObject({ rows: 5, unobservedRows: 1, weighed: { rule: expect.any(String) } });
    expect(manifest.command).toContain('--unobserved weigh');
    const rows = await readParquetFiles(ports.files, ['all.parquet']);
    expect(rows.map(({ weight }) => weight)).toEqual([1, 4, 2, 1]);
    expect(await verifyExport(ports)).toMatchObject({ ok: true });
    // What negatives are drawn with comes on top.
    const drawn = { ...weighed, sample: { keep: 0.999_999, seed: 1 } };
    await createExport(drawn, { ...ports, files: memoryObjectStore() }).then(({ sample, weighed: rule }) =>
      expect([sample?.keep, rule === undefined]).toEqual([0.999_999, false]),
    );
  });

  it('has no history where the decision saw none, and says what the decision was made without', async () => {
    const world = await silverWorld(set);
    for (let number = 0; number < 6; number += 1) {
      world.pay(rowOf(idOf(number), START + number * DAY, 100, 1, 1), START + number * DAY, 'APPROVE');
    }
    const blind = world.decisions[4] as Record<string, unknown>;
    for (const kind of ENTITY_KINDS) Object.assign(blind, { [`${kind}_epoch`]: null, [`${kind}_seq`]: null });
    blind.degraded = ['store_unavailable'];
    await world.commit();
    const files = memoryObjectStore();
    await createExport({ set, labelsAsOfMicros: START + 200 * DAY }, { tables: world.tables, files });
    const rows = await readParquetFiles(files, ['all.parquet']);
    const kinds = Object.values(set.kinds);
    const history = kinds.flatMap((plan) => [...plan.outputs, ...plan.labelOutputs].map((at) => set.names[at] ?? ''));
    expect(rows[4]?.degraded).toEqual(['store_unavailable']);
    expect(history.map((name) => rows[4]?.[name] ?? null)).toEqual(history.map(() => null));
    expect(history.some((name) => rows[5]?.[name] !== null)).toBe(true);
  });

  it('is not verified where a file, or time itself, was changed', async () => {
    const world = await silverWorld(set);
    for (let number = 0; number < 20; number += 1) {
      world.pay(rowOf(idOf(number), START + number * DAY, 100, 1, 1), START + number * DAY, 'APPROVE');
      if (number === 9) world.label(idOf(3), 'AGREED', START + 8 * DAY, START + 9 * DAY);
    }
    await world.commit();
    const files = memoryObjectStore();
    const ports = { tables: world.tables, files };
    const options = { set, labelsAsOfMicros: START + 200 * DAY, horizonMicros: 10 * DAY };
    const manifest = await createExport(options, ports);
    expect((await verifyExport(ports)).ok).toBe(true);
    // A decision that claims to have seen a label of its future: the label of payment 3 came after payment 5.
    const [row] = (await readParquetFiles(files, ['all.parquet'])).filter((cells) => cells.end_to_end_id === idOf(5));
    expect(row?.agreed_ever).toBe(0);
    const decision = world.decisions[5] as Record<string, unknown>;
    decision.payee_seq = 12;
    const future = await silverWorld(set);
    await future.tables.table('silver/transactions').append({ rows: [...world.rows] });
    await future.tables.table('silver/decisions').append({ rows: world.decisions });
    await future.tables.table('silver/labels').append({ rows: [...world.labels] });
    await future.commit();
    const skew = await compareServed(future.tables, set);
    expect(skew.differingDecisions).toBe(1);
    expect(skew.first?.endToEndId).toBe(idOf(5));
    const versions = { ...manifest.tables };
    await files.put(
      'manifest.json',
      Buffer.from(JSON.stringify({ ...manifest, tables: { ...versions, 'silver/labels': 1 } })),
    );
    const report = await verifyExport({ tables: future.tables, files });
    expect(report).toMatchObject({ ok: false });
    expect(report.difference).toContain(idOf(5));
    const bytes = (await files.get('all.parquet')) as Uint8Array;
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    await files.put('all.parquet', bytes);
    expect((await verifyExport(ports)).difference).toContain('all.parquet was changed');
  });
});
