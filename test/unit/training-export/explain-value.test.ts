import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LABEL_STATES } from '../../../src/domain/label.ts';
import type { FeatureDefinition, LabelFeature, WindowFeature } from '../../../src/features/definition/definition.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { createExport } from '../../../src/training-export/create-export.ts';
import { explainValue } from '../../../src/training-export/explain-value.ts';
import type { ExplainedRecord } from '../../../src/training-export/explained-records.ts';
import type { ExportPorts } from '../../../src/training-export/export-options.ts';
import { extendExport } from '../../../src/training-export/extend-export.ts';
import { rowOf } from '../features/streams.ts';
import { silverWorld } from './silver-world.ts';

const MINUTE = 60_000_000;
const DAY = 1440 * MINUTE;
const START = 20_000 * DAY;
const window = (name: string, rest: Omit<WindowFeature, 'kind' | 'name' | 'description'>): WindowFeature => ({
  kind: 'window',
  name,
  description: '-',
  ...rest,
});
const label = (name: string, rest: Omit<LabelFeature, 'kind' | 'name' | 'description'>): LabelFeature => ({
  kind: 'label',
  name,
  description: '-',
  ...rest,
});
const column = 'amount_centavos';
const set = compileFeatureSet({
  name: 'explained',
  description: '-',
  bound: 64,
  allowedLateness: '1h',
  features: [
    window('payer_count_1h', { entity: 'payer', aggregate: 'count', window: '1h', default: 0 }),
    window('payer_count_ever', { entity: 'payer', aggregate: 'count', window: 'all', default: 0 }),
    window('payee_sum_2h', { entity: 'payee', aggregate: 'sum', column, window: '2h', hop: '10m' }),
    window('pair_max_10m', { entity: 'pair', aggregate: 'max', column, window: '10m' }),
    window('payee_min_30m', { entity: 'payee', aggregate: 'min', column, window: '30m', offset: '5m' }),
    window('small_count_1h', {
      entity: 'payer',
      aggregate: 'count',
      window: '1h',
      filter: 'amount_centavos < 200',
      current: 'include',
    }),
    window('payees_1h', { entity: 'payer', aggregate: 'distinct', column: 'payee_account', window: '1h' }),
    label('agreed', { aggregate: 'count', states: ['AGREED'], default: 0 }),
    label('contested_1h', { aggregate: 'count', states: ['CONTESTED'], window: '1h' }),
    label('agreed_paid_1h', { aggregate: 'count', states: ['AGREED', 'DISAGREED'], window: '1h', on: 'payment' }),
    { kind: 'expression', name: 'share', description: '-', expression: 'amount_centavos / payee_sum_2h' },
  ],
});
const idOf = (number: number): string => `E${String(number).padStart(31, '0')}`;

const someEvents = fc.array(
  fc.record({
    payer: fc.integer({ min: 1, max: 2 }),
    payee: fc.integer({ min: 1, max: 2 }),
    amount: fc.nat(400),
    wait: fc.constantFrom(0, 1, 5, 30),
    late: fc.constantFrom(0, 0, 0, 10),
    label: fc.option(fc.constantFrom(...LABEL_STATES), { freq: 3 }),
    restart: fc.nat(7).map((number) => number === 0),
    /** Corrects one of the payments before: takes it back, or replaces its amount and payee. */
    corrected: fc.option(fc.record({ back: fc.nat(3), amount: fc.option(fc.nat(400)) }), { freq: 2 }),
  }),
  { minLength: 6, maxLength: 25 },
);

/** The value of a feature from the records that count; undefined for what is not so simple. */
function aggregate(feature: FeatureDefinition, records: readonly ExplainedRecord[]): number | null | undefined {
  if (feature.kind === 'expression') return undefined;
  const counted = records.filter(({ counts }) => counts);
  const values = counted.map(({ value }) => Number(value));
  switch (feature.aggregate) {
    case 'count':
      return counted.length;
    case 'sum':
      return values.reduce((sum, value) => sum + value, 0);
    case 'max':
      return values.length === 0 ? null : Math.max(...values);
    case 'min':
      return values.length === 0 ? null : Math.min(...values);
    default:
      return undefined;
  }
}

describe('the explanation of a value', () => {
  it('names the records that make it: counted, summed and compared they give the value', async () => {
    let compared = 0;
    let nonzero = 0;
    await fc.assert(
      fc.asyncProperty(someEvents, fc.nat(3), async (events, chosen) => {
        const world = await silverWorld(set);
        let known = START;
        for (const [number, { payer, payee, amount, wait, late, label, restart, corrected }] of events.entries()) {
          known += wait * MINUTE;
          const row = rowOf(idOf(number), known - late * MINUTE, amount, payer, payee);
          if (restart) world.restart();
          if (number % 2 === 0) world.pay(row, known, 'APPROVE');
          else world.importPayment(row, known);
          if (label !== null) world.label(idOf(Math.max(0, number - 1)), label, known, known);
          if (corrected === null) continue;
          const id = idOf(Math.max(0, number - corrected.back));
          world.correct(id, corrected.amount === null ? null : rowOf(id, known, corrected.amount, payer, payee), known);
        }
        await world.commit();
        const ports: ExportPorts = { tables: world.tables, files: memoryObjectStore() };
        await createExport({ set, labelsAsOfMicros: START + DAY, leakage: 'off' }, ports);
        const id = idOf(events.length - 1 - chosen);
        for (const feature of set.definition.features) {
          const { name } = feature;
          const found = await explainValue(id, name, ports);
          expect(found.exported, name).toBe(found.recomputed === null ? null : Math.fround(found.recomputed));
          const expected = aggregate(feature, found.records);
          if (found.status !== 'present' || expected === undefined) continue;
          expect([name, found.recomputed]).toEqual([name, expected]);
          compared += 1;
          if (expected !== 0) nonzero += 1;
        }
      }),
      { numRuns: 12 },
    );
    expect(compared).toBeGreaterThan(60);
    expect(nonzero).toBeGreaterThan(25);
  }, 400_000);

  it('says of each record why it does not count, and hides what is of a person', async () => {
    const world = await silverWorld(set);
    const pay = (number: number, minute: number, amount = 100): void => {
      world.pay(
        rowOf(idOf(number), START + minute * MINUTE, amount, 1, 1),
        START + Math.max(minute, 100) * MINUTE,
        'APPROVE',
      );
    };
    pay(0, 0);
    pay(1, 90, 500);
    pay(2, 95);
    pay(3, 103);
    pay(4, 100);
    world.label(idOf(1), 'CONTESTED', START + 101 * MINUTE, START + 104 * MINUTE);
    world.label(idOf(1), 'AGREED', START + 102 * MINUTE, START + 104 * MINUTE);
    pay(5, 105);
    pay(6, 106);
    await world.commit();
    const ports: ExportPorts = { tables: world.tables, files: memoryObjectStore() };
    await createExport({ set, labelsAsOfMicros: START + DAY, toMicros: START + 106 * MINUTE, leakage: 'off' }, ports);
    const whyOf = async (row: number, feature: string): Promise<(string | null)[]> =>
      (await explainValue(`${idOf(row)} PAYER`, feature, ports)).records.map(({ why }) => why);
    expect(await whyOf(4, 'payer_count_1h')).toEqual(['is before the window', null, null, 'is after the window']);
    expect(await whyOf(5, 'small_count_1h')).toEqual([
      'is before the window',
      'does not pass the filter',
      null,
      null,
      null,
      // Its own.
      null,
    ]);
    expect(await whyOf(5, 'agreed')).toEqual(['a later state of its payment is known', null]);
    expect(await whyOf(5, 'contested_1h')).toEqual([
      'a later state of its payment is known',
      'is not of a state that counts',
    ]);
    const distinct = await explainValue(idOf(5), 'payees_1h', ports);
    expect(new Set(distinct.records.map(({ value }) => value))).toEqual(new Set(['hidden']));
    const share = await explainValue(idOf(5), 'share', ports);
    expect(share.operands.map(({ name, status }) => [name, status])).toEqual([
      ['amount_centavos', 'of the payment'],
      ['payee_sum_2h', 'present'],
    ]);
    // A row of an extension is explained by the versions of its own.
    await extendExport({ toMicros: START + DAY }, ports);
    const later = await explainValue(idOf(6), 'payer_count_1h', ports);
    expect(later).toMatchObject({ file: 'all.2.parquet', exported: 5, recomputed: 5 });
  });

  it('is refused for what the export does not have', async () => {
    const world = await silverWorld(set);
    const row = rowOf(idOf(1), START, 1, 1, 1);
    world.pay(row, START, 'APPROVE');
    world.pay({ ...row, side: 'PAYEE' }, START, 'ACCEPT');
    await world.commit();
    const ports: ExportPorts = { tables: world.tables, files: memoryObjectStore() };
    await createExport({ set, labelsAsOfMicros: START + DAY, leakage: 'off' }, ports);
    const explained = (key: string, name: string): Promise<unknown> => explainValue(key, name, ports);
    await expect(explained(idOf(1), 'payer_count_1h')).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('write its side too'),
    });
    await expect(explained(idOf(2), 'payer_count_1h')).rejects.toMatchObject({ code: 'not_found' });
    await expect(explained(`${idOf(1)} PAYER`, 'payer_count_1x')).rejects.toMatchObject({
      message: expect.stringContaining('did you mean payer_count_1'),
    });
    const manifest = Buffer.from((await ports.files.get('manifest.json')) ?? []).toString();
    await ports.files.put('manifest.json', Buffer.from(manifest.replace(set.hash, '0'.repeat(64))));
    await expect(explained(`${idOf(1)} PAYER`, 'share')).rejects.toMatchObject({ code: 'export_mismatch' });
  });
});
