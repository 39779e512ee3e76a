import type { DecisionName } from '../domain/decision.ts';
import type { Side } from '../domain/payment.ts';

/** One rule: the first of a side whose conditions hold decides. */
export interface PolicyRule {
  readonly id: string;
  readonly side: Side;
  readonly decision: DecisionName;
  /** The least score, inclusive. A rule with a score never holds where no model answered. */
  readonly minScore?: number;
  /** The least amount in centavos, inclusive. */
  readonly minAmountCentavos?: number;
  /** The least number of payments to the payee that are known fraud. */
  readonly minPayeeFrauds?: number;
  /** Only in the customer's night (20–06 in America/Sao_Paulo). */
  readonly night?: boolean;
  /** Only where no model answered. */
  readonly withoutModel?: boolean;
  /** How long a HOLD or a block lasts, by day and by night. */
  readonly expiresAfterMinutes?: { readonly day: number; readonly night: number };
}

/** A policy: data, dated, replaced as a whole. */
export interface Policy {
  readonly version: string;
  readonly rules: readonly PolicyRule[];
}

/**
 * The policy that ships. Thresholds are on the champion's calibrated probability; the times of a
 * HOLD (30 min by day, 60 by night) and of a block (72 h) are BCB's and dated with the policy.
 */
export const DEFAULT_POLICY: Policy = {
  version: 'default-2026-11-01',
  rules: [
    { id: 'payer-score-reject', side: 'PAYER', decision: 'REJECT', minScore: 0.9 },
    {
      id: 'payer-payee-known-fraud',
      side: 'PAYER',
      decision: 'HOLD',
      minPayeeFrauds: 2,
      expiresAfterMinutes: { day: 30, night: 60 },
    },
    {
      id: 'payer-score-hold',
      side: 'PAYER',
      decision: 'HOLD',
      minScore: 0.4,
      expiresAfterMinutes: { day: 30, night: 60 },
    },
    { id: 'payer-score-challenge', side: 'PAYER', decision: 'CHALLENGE', minScore: 0.08 },
    {
      id: 'payer-no-model-night',
      side: 'PAYER',
      decision: 'CHALLENGE',
      withoutModel: true,
      night: true,
      minAmountCentavos: 100_000,
    },
    {
      id: 'payer-no-model-large',
      side: 'PAYER',
      decision: 'CHALLENGE',
      withoutModel: true,
      minAmountCentavos: 500_000,
    },
    { id: 'payer-default', side: 'PAYER', decision: 'APPROVE' },
    { id: 'payee-score-reject', side: 'PAYEE', decision: 'REJECT', minScore: 0.95 },
    {
      id: 'payee-known-fraud',
      side: 'PAYEE',
      decision: 'ACCEPT_AND_BLOCK',
      minPayeeFrauds: 2,
      expiresAfterMinutes: { day: 4320, night: 4320 },
    },
    {
      id: 'payee-score-block',
      side: 'PAYEE',
      decision: 'ACCEPT_AND_BLOCK',
      minScore: 0.4,
      expiresAfterMinutes: { day: 4320, night: 4320 },
    },
    { id: 'payee-default', side: 'PAYEE', decision: 'ACCEPT' },
  ],
};

/** What a policy looks at. */
export interface PolicyFacts {
  readonly side: Side;
  /** Null where no model answered. */
  readonly score: number | null;
  readonly amountCentavos: number;
  /** Null where the store did not answer. */
  readonly payeeFrauds: number | null;
  readonly night: boolean;
}

/** The first rule that holds. A policy without a default for a side is refused at start. */
export function decide(policy: Policy, facts: PolicyFacts): PolicyRule {
  for (const rule of policy.rules) if (holds(rule, facts)) return rule;
  throw new Error(`the policy ${policy.version} has no rule that always holds for ${facts.side}`);
}

function holds(rule: PolicyRule, facts: PolicyFacts): boolean {
  if (rule.side !== facts.side) return false;
  if (rule.withoutModel === true && facts.score !== null) return false;
  if (rule.minScore !== undefined && (facts.score === null || facts.score < rule.minScore)) return false;
  if (rule.minAmountCentavos !== undefined && facts.amountCentavos < rule.minAmountCentavos) return false;
  if (rule.minPayeeFrauds !== undefined && (facts.payeeFrauds ?? 0) < rule.minPayeeFrauds) return false;
  return rule.night !== true || facts.night;
}
