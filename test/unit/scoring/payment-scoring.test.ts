import { expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { LIMITS } from '../../../src/base/limits.ts';
import { parseCorrection } from '../../../src/domain/parse-correction.ts';
import { parseLabel } from '../../../src/domain/parse-label.ts';
import { forgetfulFiles } from '../../../src/events/memory-journal-files.ts';
import type { CommitQueue } from '../../../src/scoring/commit-queue.ts';
import type { Scorer } from '../../../src/scoring/scorer.ts';
import { examplePayment } from '../../payment-example.ts';
import { LINEAR_SCORER, type ScoringWorld, startWorld } from '../../scoring-world.ts';

const START = Date.UTC(2026, 10, 1, 12) * 1000;
const AT = new Date(START / 1000).toISOString();
const idOf = (number: number): string => `E12345678202611011200${String(number).padStart(11, '0')}`;
const paymentOf = (number: number) => examplePayment({ endToEndId: idOf(number), amount: `${number}.00` });

const labelled = ({ scoring }: ScoringWorld, number: number, raw?: Uint8Array): Promise<void> => {
  const body = { endToEndId: idOf(number), state: 'AGREED', eventTime: AT };
  return scoring.recordLabel({
    parsed: parseLabel(body),
    source: 'http',
    raw: raw ?? Buffer.from(JSON.stringify(body)),
  });
};
const corrected = ({ scoring }: ScoringWorld, number: number, raw?: Uint8Array): Promise<boolean> => {
  const body = { endToEndId: idOf(number), correctedAt: AT };
  const parsed = parseCorrection(body);
  return scoring.recordCorrection({ parsed, source: 'http', raw: raw ?? Buffer.from(JSON.stringify(body)) });
};
/** Bytes that cannot be encoded, as none are that come from outside. */
const unwritable = Object.defineProperty({ length: 8 }, 0, {
  get: () => {
    throw new TypeError('not to be read');
  },
}) as Uint8Array;

it('goes on after a payment, a label and a correction that have no record, and its state has no trace of them', async () => {
  let isWrong = false;
  // A score that no decision can say.
  const scorer: Scorer = {
    ...LINEAR_SCORER,
    score: (row) => (isWrong ? Promise.resolve(NaN) : LINEAR_SCORER.score(row)),
  };
  const clock = manualClock(START);
  const files = forgetfulFiles();
  const world = await startWorld(files, clock, scorer);
  const twin = await startWorld(forgetfulFiles(), clock);
  for (const one of [world, twin]) await one.score(paymentOf(1));

  isWrong = true;
  await expect(world.score(paymentOf(2))).rejects.toThrow();
  isWrong = false;
  await expect(labelled(world, 1, unwritable)).rejects.toThrow(TypeError);
  await expect(corrected(world, 1, unwritable)).rejects.toThrow(TypeError);
  for (const number of [3, 2, 4]) {
    const [ours, theirs] = await Promise.all([world, twin].map((one) => one.score(paymentOf(number))));
    expect(ours?.replayed).toBe(false);
    expect(ours?.body).toBe(theirs?.body);
  }
  await world.close();
  const again = await startWorld(files, clock);
  expect(again.store.stats()).toEqual(twin.store.stats());
  for (const one of [again, twin]) await one.close();
});

it('refuses what the disk has no room for before it touches state: sent again, it is an event as any other', async () => {
  const clock = manualClock(START);
  const files = forgetfulFiles();
  let queue: CommitQueue | undefined;
  const world = await startWorld(files, clock, LINEAR_SCORER, (parts) => {
    queue = parts.queue;
    return parts;
  });
  const twin = await startWorld(forgetfulFiles(), clock);
  for (const one of [world, twin]) await one.score(paymentOf(1));
  const requests = [
    (one: ScoringWorld) => one.score(paymentOf(2)),
    (one: ScoringWorld) => labelled(one, 1),
    (one: ScoringWorld) => corrected(one, 1),
  ];

  const full = queue?.enter(0, LIMITS.journalQueueBytes);
  for (const send of requests) await expect(send(world)).rejects.toMatchObject({ code: 'overloaded' });
  expect(world.store.isSettled).toBe(true);
  await full?.giveUp();
  for (const one of [world, twin]) for (const send of requests) await send(one);
  const [ours, theirs] = await Promise.all([world, twin].map((one) => one.score(paymentOf(3))));
  expect(ours?.body).toBe(theirs?.body);
  await world.close();
  const again = await startWorld(files, clock);
  expect(again.store.stats()).toEqual(twin.store.stats());
  for (const one of [again, twin]) await one.close();
});
