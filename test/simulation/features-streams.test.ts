import { describe, expect, it } from 'vitest';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { LABEL_STATES } from '../../src/domain/label.ts';
import { COLD_SHAPE, type ColdShape } from '../../src/features/cold/cold-layout.ts';
import type { FeatureDefinition, FeatureSetDefinition } from '../../src/features/definition/definition.ts';
import { checkBound } from '../../src/features/definition/definition-check.ts';
import { EmbeddedStore } from '../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../../src/features/feature-status.ts';
import { PIX_CORE } from '../../src/features/pix-core.ts';
import { OracleStore } from '../unit/features/oracle.ts';
import { feedRecorded } from '../unit/features/recorded-items.ts';
import { paymentOf, rowOf } from '../unit/features/streams.ts';

/*
 * The shipped set, its real bound and windows: a payee so busy that it drops events and lives on its
 * tiles, payers of every habit, late payments, second sides, labels, restarts and lost groups; and what of it a set
 * without a bound may have, with corrections of payments of any age. Every feature of the past equals a loop over all
 * events.
 */

const SECOND = 1_000_000;
const DAY = 86_400 * SECOND;
const START = 20_400 * DAY;
/** Whether a set without a bound may have a feature, and what it is made of. */
function isUnbounded(feature: FeatureDefinition): boolean {
  if (feature.kind === 'expression') return false;
  try {
    checkBound(feature, 'none');
    return true;
  } catch {
    return false;
  }
}

/** What is run: a set, how many payments, and which share of them is corrected. */
interface Plan {
  readonly definition: FeatureSetDefinition;
  readonly shape: ColdShape;
  readonly payments: number;
  readonly corrected: number;
}

const SHIPPED: Plan = { definition: PIX_CORE, shape: COLD_SHAPE, payments: 1200, corrected: 0 };

function run(
  seed: number,
  { definition, shape, payments, corrected }: Plan,
): { compared: number; truncated: number; deep: number } {
  const set = compileFeatureSet(definition, shape);
  const random: Random = seededRandom(seed, 77);
  const history = definition.features.filter(({ kind }) => kind === 'window' || kind === 'label');
  const oracle = new OracleStore({ ...definition, features: history });
  let store = new EmbeddedStore(set, { maxPayments: 4000 });
  store.openEpoch(1);
  oracle.openEpoch(1);
  let clock = START;
  let compared = 0;
  let truncated = 0;
  let deep = 0;
  let lastMark = 0;
  /** A group of operations that may be lost, from its first on. */
  let group: { readonly mark: number; readonly restore: () => void } | null = null;
  for (let number = 0; number < payments; number += 1) {
    if (corrected > 0 && random.chance(0.1)) group ??= { mark: lastMark, restore: oracle.save() };
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
      const { mark } = store.observeLabel({ endToEndId: labelled, state, eventTimeMicros: clock, payeeAccount: null });
      lastMark = mark;
    }
    while (random.chance(corrected)) {
      const back = random.chance(0.5) ? random.below(20) : random.below(number + 1);
      const endToEndId = `E${String(Math.max(0, number - back)).padStart(31, '0')}`;
      const becomes = rowOf(endToEndId, clock - random.below(3) * DAY, 1 + random.below(50_000_000), payer, payee);
      const replacement = random.chance(0.5) ? null : paymentOf(becomes);
      const answer = oracle.correct(
        endToEndId,
        replacement && { id: endToEndId, time: becomes.event_time, ...replacement },
      );
      const { mark, ...got } = store.correctPayment({ endToEndId, replacement });
      expect(got).toEqual(answer);
      if (got.isApplied && back > 100) deep += 1;
      lastMark = mark;
    }
    if (group !== null && random.chance(0.05)) {
      if (random.chance(0.5)) store.settleUpTo(lastMark);
      else {
        store.rollbackAfter(group.mark);
        group.restore();
        lastMark = group.mark;
      }
      group = null;
    }
    if (group === null && random.chance(0.005)) store.settleUpTo(lastMark);
    if (random.chance(0.003)) {
      group = null;
      store = new EmbeddedStore(set, { maxPayments: 4000 });
      feedRecorded(store, oracle.items);
      store.openEpoch(oracle.epoch + 1);
      oracle.openEpoch(oracle.epoch + 1);
      lastMark = 0;
    }
  }
  return { compared, truncated, deep };
}

describe('the shipped feature set', () => {
  for (const seed of [1, 2, 3]) {
    it(`equals a loop over all events, seed ${seed}`, () => {
      const { compared, truncated } = run(seed, SHIPPED);
      expect(compared).toBeGreaterThan(60_000);
      // The bound was reached, or this shows nothing of it.
      expect(truncated).toBeGreaterThan(0);
    });
  }

  it('equals a loop over all events without a bound, over corrections and lost groups', () => {
    const features = PIX_CORE.features.filter(isUnbounded);
    const definition: FeatureSetDefinition = { ...PIX_CORE, bound: 'none', features };
    const plan = { definition, shape: { hot: 16, chunk: 4, fanout: 3 }, payments: 700, corrected: 0.2 };
    const { compared, deep } = run(4, plan);
    expect(compared).toBeGreaterThan(20_000);
    expect(deep).toBeGreaterThan(20);
  });
});
