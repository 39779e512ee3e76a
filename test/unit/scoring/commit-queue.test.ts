import { beforeEach, expect, it } from 'vitest';
import { LIMITS } from '../../../src/base/limits.ts';
import { type Journal, openJournal } from '../../../src/events/journal.ts';
import { readJournal } from '../../../src/events/journal-reader.ts';
import { type ForgetfulFiles, forgetfulFiles } from '../../../src/events/memory-journal-files.ts';
import { CommitQueue } from '../../../src/scoring/commit-queue.ts';

const FOLDER = '/journal/one';
const NOT_DURABLE = { status: 'rejected', reason: { code: 'not_durable' } };

let files: ForgetfulFiles;
let journal: Journal;
let queue: CommitQueue;
/** Marks that were durable, and how often state was taken back, in order. */
let told: (number | 'lost')[];

beforeEach(async () => {
  told = [];
  files = forgetfulFiles();
  journal = await openJournal({
    files,
    folder: FOLDER,
    newId: () => '11111111-2222-4333-8444-555555555555',
    onDurable: (mark) => told.push(mark),
    onLost: () => {
      told.push('lost');
      queue.reset();
    },
    onFatal: () => {},
  });
  queue = new CommitQueue(journal);
});

it('goes on after a slot that was given up: what came before is durable, what came after is to be sent again', async () => {
  const [first, second, third, fourth] = [1, 2, 3, 4].map((mark) => queue.enter(mark, 8));
  const after = third?.commit(Buffer.from('third'));
  const given = second?.giveUp();
  const before = first?.commit(Buffer.from('first'));
  const outcomes = await Promise.allSettled([before, after, given]);
  expect(outcomes).toMatchObject([{ status: 'fulfilled' }, NOT_DURABLE, { status: 'fulfilled' }]);
  await expect(fourth?.commit(Buffer.from('fourth'))).rejects.toMatchObject({ code: 'not_durable' });
  expect(told).toEqual([1, 'lost']);

  // Their marks are given again.
  const next = queue.enter(2, 8);
  await next.commit(Buffer.from('next'));
  await next.giveUp();
  await queue.enter(3, 8).commit(Buffer.from('last'));
  expect(told).toEqual([1, 'lost', 2, 3]);
  await journal.close();
  const kept: string[] = [];
  for await (const batch of readJournal(files, FOLDER, 0)) kept.push(...batch.map(({ payload }) => String(payload)));
  expect(kept).toEqual(['first', 'next', 'last']);
});

it('takes state back for a record that the journal refuses, and goes on', async () => {
  const [first, second, third] = [1, 2, 3].map((mark) => queue.enter(mark, 8));
  const outcomes = await Promise.allSettled([
    first?.commit(Buffer.from('first')),
    second?.commit(Buffer.alloc(LIMITS.journalRecordBytes + 1)),
    third?.commit(Buffer.from('third')),
  ]);
  const tooLarge = { status: 'rejected', reason: { code: 'too_large' } };
  expect(outcomes).toMatchObject([{ status: 'fulfilled' }, tooLarge, NOT_DURABLE]);
  await queue.enter(2, 8).commit(Buffer.from('next'));
  expect(told).toEqual([1, 'lost', 2]);

  const late = queue.enter(3, 8);
  await journal.close();
  await expect(late.commit(Buffer.from('late'))).rejects.toMatchObject({ code: 'not_ready' });
  expect(told).toEqual([1, 'lost', 2, 'lost']);
});

it('reckons with what is under way, and has room again for what was rolled back or is durable', async () => {
  const half = LIMITS.journalQueueBytes / 2;
  const first = queue.enter(1, half);
  queue.enter(2, half);
  expect(() => queue.checkRoom(1)).toThrow(expect.objectContaining({ code: 'overloaded' }));
  await first.giveUp();
  queue.checkRoom(LIMITS.journalQueueBytes);

  const payload = Buffer.alloc(LIMITS.journalRecordBytes);
  const written = queue.enter(1, half).commit(payload);
  queue.checkRoom(LIMITS.journalQueueBytes - payload.length);
  expect(() => queue.checkRoom(half * 2 - payload.length + 1)).toThrow(expect.objectContaining({ code: 'overloaded' }));
  await written;
  queue.checkRoom(LIMITS.journalQueueBytes);
  await journal.close();
});
