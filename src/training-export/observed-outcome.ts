import { controlShareOf } from '../domain/decision.ts';
import type { SilverSource } from './silver-source.ts';

/** Decisions after which the money did not move, or not yet: nobody learns whether it would have been fraud. */
const WITHOUT_OUTCOME: ReadonlySet<string | null> = new Set(['HOLD', 'REJECT']);

/**
 * Whether each payment went through: no side rejected or held it. An imported payment did; one whose
 * decision was lost is taken to have been answered by nobody, so nothing is known of it.
 *
 * @returns a byte a row of the payments: 1 where the outcome shows.
 */
export function observedOutcomes(source: SilverSource): Uint8Array {
  const { payments, decisions, decisionOf, isImport } = source;
  const decided = decisions.texts('decision');
  const stopped = new Set<string>();
  const ids = decisions.requiredTexts('end_to_end_id');
  for (let row = 0; row < decisions.count; row += 1) {
    if (WITHOUT_OUTCOME.has(decided.at(row) ?? null)) stopped.add(ids.at(row) ?? '');
  }
  return Uint8Array.from({ length: payments.count }, (_, row) => {
    const wentThrough = isImport[row] === 1 || (decisionOf[row] as number) >= 0;
    return wentThrough && !stopped.has(payments.ids.at(row) ?? '') ? 1 : 0;
  });
}

/** How rows are weighed, for people. */
export const WEIGH_RULE =
  'rows whose outcome nobody saw are left out; a payment that only the control group let through (rule_id RULE/control-SHARE on either side) weighs 1/SHARE, every other 1';

/**
 * How many payments each one stands for, as their outcomes show: one that the policy would have stopped, and the control
 * group let through, for all that were stopped like it (inverse propensity).
 *
 * @returns the weight of a payment, by its endToEndId.
 */
export function outcomeWeights({ decisions }: SilverSource): (endToEndId: string) => number {
  const rules = decisions.texts('rule_id');
  const ids = decisions.requiredTexts('end_to_end_id');
  const shares = new Map<string, number>();
  for (let row = 0; row < decisions.count; row += 1) {
    const share = controlShareOf(rules.at(row) ?? '');
    // Both sides are drawn alike; where servers had different shares, it went through for the smaller one.
    if (share !== null) shares.set(ids.at(row) ?? '', Math.min(share, shares.get(ids.at(row) ?? '') ?? 1));
  }
  return (endToEndId) => 1 / (shares.get(endToEndId) ?? 1);
}
