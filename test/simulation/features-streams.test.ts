import { describe, expect, it } from 'vitest';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { LABEL_STATES } from '../../src/domain/label.ts';
import { EmbeddedStore } from '../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../../src/features/feature-status.ts';
import { PIX_CORE } from '../../src/features/pix-core.ts';
import { OracleStore } from '../unit/features/oracle.ts';
import { feedRecorded } from '../unit/features/recorded-items.ts';
import { paymentOf, rowOf } from '../unit/features/streams.ts';

/*
 * The shipped set, its real bound and windows: a payee so busy that it drops events and lives on its
 * tiles, payers of every habit, late payments, second sides, labels, restarts and lost groups. Every
 * feature of the past equals a loop over all events.
 */

const SECOND = 1_000_000;
const DAY = 86_400 * SECOND;
const START = 20_400 * DAY;
const PAYMENTS = 1200;

function run(seed: number): { compared: number; truncated: number } {
  const set = compileFeatureSet(PIX_CORE);
  const random: Random = seededRandom(seed, 77);
  const history = PIX_CORE.features.filter(({ kind }) => kind === 'window' || kind === 'label');
  const oracle = new OracleStore({ ...PIX_CORE, features: history });
  let store = new EmbeddedStore(set, { maxPayments: 4000 });
  store.openEpoch(1);
  oracle.openEpoch(1);
  let clock = START;
  let compared = 0;
  let truncated = 0;
  let lastMark = 0;
  for (let number = 0; number < PAYMENTS; number += 1) {
    clock += random.chance(0.02) ? random.below(3) * DAY : random.below(900) * SECOND;
    const late = random.chance(0.05) ? random.below(10) * DAY : random.chance(0.1) ? random.below(7200) * SECOND : 0;
    // Payee 1 takes two payments of three; payer 1 makes two of five.
    const payee = random.chance(0.66) ? 1 : 2 + random.below(6);
    const payer = random.chance(0.4) ? 1 : 2 + random.below(30);
    const again = number > 0 && random.chance(0.15);
    const id = `E${String(again ? random.below(number) : number).padStart(31, '0')}`;
    const row = rowOf(id, clock - late, 1 + random.below(50_000_000), payer, payee);
    const payment = paymentOf({ ...row, side: again ? 'PAYEE' : 'PAYER' });
    const expected = oracle.observe({ id, time: row.event_time, row, keys: payment.keys });
    const got = store.observePayment(payment);
    lastMark = got.mark;
    for (const { name } of history) {
      const at = set.indexOf(name);
      const cell = expected.cells.get(name);
      const status = FEATURE_STATUS_NAMES[got.status[at] as number];
      compared += 1;
      if (status === 'truncated') truncated += 1;
      if (cell !== undefined && Object.is(got.values[at], cell.value) && status === cell.status) continue;
      throw new Error(
        `seed ${seed}, payment ${number}: ${name} is ${got.values[at]} (${status}), not ${JSON.stringify(cell)}`,
      );
    }
    if (random.chance(0.04)) {
      const state = LABEL_STATES[random.below(4)] ?? 'AGREED';
      const labelled = `E${String(random.below(number + 1)).padStart(31, '0')}`;
      oracle.label(labelled, state, clock, null);
      store.observeLabel({ endToEndId: labelled, state, eventTimeMicros: clock, payeeAccount: null });
    }
    if (random.chance(0.005)) store.settleUpTo(lastMark);
    if (random.chance(0.003)) {
      store = new EmbeddedStore(set, { maxPayments: 4000 });
      feedRecorded(store, oracle.items);
      store.openEpoch(oracle.epoch + 1);
      oracle.openEpoch(oracle.epoch + 1);
    }
  }
  return { compared, truncated };
}

describe('the shipped feature set', () => {
  for (const seed of [1, 2, 3]) {
    it(`equals a loop over all events, seed ${seed}`, () => {
      const { compared, truncated } = run(seed);
      expect(compared).toBeGreaterThan(60_000);
      // The bound was reached, or this shows nothing of it.
      expect(truncated).toBeGreaterThan(0);
    });
  }
});
