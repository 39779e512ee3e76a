import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../../../src/features/feature-status.ts';
import type { Observation } from '../../../src/features/online-store.ts';
import { type History, type HistoryRows, readHistory } from '../../../src/training-export/read-history.ts';
import { cellAt } from '../../../src/training-export/split-file.ts';
import { readUserRows } from '../../../src/training-export/user-rows.ts';
import { rowOf, testSet } from '../features/streams.ts';
import { type SilverWorld, silverWorld } from './silver-world.ts';

const MINUTE = 60_000_000;
const START = Date.UTC(2026, 0, 1) * 1000;
/** More than one piece of an answer. */
const MANY = 9000;
const FEATURES = ['payer_ever', 'payee_sum_10m', 'amount', 'pair_last'];
const whole = testSet(64);
const set = compileFeatureSet({ ...whole, features: whole.features.filter(({ name }) => FEATURES.includes(name)) });
const idOf = (number: number): string => `E${String(number).padStart(31, '0')}`;
const instantOf = (micros: number): string => new Date(micros / 1000).toISOString();

/** The answer row by row, by the names of its columns. */
async function rowsOf(history: History): Promise<Record<string, unknown>[]> {
  const names = history.schema.fields.map(({ name }) => name);
  const all: Record<string, unknown>[] = [];
  for await (const { columns, rows } of history.pieces()) {
    for (let row = 0; row < rows; row += 1) {
      all.push(Object.fromEntries(names.map((name, at) => [name, cellAt(columns[at], row)])));
    }
  }
  return all;
}

describe('historical reads', () => {
  let world: SilverWorld;
  const served: Observation[] = [];
  const payments: { payer: number; time: number; known: number }[] = [];
  const read = (of: HistoryRows, withStatuses = false): Promise<History> =>
    readHistory(world.tables, set, { of, features: FEATURES, withStatuses, versions: {} });
  beforeAll(async () => {
    world = await silverWorld(set);
    const random = seededRandom(7, 1);
    for (let number = 0; number < 50; number += 1) {
      const payer = 1 + random.below(3);
      const time = START + number * MINUTE;
      // Some are known late, so that known and event time tell different things.
      const known = time + (number % 5 === 0 ? 3 * MINUTE : 1000);
      // An entity's known time never goes back.
      const before = payments.findLast((paid) => paid.payer === payer)?.known ?? 0;
      payments.push({ payer, time, known: Math.max(known, before) });
      served.push(world.pay(rowOf(idOf(number), time, 1 + random.below(900), payer, 1), known, 'APPROVE'));
    }
    await world.commit();
  });

  it('give recorded payments what was served, in the order of the question, over many pieces', async () => {
    const random = seededRandom(7, 2);
    const wanted = Array.from({ length: MANY }, () => random.below(50));
    const of = {
      kind: 'payments',
      payments: wanted.map((number) => ({ endToEndId: idOf(number), side: 'PAYER' as const })),
    } as const;
    const rows = await rowsOf(await read(of, true));
    expect(rows).toHaveLength(MANY);
    for (const [at, row] of rows.entries()) {
      const number = wanted[at] ?? -1;
      const { values, status } = served[number] as Observation;
      const cells = FEATURES.flatMap((name) => {
        const place = set.indexOf(name);
        const value = values[place] as number;
        return [
          [name, Number.isNaN(value) ? null : value],
          [`${name}__status`, FEATURE_STATUS_NAMES[status[place] as number]],
        ];
      });
      const right = { end_to_end_id: idOf(number), side: 'PAYER', event_time: payments[number]?.time };
      if (JSON.stringify(row) !== JSON.stringify({ ...right, ...Object.fromEntries(cells) }))
        expect(row).toEqual({ ...right, ...Object.fromEntries(cells) });
    }
  });

  it('give rows of one’s own what had happened and was known then, over many pieces', async () => {
    const random = seededRandom(7, 3);
    const asked = Array.from({ length: MANY }, () => {
      const time = START + random.below(60 * 60) * 1_000_000;
      return { payer: 1 + random.below(4), time, known: time + random.below(5) * MINUTE };
    });
    const records = asked.map(({ payer, time, known }, at) => ({
      line: at + 1,
      problem: null,
      cells: { event_time: instantOf(time), known_time: instantOf(known), payer_account: `11111111||${payer}` },
    }));
    const header = ['event_time', 'known_time', 'payer_account'];
    async function* once() {
      yield records;
    }
    const rows = await readUserRows(
      { format: 'csv', sha256: '', header, types: new Map(), records: once },
      { columns: {} },
    );
    const answer = await rowsOf(await read({ kind: 'own', rows }));
    expect(answer).toHaveLength(MANY);
    for (const [at, { payer, time, known }] of asked.entries()) {
      const seen = payments.filter((paid) => paid.payer === payer && paid.time <= time && paid.known <= known);
      const { row, event_time, known_time, payer_ever } = answer[at] ?? {};
      const right = [at + 1, time, known, seen.length];
      if ([row, event_time, known_time, payer_ever].some((value, cell) => value !== right[cell]))
        expect([row, event_time, known_time, payer_ever]).toEqual(right);
    }
  });

  it('say which payment is not there, and read nothing', async () => {
    const of = [idOf(1), idOf(99), idOf(98)].map((endToEndId) => ({ endToEndId, side: 'PAYER' as const }));
    await expect(read({ kind: 'payments', payments: of })).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('2 of 3 payments are not in silver.transactions@1, the first in row 1'),
      context: { missing: 2, row: 1 },
    });
    const payee = [{ endToEndId: idOf(1), side: 'PAYEE' as const }];
    await expect(read({ kind: 'payments', payments: payee })).rejects.toMatchObject({ code: 'not_found' });
  });
});
