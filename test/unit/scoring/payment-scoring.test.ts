import { expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { parseCorrection } from '../../../src/domain/parse-correction.ts';
import { parseLabel } from '../../../src/domain/parse-label.ts';
import { forgetfulFiles } from '../../../src/events/memory-journal-files.ts';
import type { Scorer } from '../../../src/scoring/scorer.ts';
import { examplePayment } from '../../payment-example.ts';
import { LINEAR_SCORER, type ScoringWorld, startWorld } from '../../scoring-world.ts';

const START = Date.UTC(2026, 10, 1, 12) * 1000;
const AT = new Date(START / 1000).toISOString();
const idOf = (number: number): string => `E12345678202611011200${String(number).padStart(11, '0')}`;
const paymentOf = (number: number) => examplePayment({ endToEndId: idOf(number), amount: `${number}.00` });

/** A label whose record cannot be encoded: it came without its bytes. */
const brokenLabel = ({ scoring }: ScoringWorld, number: number): Promise<void> => {
  const parsed = parseLabel({ endToEndId: idOf(number), state: 'AGREED', eventTime: AT });
  return scoring.recordLabel({ parsed, source: 'http', raw: undefined as never });
};
const brokenCorrection = ({ scoring }: ScoringWorld, number: number): Promise<boolean> => {
  const parsed = parseCorrection({ endToEndId: idOf(number), correctedAt: AT });
  return scoring.recordCorrection({ parsed, source: 'http', raw: undefined as never });
};

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
  await expect(brokenLabel(world, 1)).rejects.toThrow(TypeError);
  await expect(brokenCorrection(world, 1)).rejects.toThrow(TypeError);
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
