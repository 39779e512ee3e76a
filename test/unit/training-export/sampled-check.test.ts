import { beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { type Random, seededRandom } from '../../../src/base/random.ts';
import type { PaymentRow } from '../../../src/domain/payment-row.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { GOLD_FEATURE_CHECKS } from '../../../src/governance/contracts/gold.ts';
import { definitionOf } from '../../../src/governance/contracts/table-contract.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createTable, openTable } from '../../../src/storage/table.ts';
import type { CellRow } from '../../../src/storage/types/cell.ts';
import { compareServed } from '../../../src/training-export/compare-served.ts';
import { checkSample } from '../../../src/training-export/sampled-check.ts';
import type { SampledSkew } from '../../../src/training-export/skew-sample.ts';
import { rowOf, testSet } from '../features/streams.ts';
import { type SilverWorld, silverWorld } from './silver-world.ts';

const START = 20_000 * 86_400_000_000;
const set = compileFeatureSet(testSet(16));
const clock = manualClock(START);
const duckDb = { memoryLimitMb: 256, threads: 1 };
const WHOLE = { share: 1, mostDecisions: 100_000, mostEvents: 1_000_000 };
let store: ObjectStore;
let world: SilverWorld;
let random: Random;
/** Payments that have a second side already: a third would be a repeat of it. */
let seconds: Set<unknown>;

beforeEach(async () => {
  store = memoryObjectStore();
  world = await silverWorld(set, store);
  random = seededRandom(7);
  seconds = new Set();
});

const idOf = (number: number): string => `E${String(number).padStart(31, '0')}`;
const upTo = (most: number): number => random.below(most);

/** One of 40 payers to one of 20 payees, most of them strangers to each other. */
function payment(number: number, t: number): PaymentRow {
  const payer = 1 + upTo(40);
  const payee = 1 + upTo(20);
  return {
    ...rowOf(idOf(number), t, 100 + upTo(3000), payer, payee),
    payer_document: `holder-${payer % 30}`,
    payee_document: `shop-${payee % 15}`,
    pix_key: payee % 2 === 0 ? `key-${payee}` : null,
    device_id: payer % 3 === 0 ? null : `device-${payer}`,
  };
}

/** Payments of few accounts, so that windows, bounds and labels matter; second sides, labels, corrections, imports and restarts among them. */
async function happen(count: number): Promise<void> {
  for (let step = 0; step < count; step += 1) {
    const number = world.rows.length;
    const t = START + number * 20_000_000 - (upTo(9) === 0 ? 90_000_000 : 0);
    const row = payment(number, t);
    const before = world.rows[upTo(number)];
    const kind = number < 5 ? 0 : upTo(12);
    if (kind === 1) world.importPayment(row, t);
    else if (kind === 2 && before?.side === 'PAYER' && !seconds.has(before)) {
      seconds.add(before);
      // The other side may know other keys of the same payment.
      world.pay({ ...row, end_to_end_id: String(before.end_to_end_id), side: 'PAYEE' }, t, 'ACCEPT');
    } else if (kind === 3) world.label(String(before?.end_to_end_id), 'AGREED', t, t);
    else if (kind === 4 && upTo(4) === 0) world.restart();
    else if (kind === 5) {
      const endToEndId = String(before?.end_to_end_id);
      // Half are taken back; the others go to whoever the row names, mostly entities that the first record does not.
      world.correct(endToEndId, upTo(2) === 0 ? null : { ...row, end_to_end_id: endToEndId }, t);
    } else world.pay(row, t, 'APPROVE');
  }
  await world.commit();
}

const check = (draw = WHOLE): Promise<SampledSkew | undefined> =>
  checkSample({ store, tables: world.tables, clock, duckDb }, set, draw);

async function recorded(): Promise<CellRow[]> {
  const rows: CellRow[] = [];
  for await (const row of readRows(await openTable(store, 'gold/feature_checks', { clock }).snapshot())) rows.push(row);
  return rows;
}

/** Serves another value than the one that was computed. */
function breakServed(from: number, place: number): void {
  for (const decision of world.decisions.slice(from)) {
    decision.features = (decision.features as (number | null)[]).with(place, 4711.5);
  }
}

describe('a check of a sample', () => {
  it('of everything is the whole check', async () => {
    await happen(150);
    const found = await check();
    const whole = await compareServed(world.tables, set);
    expect(found).toEqual({ report: whole, leftOut: 0 });
    expect(whole.differingValues).toBe(0);
  });

  it('needs the events of its own entities only: of any sample nothing differs, and what was broken is counted', async () => {
    await happen(200);
    const shares = [0.1, 0.2, 0.5];
    for (const share of shares) {
      const found = await check({ ...WHOLE, share });
      expect(found?.report, String(share)).toMatchObject({ differingValues: 0, first: null });
      expect(found?.report.decisions).toBeGreaterThan(0);
      await happen(100);
    }
    const first = world.decisions.length;
    for (let number = 0; number < 30; number += 1) {
      const at = world.rows.length;
      world.pay(payment(at, START + at * 20_000_000), START + at * 20_000_000, 'HOLD');
    }
    breakServed(first, 3);
    await world.commit();
    const found = await check({ ...WHOLE, share: 0.9 });
    expect(found?.report.decisions).toBeGreaterThan(10);
    expect(found?.report.differingDecisions).toBeGreaterThan(0);
    expect(found?.report.features.filter(({ differing }) => differing > 0)).toMatchObject([
      { feature: set.names[3], differing: found?.report.differingDecisions },
    ]);
    const rows = (await recorded()).filter((row) => row.differing_count !== 0n);
    expect(rows).toMatchObject([{ feature: set.names[3], sampled_share: 0.9 }]);
  });

  it('goes on where the last one ended, also after one that was killed, and of two at once one counts', async () => {
    await happen(60);
    const decided = world.decisions.length;
    // Killed before its commit: nothing of it is anywhere.
    const dying = { ...store, putIfAbsent: () => Promise.reject(new Error('killed')) };
    await expect(checkSample({ store: dying, tables: world.tables, clock, duckDb }, set, WHOLE)).rejects.toThrow();
    const both = await Promise.all([check(), check()]);
    expect(both.filter((found) => found !== undefined)).toHaveLength(1);
    expect(await recorded()).toHaveLength(set.names.length);
    expect(await check()).toBeUndefined();
    await happen(30);
    expect((await check())?.report.decisions).toBe(world.decisions.length - decided);
  });

  it('stays within its bounds, leaving out what would need more events', async () => {
    await happen(150);
    expect((await check({ ...WHOLE, mostDecisions: 7 }))?.report).toMatchObject({ decisions: 7, differingValues: 0 });
    await happen(60);
    const found = await check({ ...WHOLE, mostEvents: 60 });
    expect(found?.leftOut).toBeGreaterThan(0);
    expect(found?.report.differingValues).toBe(0);
    await happen(60);
    const none = await check({ ...WHOLE, mostEvents: 0 });
    expect(none?.report.decisions).toBe(0);
  });

  it('adds its column to a table of an earlier version', async () => {
    const { schema, ...definition } = definitionOf(GOLD_FEATURE_CHECKS);
    const older = schema.fields.filter(({ name }) => name !== 'sampled_share');
    await createTable(store, { ...definition, schema: { ...schema, fields: older } }, { clock });
    await happen(20);
    await check();
    expect((await recorded())[0]).toMatchObject({ sampled_share: 1 });
  });
});
