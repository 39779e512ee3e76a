import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { AppError } from '../../../src/base/errors.ts';
import { type Journal, openJournal } from '../../../src/events/journal.ts';
import { localJournalFiles } from '../../../src/events/local-journal-files.ts';
import { paymentCodec } from '../../../src/events/payment-codec.ts';
import { encodeRecord } from '../../../src/events/record-codec.ts';
import { runBronzeConsumer } from '../../../src/pipeline/bronze-consumer.ts';
import { type Lake, openLake } from '../../../src/pipeline/lake.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { type ExampleLake, exampleLake, JOURNAL, label, scored } from './lake-example.ts';

let example: ExampleLake;
let journal: Journal;
let folder: string;
const files = localJournalFiles();

async function open(): Promise<Journal> {
  return openJournal({ files, folder, newId: () => JOURNAL, onDurable: () => {}, onLost: () => {}, onFatal: () => {} });
}

beforeEach(async () => {
  example = await exampleLake();
  folder = join(example.folder, 'journal/local');
  journal = await open();
});
afterEach(async () => {
  await journal.close();
  example.remove();
});

async function append(from: number, to: number): Promise<void> {
  const all = Array.from({ length: to - from + 1 }, (_, n) => from + n);
  await Promise.all(all.map((n) => journal.append(encodeRecord(n % 10 === 0 ? label(n, 'AGREED') : scored(n)), n)));
}

/** A consumer that runs until it is stopped. */
function consume(lake: Lake = example.lake) {
  const stopping = new AbortController();
  const committed: number[] = [];
  const failures: AppError[] = [];
  const done = runBronzeConsumer({
    files,
    folder,
    journalId: JOURNAL,
    lake,
    codec: paymentCodec(),
    clock: systemClock(),
    durablePosition: () => journal.durablePosition(),
    onCommitted: (position) => committed.push(position),
    onFailure: (error) => failures.push(error),
    signal: stopping.signal,
  });
  return {
    committed,
    failures,
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!condition() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(condition()).toBe(true);
}

const positions = async (table: 'transactions' | 'labels'): Promise<number[]> =>
  (await example.rows(`bronze/${table}`)).map((row) => Number(row.journal_position)).sort((a, b) => a - b);
const upTo = (last: number, isLabel: boolean): number[] =>
  Array.from({ length: last }, (_, n) => n + 1).filter((n) => (n % 10 === 0) === isLabel);

describe('the consumer of a journal', () => {
  it('puts records into bronze within the promised lag, and tells how far it is', async () => {
    const consumer = consume();
    await append(1, 25);
    const start = Date.now();
    await until(() => consumer.committed.at(-1) === 25);
    expect(Date.now() - start).toBeLessThan(5000);
    expect(await positions('transactions')).toEqual(upTo(25, false));
    expect(await positions('labels')).toEqual([10, 20]);
    await consumer.stop();
  });

  it('writes what is durable before it ends, and goes on from there', async () => {
    await append(1, 12);
    await consume().stop();
    expect(await positions('transactions')).toEqual(upTo(12, false));
    await append(13, 30);
    const second = consume();
    await second.stop();
    expect(second.committed).toEqual([12, 30]);
    expect(await positions('transactions')).toEqual(upTo(30, false));
  });

  it('takes more records than one batch holds in several commits', async () => {
    await append(1, 9000);
    const consumer = consume();
    await consumer.stop();
    expect(consumer.committed).toEqual([0, 8192, 9000]);
    expect(await positions('transactions')).toEqual(upTo(9000, false));
  }, 30_000);

  it('tells of a full disk, tries again, and loses and doubles nothing', async () => {
    let room = true;
    const full = async <T>(act: () => Promise<T>): Promise<T> => {
      if (!room) throw new AppError('disk_full', 'no room');
      return act();
    };
    const { store } = example.lake;
    let puts = 0;
    const limited: ObjectStore = {
      ...store,
      put: (key, bytes) => full(() => store.put(key, bytes)),
      putIfAbsent: async (key, bytes) => {
        puts += 1;
        // Between the commits of two tables.
        if (puts === 2) room = false;
        return full(() => store.putIfAbsent(key, bytes));
      },
    };
    const consumer = consume(openLake(limited, example));
    await append(1, 25);
    await until(() => consumer.failures.length > 0);
    expect(consumer.failures[0]?.code).toBe('disk_full');
    await append(26, 40);
    room = true;
    await until(() => consumer.committed.at(-1) === 40);
    await consumer.stop();
    expect(await positions('transactions')).toEqual(upTo(40, false));
    expect(await positions('labels')).toEqual(upTo(40, true));
  }, 30_000);
});
