import { beforeEach, expect, it } from 'vitest';
import { type Journal, openJournal } from '../../../src/events/journal.ts';
import { readJournal } from '../../../src/events/journal-reader.ts';
import { forgetfulFiles } from '../../../src/events/memory-journal-files.ts';
import { CommitQueue } from '../../../src/scoring/commit-queue.ts';

const FOLDER = '/journal/one';
const NOT_DURABLE = { status: 'rejected', reason: { code: 'not_durable' } };

const files = forgetfulFiles();
let journal: Journal;
let queue: CommitQueue;
/** Marks that were durable, and how often state was taken back, in order. */
let told: (number | 'lost')[];

beforeEach(async () => {
  told = [];
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
  const [first, second, third, fourth] = [1, 2, 3, 4].map((mark) => queue.enter(mark));
  const after = third?.commit(Buffer.from('third'));
  const given = second?.giveUp();
  const before = first?.commit(Buffer.from('first'));
  const outcomes = await Promise.allSettled([before, after, given]);
  expect(outcomes).toMatchObject([{ status: 'fulfilled' }, NOT_DURABLE, { status: 'fulfilled' }]);
  await expect(fourth?.commit(Buffer.from('fourth'))).rejects.toMatchObject({ code: 'not_durable' });
  expect(told).toEqual([1, 'lost']);

  // Their marks are given again.
  const next = queue.enter(2);
  await next.commit(Buffer.from('next'));
  await next.giveUp();
  await queue.enter(3).commit(Buffer.from('last'));
  expect(told).toEqual([1, 'lost', 2, 3]);
  await journal.close();
  const kept: string[] = [];
  for await (const batch of readJournal(files, FOLDER, 0)) kept.push(...batch.map(({ payload }) => String(payload)));
  expect(kept).toEqual(['first', 'next', 'last']);
});
