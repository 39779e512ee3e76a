import { describe, expect, it } from 'vitest';
import { manualClock } from '../../src/base/clock.ts';
import { AppError } from '../../src/base/errors.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { parseCorrection } from '../../src/domain/parse-correction.ts';
import { forgetfulFiles } from '../../src/events/memory-journal-files.ts';
import { examplePayment } from '../payment-example.ts';
import { type ScoringWorld, startWorld } from '../scoring-world.ts';

const START = Date.UTC(2026, 10, 1, 12) * 1000;

/** A payment between few accounts, so that what one decision records another one reads. */
function paymentOf(number: number): Record<string, unknown> {
  return examplePayment({
    endToEndId: `E12345678202611011200${String(number).padStart(11, '0')}`,
    amount: `${(number % 50) + 1}.00`,
    acceptedAt: new Date(START / 1000 + number * 1000).toISOString(),
    payer: { ispb: '12345678', document: '52998224725', account: { number: String(number % 3), type: 'CACC' } },
    payee: { ispb: '12345678', document: '52998224725', account: { number: String(number % 2), type: 'CACC' } },
  });
}

/** Takes the payment of a number back; with another one's number, puts what that pays in its place. */
function correct({ scoring }: ScoringWorld, number: number, other?: number): Promise<boolean> {
  const { endToEndId } = paymentOf(number);
  const payment = other === undefined ? {} : { payment: { ...paymentOf(other), endToEndId } };
  const body = { endToEndId, correctedAt: new Date(START / 1000).toISOString(), ...payment };
  return scoring.recordCorrection({
    parsed: parseCorrection(body),
    source: 'http',
    raw: Buffer.from(JSON.stringify(body)),
  });
}

/** Waits some turns of the event loop: how far work in flight comes before the next fault. */
async function turns(random: Random, most: number): Promise<void> {
  for (let turn = random.below(most); turn > 0; turn -= 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('power cuts under scoring', () => {
  it('200 times: what was answered is answered the same for ever, and the rest can be sent again', async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const random = seededRandom(seed, 7);
      const files = forgetfulFiles();
      const clock = manualClock(START);
      const answered = new Map<number, string>();
      const unanswered = new Set<number>();
      let number = 0;
      for (let cut = 0; cut < 5; cut += 1) {
        const world = await startWorld(files, clock);
        for (const [sent, body] of answered) {
          const again = await world.score(paymentOf(sent));
          expect(again.replayed, `seed ${seed}, cut ${cut}, payment ${sent}`).toBe(true);
          expect(again.body, `seed ${seed}, cut ${cut}, payment ${sent}`).toBe(body);
        }
        const retries = [...unanswered];
        unanswered.clear();
        const inFlight: Promise<void>[] = [];
        for (let burst = 1 + random.below(5); burst > 0; burst -= 1) {
          for (let size = 1 + random.below(6); size > 0; size -= 1) {
            const retry = retries.pop();
            if (retry === undefined) number += 1;
            const sent = retry ?? number;
            unanswered.add(sent);
            clock.advanceTo(clock.nowMicros() + 1000);
            inFlight.push(
              world.score(paymentOf(sent)).then(
                ({ body }) => {
                  answered.set(sent, Buffer.from(body).toString());
                  unanswered.delete(sent);
                },
                () => {},
              ),
            );
          }
          await turns(random, 10);
        }
        files.cutPower(random);
        await Promise.all(inFlight);
        for (const left of retries) unanswered.add(left);
        await world.close();
      }
    }
  });
});

describe('a full disk', () => {
  it('answers 503, takes the state back, and goes on when there is room', async () => {
    const files = forgetfulFiles();
    const clock = manualClock(START);
    const world = await startWorld(files, clock);
    const twin = await startWorld(forgetfulFiles(), clock);
    const both = async (number: number): Promise<[string, string]> => {
      const bodies = await Promise.all(
        [world, twin].map(async (one: ScoringWorld) => (await one.score(paymentOf(number))).body),
      );
      return [bodies[0] ?? '', bodies[1] ?? ''];
    };
    for (let number = 1; number <= 5; number += 1) await both(number);
    files.failWrites('ENOSPC');
    const failures = await Promise.all(
      [
        ...[6, 7].map((number) => world.score(paymentOf(number))),
        correct(world, 2),
        correct(world, 3, 40),
        world.score(paymentOf(8)),
      ].map((sent) => sent.catch((error: unknown) => error)),
    );
    for (const failure of failures) {
      expect(failure).toBeInstanceOf(AppError);
      expect(['disk_full', 'not_durable']).toContain(failure instanceof AppError ? failure.code : '');
    }
    files.failWrites(undefined);
    // The twin never saw the five: equal decisions say that the state has no trace of them.
    for (let number = 9; number <= 14; number += 1) {
      const [ours, theirs] = await both(number);
      expect(ours).toBe(theirs);
    }
    expect(world.store.stats().payments).toBe(twin.store.stats().payments);
    const retried = await world.score(paymentOf(6));
    expect(retried.replayed).toBe(false);
    await world.close();
    await twin.close();
  });
});

describe('corrections', () => {
  it('are in the state that a restart builds from the journal', async () => {
    const files = forgetfulFiles();
    const clock = manualClock(START);
    const first = await startWorld(files, clock);
    const twin = await startWorld(forgetfulFiles(), clock);
    for (const world of [first, twin]) {
      for (let number = 1; number <= 12; number += 1) await world.score(paymentOf(number));
      expect(await correct(world, 2)).toBe(true);
      expect(await correct(world, 3, 40)).toBe(true);
      expect(await correct(world, 4, 41)).toBe(true);
      expect(await correct(world, 4, 42)).toBe(true);
      expect(await correct(world, 99)).toBe(false);
    }
    await first.close();
    const again = await startWorld(files, clock);
    for (let number = 13; number <= 20; number += 1) {
      const [ours, theirs] = await Promise.all([again, twin].map((world) => world.score(paymentOf(number))));
      expect(ours?.body).toBe(theirs?.body);
    }
    await again.close();
    await twin.close();
  });
});
