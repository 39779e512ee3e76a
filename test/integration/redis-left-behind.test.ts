import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { AppError } from '../../src/base/errors.ts';
import type { OnlineState } from '../../src/cli/online-state.ts';
import { openRedisState } from '../../src/cli/redis-state.ts';
import { type Journal, openJournal } from '../../src/events/journal.ts';
import { readJournal } from '../../src/events/journal-reader.ts';
import type { JournalRecord } from '../../src/events/journal-record.ts';
import { localJournalFiles } from '../../src/events/local-journal-files.ts';
import { paymentCodec } from '../../src/events/payment-codec.ts';
import { decodeRecord, encodeRecord } from '../../src/events/record-codec.ts';
import { EmbeddedStore } from '../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import { RedisOnlineStore } from '../../src/features/redis/redis-online-store.ts';
import { bronzeToSilver } from '../../src/pipeline/bronze-to-silver.ts';
import { bronzeWriter } from '../../src/pipeline/bronze-writer.ts';
import { silverPositions } from '../../src/pipeline/silver-plan.ts';
import { labelRequest } from '../../src/scoring/label-records.ts';
import { examplePayment } from '../payment-example.ts';
import { paymentOf, plainSet, rowOf } from '../unit/features/streams.ts';
import { type ExampleLake, entries, exampleLake, idOf, label, T0 } from '../unit/pipeline/lake-example.ts';
import { baseOf, emptyParts, epochOf, NO_HOOKS } from './redis-parts.ts';
import { startRedis, type TestRedis } from './redis-server.ts';

const SET = compileFeatureSet(plainSet(9));

let redis: TestRedis;
let folder: string;
let example: ExampleLake;
/** What stands in Redis before the server starts again, which joins it. */
let before: RedisOnlineStore;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.admin.flushall();
  folder = mkdtempSync(join(tmpdir(), 'sentinela-left-labels-'));
  example = await exampleLake();
  before = new RedisOnlineStore(redis.url, SET, NO_HOOKS, 10_000);
  await before.connect();
  await before.rebuild(epochOf(redis.url, SET));
});
afterEach(async () => {
  await before.close();
  example.remove();
  rmSync(folder, { recursive: true, force: true });
});

const journalFolder = (): string => join(folder, 'journal/main');

function opened(): Promise<Journal> {
  const ignored = { onDurable: () => {}, onLost: () => {}, onFatal: () => {} };
  return openJournal({ files: localJournalFiles(), folder: journalFolder(), newId: randomUUID, ...ignored });
}

const BASE = { reason: 'test', silverVersion: null };

/** A base that holds a payment. */
function stateWith(n: number): EmbeddedStore {
  const state = new EmbeddedStore(SET);
  state.applyRecorded(payment(n, 1));
  return state;
}

/** Starts a server's state on a journal that an earlier process left. */
function started(journal: Journal): Promise<OnlineState> {
  return openRedisState(
    SET,
    { journal, onDurable: () => {}, onLost: () => {} },
    {
      ports: example.ports,
      files: localJournalFiles(),
      journalFolder: journalFolder(),
      logger: pino({ level: 'silent' }),
      redisUrl: redis.url,
      lakeFolder: join(example.folder, 'lake'),
      journals: join(folder, 'journal'),
      epochs: join(folder, 'epochs'),
    },
  );
}

async function recordsIn(journal: Journal): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for await (const group of readJournal(localJournalFiles(), journalFolder(), 0, journal.durablePosition())) {
    for (const { payload } of group) records.push(decodeRecord(payload));
  }
  return records;
}

/** The numbers of labels in the journal, with the payees. */
async function numbersIn(journal: Journal): Promise<unknown[]> {
  return (await recordsIn(journal)).flatMap((record) =>
    record.kind === 'label' && record.number !== null ? [[record.endToEndId, record.payeeAccount, record.number]] : [],
  );
}

const payment = (n: number, payee: number) => paymentOf(rowOf(idOf(n), T0 + n, 1, 1, payee));
/** A label as it is durable before Redis is asked. */
const unnumbered = (n: number) => label(n, 'AGREED', { payeeAccount: null, number: null });

it('a label whose number was given, and journaled by nobody, gets it again after a restart, though the journal takes it late', async () => {
  await before.observePayment(payment(1, 1));
  const journal = await opened();
  const record = unnumbered(1);
  const { position } = await journal.append(encodeRecord(record), 0);
  const { endToEndId, eventTimeMicros } = record;
  const request = labelRequest(journal.id, position);
  // The server died between the answer and its record; others go on.
  const given = await before.observeLabel({
    endToEndId,
    state: 'AGREED',
    eventTimeMicros,
    payeeAccount: null,
    request,
  });
  await before.observePayment(payment(2, 1));

  const append = vi.spyOn(journal, 'append').mockRejectedValueOnce(new AppError('disk_full', 'the disk is full'));
  const state = await started(journal);
  const { payeeAccount, number } = given;
  await expect.poll(() => numbersIn(journal), { timeout: 10_000 }).toEqual([[endToEndId, payeeAccount, number]]);
  expect(append).toHaveBeenCalledTimes(2);
  await state.close();
  await journal.close();
});

it('a label that silver took without a number, Redis being away, gets one after a restart: the epoch begins behind it', async () => {
  const journal = await opened();
  const record = unnumbered(3);
  await journal.append(encodeRecord(record), 0);
  await bronzeWriter(example.lake, journal.id, paymentCodec()).write(entries([record]));
  await bronzeToSilver(example.ports);
  expect((await silverPositions(example.lake)).get(journal.id)).toBe(1);
  const offsets = { [journal.id]: 1 };
  const parts = { ...emptyParts(SET), build: async () => ({ ...baseOf(stateWith(3)), base: { ...BASE, offsets } }) };
  await redis.admin.flushall();
  await before.rebuild(epochOf(redis.url, SET, parts));

  const state = await started(journal);
  const number = { epoch: before.epoch, seq: 1 };
  const given = [record.endToEndId, payment(3, 1).keys.payee, number];
  await expect.poll(() => numbersIn(journal), { timeout: 10_000 }).toEqual([given]);
  await state.close();
  await journal.close();
});

it('a payment that a process left without a number is appended after a restart, unless silver may have it without one', async () => {
  const journal = await opened();
  const nowMicros = Date.now() * 1000;
  for (const [n, minutes] of [
    [4, 11],
    [5, 9],
  ] as const) {
    const endToEndId = idOf(n);
    const raw = Buffer.from(JSON.stringify(examplePayment({ endToEndId })));
    const part = { endToEndId, side: 'PAYER', source: 'http', requestSha256: new Uint8Array(32), raw } as const;
    const knownTimeMicros = nowMicros - minutes * 60_000_000;
    await journal.append(encodeRecord({ kind: 'payment', knownTimeMicros, ...part }), 0);
  }
  const state = await started(journal);
  await expect.poll(async () => (await recordsIn(journal)).length, { timeout: 10_000 }).toBeGreaterThan(2);
  await expect.poll(() => state.gauges.late_appends?.read()).toBe(0);
  expect((await recordsIn(journal)).slice(2)).toMatchObject([
    { kind: 'sequence', endToEndId: idOf(5), isEvent: true, numbers: { payer: { seq: 1 } } },
  ]);
  await state.close();
  await journal.close();
});
