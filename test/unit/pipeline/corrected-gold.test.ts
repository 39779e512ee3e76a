import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_NUMBERS } from '../../../src/domain/entity-keys.ts';
import { LABEL_STATES, type LabelState } from '../../../src/domain/label.ts';
import type { JournalRecord } from '../../../src/events/journal-record.ts';
import { paymentCodec } from '../../../src/events/payment-codec.ts';
import { EmbeddedStore } from '../../../src/features/embedded/embedded-store.ts';
import { bronzeToSilver } from '../../../src/pipeline/bronze-to-silver.ts';
import { bronzeWriter } from '../../../src/pipeline/bronze-writer.ts';
import { sourceId } from '../../../src/pipeline/job.ts';
import { openLake } from '../../../src/pipeline/lake.ts';
import { silverToGold } from '../../../src/pipeline/silver-to-gold.ts';
import { SET } from '../../scoring-world.ts';
import { recordsOf, someSteps } from './corrected-steps.ts';
import { storeThatDies } from './failing-store.ts';
import {
  correction,
  type ExampleLake,
  entries,
  exampleLake,
  JOURNAL,
  label,
  numbered,
  scored,
  T0,
} from './lake-example.ts';

let example: ExampleLake;

beforeEach(async () => {
  example = await exampleLake();
});
afterEach(() => example.remove());

const DAY = Date.UTC(2026, 10, 1) / 86_400_000;
const NEXT_DAY = { acceptedAt: '2026-11-02T15:00:00.000Z' };

async function write(records: readonly JournalRecord[], from: number): Promise<void> {
  await bronzeWriter(example.lake, JOURNAL, paymentCodec()).write(entries(records, from));
  await bronzeToSilver(example.ports);
}

async function add(records: readonly JournalRecord[], from: number): Promise<void> {
  await write(records, from);
  await silverToGold(example.ports);
}

/** Rows of gold as numbers: day (from the first), side where there is one, counts and sums. */
async function gold(table: 'gold/daily_payments' | 'gold/fraud_daily'): Promise<unknown[]> {
  const rows = (await example.rows(table)).map(({ day, mean_centavos: _, ...rest }) => [
    Number(day) - DAY,
    ...Object.values(rest).map((value) => (typeof value === 'bigint' ? Number(value) : value)),
  ]);
  return rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** Counts of fraud by civil month. */
async function fraudByMonth(): Promise<Record<string, number[]>> {
  const rows = await example.rows('gold/fraud_monthly');
  return Object.fromEntries(
    rows.map(({ month, ...counts }) => [monthOf(Number(month) - DAY), Object.values(counts).map(Number)]),
  );
}

/** Days' rows summed by month. @param days as {@link gold} gives them. */
function summed(days: readonly number[][]): Record<string, number[]> {
  const months: Record<string, number[]> = {};
  for (const [day = 0, ...counts] of days) {
    const sums = months[monthOf(day)];
    months[monthOf(day)] = sums === undefined ? counts : sums.map((sum, at) => sum + (counts[at] as number));
  }
  return months;
}

function monthOf(day: number): string {
  return new Date((DAY + day) * 86_400_000).toISOString().slice(0, 7);
}

describe('gold of corrected payments', () => {
  it('does not count one that was taken back, on either side, and no day of nothing but these', async () => {
    await add([scored(1), scored(1, { side: 'PAYEE', isEvent: false }), scored(2), scored(3, {}, NEXT_DAY)], 1);
    await add([correction(1, null), correction(3, null)], 5);
    expect(await gold('gold/daily_payments')).toEqual([[0, 'PAYER', 1, 250]]);
    expect(await gold('gold/fraud_daily')).toEqual([[0, 1, 0, 0, 0]]);
  });

  it('counts one that was replaced as it is now, on the day that it has now', async () => {
    await add([scored(1), scored(1, { side: 'PAYEE', isEvent: false }), scored(2), label(1, 'AGREED')], 1);
    await add([correction(1, { amount: '7.00', ...NEXT_DAY })], 5);
    const moved = [
      [0, 'PAYER', 1, 250],
      [1, 'PAYEE', 1, 700],
      [1, 'PAYER', 1, 700],
    ];
    expect(await gold('gold/daily_payments')).toEqual(moved);
    expect(await gold('gold/fraud_daily')).toEqual([
      [0, 1, 0, 0, 0],
      [1, 1, 0, 1, 700],
    ]);
    // And back again, dearer: the day in between is no more.
    await add([correction(1, { amount: '8.00' }, { retracted: numbered(2000), replaced: numbered(2001) })], 6);
    expect(await gold('gold/daily_payments')).toEqual([
      [0, 'PAYEE', 1, 800],
      [0, 'PAYER', 2, 1050],
    ]);
    expect(await gold('gold/fraud_daily')).toEqual([[0, 2, 0, 1, 800]]);
  });

  it('counts one on its civil day also where clocks went by the sun', async () => {
    await add([scored(1), scored(2)], 1);
    await add(
      [
        correction(1, { acceptedAt: '1910-03-02T03:05:00.000Z' }),
        correction(2, { acceptedAt: '1910-03-02T03:10:00.000Z' }),
      ],
      3,
    );
    const first = Date.UTC(1910, 2, 1) / 86_400_000 - DAY;
    const found = (await gold('gold/fraud_daily')) as number[][];
    expect(found.sort(([a = 0], [b = 0]) => a - b)).toEqual([
      [first, 1, 0, 0, 0],
      [first + 1, 1, 0, 0, 0],
    ]);
  });

  it('keeps one that was moved to a day that another payment makes anew', async () => {
    await add([scored(1), correction(1, { amount: '7.00', ...NEXT_DAY })], 1);
    await add([scored(2, {}, NEXT_DAY)], 3);
    expect(await gold('gold/daily_payments')).toEqual([[1, 'PAYER', 2, 950]]);
    expect(await gold('gold/fraud_daily')).toEqual([[1, 2, 0, 0, 0]]);
  });

  it('counts a second side and a label of a payment that was corrected before they came', async () => {
    await add([scored(1), scored(2), correction(1, { amount: '7.00', ...NEXT_DAY }), correction(2, null)], 1);
    const late = [1, 2].map((n) => scored(n, { side: 'PAYEE', isEvent: false }));
    await add([...late, label(1, 'AGREED'), label(2, 'AGREED')], 5);
    expect(await gold('gold/daily_payments')).toEqual([
      [1, 'PAYEE', 1, 700],
      [1, 'PAYER', 1, 700],
    ]);
    expect(await gold('gold/fraud_daily')).toEqual([[1, 1, 0, 1, 700]]);
  });

  it('counts one that came after its correction as it says', async () => {
    const early = correction(1, null, { isApplied: false, retracted: NO_NUMBERS });
    await add([early, scored(1)], 1);
    expect(await gold('gold/daily_payments')).toEqual([[0, 'PAYER', 1, 150]]);
  });

  it('takes the replaced time at 23:30 in São Paulo as of that day, though UTC has the next', async () => {
    await add([scored(1), correction(1, { amount: '1.50', acceptedAt: '2026-11-02T02:30:00.000Z' })], 1);
    expect(await gold('gold/daily_payments')).toEqual([[0, 'PAYER', 1, 150]]);
    const midnight = { amount: '1.50', acceptedAt: '2026-11-02T03:00:00.000Z' };
    await add([correction(1, midnight, { retracted: numbered(9), replaced: numbered(10) })], 3);
    expect(await gold('gold/daily_payments')).toEqual([[1, 'PAYER', 1, 150]]);
  });

  it('follows the last epoch, whatever an import says of when it was known', async () => {
    const later = { knownTimeMicros: T0, retracted: numbered(1, 2), replaced: numbered(2, 2) };
    await add([scored(1), correction(1, { amount: '7.00' }), correction(1, { amount: '8.00' }, later)], 1);
    expect(await gold('gold/daily_payments')).toEqual([[0, 'PAYER', 1, 800]]);
  });

  it('makes anew only the days that a correction touches, and nothing the second time', async () => {
    await add([scored(1), scored(2, {}, NEXT_DAY), scored(3, {}, { acceptedAt: '2026-11-03T15:00:00.000Z' })], 1);
    const daily = example.lake.table('gold/daily_payments');
    const before = await daily.snapshot();
    await add([correction(1, { amount: '7.00', ...NEXT_DAY })], 4);
    const after = await daily.snapshot();
    const kept = after.files.filter(({ key }) => before.files.some((file) => file.key === key));
    expect(kept.map(({ partitionValues }) => partitionValues.day)).toEqual(['2026-11-03']);
    await bronzeToSilver(example.ports);
    expect(await silverToGold(example.ports)).toMatchObject({ read: 0, written: 0 });
    expect((await daily.snapshot()).version).toBe(after.version);
  });

  it('restates what a program that knew no corrections counted, and only where there are some', async () => {
    await write([scored(1), scored(2)], 1);
    const table = example.lake.table('gold/daily_payments');
    const silver = await example.lake.table('silver/transactions').snapshot();
    await table.replacePartitions({
      partitions: [{ day: '2026-11-01' }],
      rows: [{ day: DAY, side: 'PAYER', payment_count: 2n, total_centavos: 400n, mean_centavos: 200 }],
      txn: [{ appId: sourceId(silver), version: silver.version }],
      basedOn: await table.snapshot(),
      operation: 'WRITE',
    });
    await silverToGold(example.ports);
    expect((await table.snapshot()).version).toBe(1);
    await write([correction(1, null)], 3);
    await silverToGold(example.ports);
    expect(await gold('gold/daily_payments')).toEqual([[0, 'PAYER', 1, 250]]);
  });

  it('is what a loop over all records counts, run by run, killed in any of them', { timeout: 600_000 }, async () => {
    const aLabel = fc.record({
      at: fc.nat(60),
      id: fc.integer({ min: 1, max: 6 }),
      state: fc.constantFrom(...LABEL_STATES),
    });
    let corrected = 0;
    await fc.assert(
      fc.asyncProperty(
        someSteps({ minLength: 15, maxLength: 50 }),
        fc.array(aLabel, { maxLength: 10 }),
        fc.array(fc.record({ share: fc.nat(100), writes: fc.nat(6) }), { minLength: 1, maxLength: 3 }),
        async (steps, labels, runs) => {
          example.remove();
          example = await exampleLake();
          const live = new EmbeddedStore(SET, { maxPayments: 1000 });
          live.openEpoch(1);
          const records = recordsOf(live, steps);
          for (const [order, { at, id, state }] of labels.entries()) {
            const eventTimeMicros = T0 + ((order * 7) % 10) * 1_000_000;
            records.splice(at, 0, label(id, state, { eventTimeMicros }));
          }
          corrected += records.filter((record) => record.kind === 'correction' && record.isApplied).length;
          const shares = [...runs.map(({ share }) => share), 100].sort((a, b) => a - b);
          let done = 0;
          for (const [run, share] of shares.entries()) {
            const through = Math.round((records.length * share) / 100);
            if (through > done) await write(records.slice(done, through), done + 1);
            done = through;
            const dying = storeThatDies(example.lake.store, runs[run]?.writes ?? 0);
            await silverToGold({ ...example.ports, lake: openLake(dying, example) }).catch(() => undefined);
            await silverToGold(example.ports);
            const expected = naiveGold(records.slice(0, through));
            expect([await gold('gold/daily_payments'), await gold('gold/fraud_daily')]).toEqual(expected);
            expect(await fraudByMonth()).toEqual(summed(expected[1] as number[][]));
          }
        },
      ),
      { numRuns: Number(process.env.GOLD_RUNS ?? 3), endOnFailure: true },
    );
    expect(corrected).toBeGreaterThan(1);
  });
});

/** A payment as its last record says, and how it was presented. */
interface NaivePayment {
  readonly sides: Map<string, NaiveAmount>;
  readonly first: NaiveAmount;
  now: NaiveAmount | 'gone' | undefined;
}

interface NaiveAmount {
  readonly day: number;
  readonly centavos: number;
}

function amountOf(body: Record<string, string>): NaiveAmount {
  // São Paulo is three hours behind in 2026.
  const day = Math.floor((Date.parse(body.acceptedAt ?? '') / 3_600_000 - 3) / 24) - DAY;
  return { day, centavos: Math.round(Number(body.amount) * 100) };
}

/** Both tables of gold, by a loop over the records. */
function naiveGold(records: readonly JournalRecord[]): unknown[] {
  const payments = new Map<string, NaivePayment>();
  const states = new Map<string, { readonly state: LabelState; readonly at: number }>();
  const codec = paymentCodec();
  for (const record of records) {
    if (record.kind === 'scored') {
      const amount = amountOf(codec.decodeBody(record.source, record.raw) as Record<string, string>);
      const payment = payments.get(record.endToEndId) ?? { sides: new Map(), first: amount, now: undefined };
      payment.sides.set(record.side, amount);
      payments.set(record.endToEndId, payment);
    } else if (record.kind === 'correction') {
      const payment = payments.get(record.endToEndId);
      const body = codec.decodeCorrection(record.source, record.raw) as { payment?: Record<string, string> };
      if (payment !== undefined) payment.now = body.payment === undefined ? 'gone' : amountOf(body.payment);
    } else if (record.kind === 'label') {
      const last = states.get(record.endToEndId);
      if (last === undefined || record.eventTimeMicros >= last.at) {
        states.set(record.endToEndId, { state: record.state, at: record.eventTimeMicros });
      }
    }
  }
  const daily = new Map<string, [number, string, number, number]>();
  const fraud = new Map<number, [number, number, number, number, number]>();
  for (const [id, { sides, first, now }] of payments) {
    if (now === 'gone') continue;
    for (const [side, own] of sides) {
      const { day, centavos } = now ?? own;
      const [, , count, total] = daily.get(`${day} ${side}`) ?? [day, side, 0, 0];
      daily.set(`${day} ${side}`, [day, side, count + 1, total + centavos]);
    }
    const { day, centavos } = now ?? first;
    const [, count, contested, agreed, total] = fraud.get(day) ?? [day, 0, 0, 0, 0];
    const state = states.get(id)?.state;
    const isAgreed = state === 'AGREED' ? 1 : 0;
    fraud.set(day, [
      day,
      count + 1,
      contested + (state === 'CONTESTED' ? 1 : 0),
      agreed + isAgreed,
      total + isAgreed * centavos,
    ]);
  }
  return [daily, fraud].map((table) =>
    [...table.values()].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
  );
}
