import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { paymentCodec } from '../../../src/events/payment-codec.ts';
import { bronzeToSilver } from '../../../src/pipeline/bronze-to-silver.ts';
import { bronzeWriter } from '../../../src/pipeline/bronze-writer.ts';
import { ensureLake } from '../../../src/pipeline/lake.ts';
import { silverToGold } from '../../../src/pipeline/silver-to-gold.ts';
import { type ExampleLake, entries, exampleLake, JOURNAL, label, scored } from './lake-example.ts';

let example: ExampleLake;

beforeEach(async () => {
  example = await exampleLake();
});
afterEach(() => example.remove());

const DAY = Date.UTC(2026, 10, 1) / 86_400_000;
const nextDay = { acceptedAt: '2026-11-02T15:00:00.000Z' };

async function add(records: Parameters<typeof entries>[0], from: number): Promise<void> {
  await bronzeWriter(example.lake, JOURNAL, paymentCodec()).write(entries(records, from));
  await bronzeToSilver(example.ports);
}

describe('silver to gold', () => {
  it('counts payments by civil day and side, and their sums exactly', async () => {
    await add([scored(1), scored(2), scored(2, { side: 'PAYEE', isEvent: false }), scored(3, {}, nextDay)], 1);
    await silverToGold(example.ports);
    const rows = await example.rows('gold/daily_payments');
    expect(rows.map((row) => Object.values(row))).toEqual(
      expect.arrayContaining([
        [DAY, 'PAYEE', 1n, 250n, 250],
        [DAY, 'PAYER', 2n, 400n, 200],
        [DAY + 1, 'PAYER', 1n, 350n, 350],
      ]),
    );
    expect(rows).toHaveLength(3);
  });

  it('takes a payment at 23:30 in São Paulo as of that day, though UTC has the next', async () => {
    await add([scored(1, {}, { acceptedAt: '2026-11-02T02:30:00.000Z' })], 1);
    await silverToGold(example.ports);
    expect(await example.rows('gold/daily_payments')).toMatchObject([{ day: DAY }]);
  });

  it('counts a payment of two sides once in fraud_daily, by the latest state of its contest', async () => {
    await add(
      [
        scored(1),
        scored(1, { side: 'PAYEE', isEvent: false }),
        scored(2),
        scored(3),
        label(1, 'CONTESTED', { eventTimeMicros: 2_000_000_000_000_000 }),
        label(1, 'AGREED', { eventTimeMicros: 2_000_000_000_000_001 }),
        label(2, 'CONTESTED'),
        label(3, 'CANCELLED'),
      ],
      1,
    );
    await silverToGold(example.ports);
    expect(await example.rows('gold/fraud_daily')).toEqual([
      { day: DAY, payment_count: 3n, contested_count: 1n, agreed_count: 1n, agreed_centavos: 150n },
    ]);
  });

  it('makes anew only the days that changed, and nothing where none did', async () => {
    await add([scored(1), scored(3, {}, nextDay)], 1);
    await silverToGold(example.ports);
    const fraud = example.lake.table('gold/fraud_daily');
    const before = await fraud.snapshot();
    await silverToGold(example.ports);
    expect((await fraud.snapshot()).version).toBe(before.version);
    await add([label(3, 'AGREED')], 3);
    await silverToGold(example.ports);
    const after = await fraud.snapshot();
    const kept = after.files.filter(({ key }) => before.files.some((file) => file.key === key));
    expect(kept.map(({ partitionValues }) => partitionValues.day)).toEqual(['2026-11-01']);
    expect(await example.rows('gold/fraud_daily')).toEqual(
      expect.arrayContaining([
        { day: DAY + 1, payment_count: 1n, contested_count: 0n, agreed_count: 1n, agreed_centavos: 350n },
      ]),
    );
    // Labels do not touch the table that does not read them.
    expect((await example.lake.table('gold/daily_payments').snapshot()).version).toBe(1);
  });

  it('misses no payment that OPTIMIZE put together with old ones before gold was made', async () => {
    await add([scored(1)], 1);
    await silverToGold(example.ports);
    await add([scored(2)], 2);
    await add([scored(3, {}, nextDay)], 3);
    for (const name of ['silver/transactions', 'silver/decisions'] as const)
      await example.lake.table(name).optimize({});
    await silverToGold(example.ports);
    expect(await example.rows('gold/fraud_daily')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ day: DAY, payment_count: 2n }),
        expect.objectContaining({ day: DAY + 1, payment_count: 1n }),
      ]),
    );
  });
});

describe('gold of silver that lost rows', () => {
  const counts = async (): Promise<unknown[]> => [
    (await example.rows('gold/daily_payments')).map(({ payment_count }) => payment_count),
    (await example.rows('gold/monthly_payments')).map(({ payment_count }) => payment_count),
    (await example.rows('gold/fraud_daily')).map(({ payment_count }) => payment_count),
  ];

  it('is made anew where silver was made anew from bronze, and its versions begin again', async () => {
    for (const n of [1, 2, 3, 4]) {
      await add([scored(n)], n);
      await silverToGold(example.ports);
    }
    await bronzeWriter(example.lake, JOURNAL, paymentCodec()).write(entries([scored(5)], 5));
    rmSync(join(example.folder, 'lake', 'silver'), { recursive: true });
    const ports = { ...example.ports, lake: await ensureLake(example.lake.store, { clock: example.clock }) };
    await bronzeToSilver(ports);
    // One row of payments by day and one of fraud, and the months of both.
    expect(await silverToGold(ports)).toMatchObject({ written: 4 });
    expect(await counts()).toEqual([[5n], [5n], [5n]]);
    expect(await silverToGold(ports)).toMatchObject({ written: 0 });
  });

  it('keeps nothing that a RESTORE or a DELETE took away', async () => {
    await add([scored(1)], 1);
    const silver = example.lake.table('silver/transactions');
    const { version } = await silver.snapshot();
    await add([scored(2)], 2);
    await silverToGold(example.ports);
    expect(await counts()).toEqual([[2n], [2n], [2n]]);
    await silver.restore({ version });
    await silverToGold(example.ports);
    expect(await counts()).toEqual([[1n], [1n], [1n]]);
    await silver.delete({ where: 'true' });
    await silverToGold(example.ports);
    expect(await counts()).toEqual([[], [], []]);
  });
});

describe('gold by month', () => {
  const MONTH = Date.UTC(2026, 10, 1) / 86_400_000;
  const DECEMBER = Date.UTC(2026, 11, 1) / 86_400_000;
  const december = { acceptedAt: '2026-12-01T03:00:00.000Z' };
  /** Still the last of November in São Paulo. */
  const november30 = { acceptedAt: '2026-12-01T02:59:59.999Z' };

  it('is the days summed, by the civil month', async () => {
    await add(
      [scored(1), scored(2, {}, nextDay), scored(3, {}, november30), scored(4, {}, december), label(2, 'AGREED')],
      1,
    );
    await silverToGold(example.ports);
    expect((await example.rows('gold/monthly_payments')).map((row) => Object.values(row))).toEqual(
      expect.arrayContaining([
        [MONTH, 'PAYER', 3n, 750n, 250],
        [DECEMBER, 'PAYER', 1n, 450n, 450],
      ]),
    );
    expect(await example.rows('gold/fraud_monthly')).toEqual(
      expect.arrayContaining([
        { month: MONTH, payment_count: 3n, contested_count: 0n, agreed_count: 1n, agreed_centavos: 250n },
        { month: DECEMBER, payment_count: 1n, contested_count: 0n, agreed_count: 0n, agreed_centavos: 0n },
      ]),
    );
  });

  it('writes only months that came out otherwise, and none that are gone', async () => {
    await add([scored(1), scored(4, {}, december)], 1);
    await silverToGold(example.ports);
    const months = example.lake.table('gold/fraud_monthly');
    const before = await months.snapshot();
    await silverToGold(example.ports);
    expect((await months.snapshot()).version).toBe(before.version);
    await add([label(4, 'AGREED')], 3);
    await silverToGold(example.ports);
    const after = await months.snapshot();
    const kept = after.files.filter(({ key }) => before.files.some((file) => file.key === key));
    expect(kept.map(({ partitionValues }) => partitionValues.month)).toEqual(['2026-11-01']);
    // The days' table lost November.
    const daily = example.lake.table('gold/fraud_daily');
    await daily.replacePartitions({
      partitions: [{ day: '2026-11-01' }],
      rows: [],
      allowEmpty: true,
      basedOn: await daily.snapshot(),
      operation: 'WRITE',
    });
    await silverToGold(example.ports);
    expect(await example.rows('gold/fraud_monthly')).toMatchObject([{ month: DECEMBER, agreed_count: 1n }]);
  });
});
