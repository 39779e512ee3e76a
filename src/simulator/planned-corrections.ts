import type { Random } from '../base/random.ts';
import type { PlannedPayment } from './planned-payment.ts';
import { DAY } from './scene.ts';
import { purposeWithin } from './till-limits.ts';

/** A payment is taken back, or put right. */
export interface PlannedCorrection {
  readonly endToEndId: string;
  readonly correctedMicros: number;
  /** The payment as it is now, and when it was accepted; null where it is taken back. */
  readonly replacement: { readonly plan: PlannedPayment; readonly atMicros: number } | null;
}

/** Payments that are corrected a second time. */
const AGAIN_SHARE = 0.1;
const MINUTE = 60_000_000;

/**
 * The corrections of one payment: half take it back, the others change its amount, its payee or its time; from a minute to
 * three days after it came.
 *
 * @param arrivedMicros when the payment's first line came.
 * @param otherPayee who it was for, where the payee was wrong; null where there is none.
 */
export function correctionsOf(
  endToEndId: string,
  plan: PlannedPayment,
  atMicros: number,
  arrivedMicros: number,
  otherPayee: number | null,
  random: Random,
): PlannedCorrection[] {
  const corrections: PlannedCorrection[] = [];
  let correctedMicros = arrivedMicros;
  do {
    const unit = random.next();
    correctedMicros += Math.floor((MINUTE + unit * unit * 2.99 * DAY) / 1000) * 1000;
    corrections.push({ endToEndId, correctedMicros, replacement: replacementOf(plan, atMicros, otherPayee, random) });
  } while (random.chance(AGAIN_SHARE));
  return corrections;
}

function replacementOf(
  plan: PlannedPayment,
  atMicros: number,
  otherPayee: number | null,
  random: Random,
): PlannedCorrection['replacement'] {
  const unit = random.next();
  if (unit < 0.5) return null;
  if (unit < 0.75) return within({ ...plan, centavos: 1 + random.below(2 * plan.centavos) }, atMicros);
  if (unit < 0.9 && otherPayee !== null) return { plan: { ...plan, payee: otherPayee }, atMicros };
  return within(plan, atMicros + 1_000_000 * (1 + random.below(59)));
}

function within(plan: PlannedPayment, atMicros: number): PlannedCorrection['replacement'] {
  return { plan: { ...plan, purpose: purposeWithin(plan.purpose, plan.centavos, atMicros) }, atMicros };
}
