import { type Static, Type } from 'typebox';
import type { Side } from './payment.ts';

/** What a payer's institution can do. HOLD is PAGFRD: the payment waits under analysis. */
export const PAYER_DECISIONS = ['APPROVE', 'CHALLENGE', 'HOLD', 'REJECT'] as const;
/** What a payee's institution can do. ACCEPT_AND_BLOCK is the precautionary block. */
export const PAYEE_DECISIONS = ['ACCEPT', 'ACCEPT_AND_BLOCK', 'REJECT'] as const;

/** A decision of either side. */
export type DecisionName = (typeof PAYER_DECISIONS)[number] | (typeof PAYEE_DECISIONS)[number];

const DECISION_NAMES: readonly DecisionName[] = [...new Set([...PAYER_DECISIONS, ...PAYEE_DECISIONS])];

/** Why a decision was made with less than everything. */
export const DEGRADED_REASONS = [
  'store_unavailable',
  'model_unavailable',
  'end_to_end_id_unparsed',
  'pix_key_type_unknown',
] as const;
/** Why a decision was made with less than everything. */
export type DegradedReason = (typeof DEGRADED_REASONS)[number];

const CONTROL = '/control-';

/** The id of the rule that would have stopped a payment which the control group lets through. @param share of payments that are in the group. */
export function controlRuleId(ruleId: string, share: number): string {
  return `${ruleId}${CONTROL}${share}`;
}

/** The share of a rule's id that {@link controlRuleId} made; null where the rule decided itself. */
export function controlShareOf(ruleId: string): number | null {
  const at = ruleId.lastIndexOf(CONTROL);
  const share = at < 0 ? Number.NaN : Number(ruleId.slice(at + CONTROL.length));
  return share > 0 && share <= 1 ? share : null;
}

/** The answer of `/v1/score`, and the body that is kept for ever. */
export const DecisionSchema = Type.Object(
  {
    endToEndId: Type.String(),
    side: Type.Unsafe<Side>(Type.String({ enum: ['PAYER', 'PAYEE'] })),
    decision: Type.Unsafe<DecisionName>(Type.String({ enum: DECISION_NAMES })),
    expiresAt: Type.Optional(Type.String({ description: 'When a HOLD or an ACCEPT_AND_BLOCK ends' })),
    score: Type.Unsafe<number | null>({
      type: ['number', 'null'],
      description: 'Probability of fraud, 0 to 1; null where no model answered',
    }),
    reasons: Type.Array(Type.String({ description: 'Reason code, strongest first' })),
    model: Type.Object({ name: Type.String(), version: Type.String(), sha256: Type.String() }),
    featureSet: Type.Object({ name: Type.String(), version: Type.String() }),
    ruleId: Type.String({
      description:
        'The rule of the policy that decided; RULE/control-SHARE where it would have stopped the payment, and the control group lets it through',
    }),
    policyVersion: Type.String(),
    degraded: Type.Array(Type.Unsafe<DegradedReason>(Type.String({ enum: DEGRADED_REASONS }))),
    decidedAt: Type.String(),
  },
  { additionalProperties: false, description: 'A decision' },
);

/** The answer of `/v1/score`. */
export type Decision = Static<typeof DecisionSchema>;
