import type { DecisionName } from '../domain/decision.ts';

/** A reason: its code is given when the feature's value is at least (or at most) the bound. */
export interface ReasonRule {
  readonly code: string;
  readonly feature: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** Reasons with their features found in a set. */
export type ReasonTable = readonly (ReasonRule & { readonly index: number })[];

/** Most reasons that a decision names: more are not read by anybody. */
const MOST_REASONS = 5;

/** Strongest first: what is known of fraud, then the session, then the shape of the payment. */
export const REASON_RULES: readonly ReasonRule[] = [
  { code: 'PAYEE_KNOWN_FRAUD', feature: 'payee_frauds_agreed', atLeast: 1 },
  { code: 'PAYEE_CONTESTED', feature: 'payee_contested_open', atLeast: 1 },
  { code: 'DICT_FRAUD_MARKERS', feature: 'dict_person_frauds_d90', atLeast: 1 },
  { code: 'REMOTE_ACCESS', feature: 'remote_access', atLeast: 1 },
  { code: 'ACTIVE_CALL', feature: 'active_call', atLeast: 1 },
  { code: 'NEW_DEVICE', feature: 'device_enrolled_days', atMost: 2 },
  { code: 'AMOUNT_FAR_ABOVE_HISTORY', feature: 'amount_to_payer_max_30d', atLeast: 1.5 },
  { code: 'AMOUNT_ABOVE_USUAL', feature: 'amount_to_payer_mean_30d', atLeast: 4 },
  { code: 'BURST_OF_PAYMENTS', feature: 'payer_count_10m', atLeast: 3 },
  { code: 'MANY_NEW_PAYEES', feature: 'payer_distinct_counterparties_24h', atLeast: 6 },
  { code: 'FIRST_PAYMENT_TO_PAYEE', feature: 'pair_is_new', atLeast: 1 },
  { code: 'PAYEE_FAN_IN', feature: 'payee_distinct_counterparties_1h', atLeast: 4 },
  { code: 'YOUNG_PAYEE_ACCOUNT', feature: 'payee_account_age_days', atMost: 30 },
  { code: 'YOUNG_KEY', feature: 'key_age_days', atMost: 7 },
  { code: 'NIGHT', feature: 'is_night', atLeast: 1 },
];

/**
 * Finds the rules' features in a set.
 *
 * @throws Error where a feature is not in the set: a rule that never fires is a fault.
 */
export function reasonTable(rules: readonly ReasonRule[], names: readonly string[]): ReasonTable {
  return rules.map((rule) => {
    const index = names.indexOf(rule.feature);
    if (index === -1)
      throw new Error(`the reason ${rule.code} asks for the feature ${rule.feature}, which the set has not`);
    return { ...rule, index };
  });
}

/** Codes that hold for a vector; a payment that is let through by score alone needs none but the first two kinds. */
export function reasonsFor(table: ReasonTable, values: Float64Array, decision: DecisionName): string[] {
  const most = decision === 'APPROVE' || decision === 'ACCEPT' ? 2 : MOST_REASONS;
  const codes: string[] = [];
  for (const { code, index, atLeast, atMost } of table) {
    const value = values[index];
    if (value === undefined || Number.isNaN(value)) continue;
    if ((atLeast !== undefined && value < atLeast) || (atMost !== undefined && value > atMost)) continue;
    codes.push(code);
    if (codes.length === most) break;
  }
  return codes;
}
