import { createHmac } from 'node:crypto';
import type { DecisionName } from '../domain/decision.ts';
import type { Side } from '../domain/payment.ts';

/**
 * Payments that the policy would stop (REJECT, HOLD) and that go through all the same, so that it shows whether they
 * were fraud: what a model learns from otherwise is only what the last one let through.
 */
export interface ControlGroup {
  /** The share of all payments that are in it, above 0. */
  readonly share: number;
  /** Whether a payment is in it, on both of its sides. */
  has(endToEndId: string): boolean;
}

/**
 * Draws a control group by HMAC-SHA-256 of the payment's id, so that a repeat, the other side and every server with
 * the key draw alike, and nobody without it can choose an id that is in the group.
 *
 * @param share from 0 to 1. @param key of at least 32 bytes. @returns null where nobody is in it.
 */
export function controlGroup(share: number, key: () => Uint8Array): ControlGroup | null {
  if (share === 0) return null;
  const secret = key();
  return {
    share,
    has(endToEndId) {
      const digits = createHmac('sha256', secret).update(`control group:${endToEndId}`).digest('hex').slice(0, 12);
      return Number.parseInt(digits, 16) / 2 ** 48 < share;
    },
  };
}

/** Decisions that stop a payment: the control group is drawn of these. */
const STOPS: ReadonlySet<DecisionName> = new Set(['REJECT', 'HOLD']);

/** Whether a control group lets a payment through that a rule decided on. */
export function isLetThrough(group: ControlGroup, decision: DecisionName, endToEndId: string): boolean {
  return STOPS.has(decision) && group.has(endToEndId);
}

/** What a payment that is let through gets. */
export function letThrough(side: Side): DecisionName {
  return side === 'PAYER' ? 'APPROVE' : 'ACCEPT';
}
