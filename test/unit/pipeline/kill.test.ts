import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalRecord } from '../../../src/events/journal-record.ts';
import { paymentCodec } from '../../../src/events/payment-codec.ts';
import { bronzeToSilver } from '../../../src/pipeline/bronze-to-silver.ts';
import { bronzeWriter } from '../../../src/pipeline/bronze-writer.ts';
import { openLake } from '../../../src/pipeline/lake.ts';
import { silverToGold } from '../../../src/pipeline/silver-to-gold.ts';
import { storeThatDies } from './failing-store.ts';
import { type ExampleLake, entries, exampleLake, idOf, JOURNAL, label, scored } from './lake-example.ts';

let example: ExampleLake;

beforeEach(async () => {
  example = await exampleLake();
});
afterEach(() => example.remove());

const RECORDS: readonly JournalRecord[] = [
  { kind: 'epoch', knownTimeMicros: 1_793_000_000_000_000, epoch: 1, reason: 'start', silverVersion: 0, offsets: {} },
  ...Array.from({ length: 9 }, (_, n) => (n % 3 === 2 ? label(n, 'AGREED') : scored(n + 1))),
];
const LAST = RECORDS.length;

describe('a writer of bronze that is killed', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('after %i writes leaves each record once', async (writes) => {
    const dying = storeThatDies(example.lake.store, writes);
    const first = bronzeWriter(openLake(dying, example), JOURNAL, paymentCodec());
    await first.write(entries(RECORDS.slice(0, 6))).catch(() => undefined);
    // The next process cuts its batches elsewhere.
    const second = bronzeWriter(openLake(example.lake.store, example), JOURNAL, paymentCodec());
    const from = await second.committedPosition();
    expect([0, 6]).toContain(from);
    if (from < 8) await second.write(entries(RECORDS.slice(from, 8), from + 1));
    await second.write(entries(RECORDS.slice(8), 9));
    expect(await second.committedPosition()).toBe(LAST);
    const positions = async (table: 'transactions' | 'decisions' | 'labels' | 'epochs'): Promise<number[]> =>
      (await example.rows(`bronze/${table}`)).map((row) => Number(row.journal_position)).sort((a, b) => a - b);
    expect(await positions('transactions')).toEqual([2, 3, 5, 6, 8, 9]);
    expect(await positions('decisions')).toEqual([2, 3, 5, 6, 8, 9]);
    expect(await positions('labels')).toEqual([4, 7, 10]);
    expect(await positions('epochs')).toEqual([1]);
  });

  it('and one that writes the same at once give each record once', async () => {
    const writers = [0, 1].map(() => bronzeWriter(openLake(example.lake.store, example), JOURNAL, paymentCodec()));
    await Promise.all(writers.map((writer) => writer.write(entries(RECORDS)).catch(() => undefined)));
    await writers[0]?.write(entries(RECORDS));
    expect(await example.rows('bronze/transactions')).toHaveLength(6);
    expect(await example.rows('bronze/labels')).toHaveLength(3);
  });
});

describe('a job that is killed', () => {
  it('at any write leaves silver and gold as one that was not', async () => {
    const bad = scored(20, { raw: Buffer.from('?') });
    await bronzeWriter(example.lake, JOURNAL, paymentCodec()).write(entries([...RECORDS, bad]));
    let runs = 0;
    for (let writes = 0; ; writes += 1) {
      const dying = storeThatDies(example.lake.store, writes);
      const ports = { ...example.ports, lake: openLake(dying, example) };
      await bronzeToSilver(ports)
        .then(() => silverToGold(ports))
        .catch(() => undefined);
      runs += 1;
      if (!dying.died) break;
    }
    expect(runs).toBeGreaterThan(5);
    const ids = (await example.rows('silver/transactions')).map((row) => row.end_to_end_id).sort();
    expect(ids).toEqual([1, 2, 4, 5, 7, 8].map(idOf));
    expect(await example.rows('silver/decisions')).toHaveLength(7);
    expect(await example.rows('silver/labels')).toHaveLength(3);
    expect(await example.rows('silver/epochs')).toHaveLength(1);
    expect(await example.rows('quarantine/transactions')).toHaveLength(1);
    const [daily] = await example.rows('gold/daily_payments');
    expect(daily).toMatchObject({ payment_count: 6n, total_centavos: 3000n, mean_centavos: 500 });
  });
});
