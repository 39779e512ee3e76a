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
