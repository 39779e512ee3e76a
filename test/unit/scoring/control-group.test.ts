import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { civilZone } from '../../../src/base/civil-time.ts';
import { controlRuleId, controlShareOf } from '../../../src/domain/decision.ts';
import { parsePayment } from '../../../src/domain/parse-payment.ts';
import { controlGroup } from '../../../src/scoring/control-group.ts';
import { type DecisionMakers, decidePayment } from '../../../src/scoring/decide-payment.ts';
import { DEFAULT_POLICY } from '../../../src/scoring/policy.ts';
import { reasonTable } from '../../../src/scoring/reasons.ts';
import { examplePayment } from '../../payment-example.ts';

const KEY = () => Buffer.alloc(32, 7);
const MAKERS: DecisionMakers = {
  model: { name: 'm', version: '1', sha256: '0' },
  featureSet: { name: 'f', version: '1' },
  policy: DEFAULT_POLICY,
  control: null,
  reasons: reasonTable([], []),
  payeeFraudsIndex: 0,
  zone: civilZone('America/Sao_Paulo'),
};

function decided(control: DecisionMakers['control'], score: number, side: 'PAYER' | 'PAYEE' = 'PAYER') {
  const parsed = parsePayment(examplePayment({ side }));
  const { decision, ruleId, expiresAt } = decidePayment(
    { ...MAKERS, control },
    { parsed, values: new Float64Array(1), score, storeAnswered: true, nowMicros: 0 },
  );
  return { decision, ruleId, expires: expiresAt !== undefined };
}

describe('the control group', () => {
  it('is nobody unless a share is set, and needs no key then', () => {
    expect(
      controlGroup(0, () => {
        throw new Error('no key is asked for');
      }),
    ).toBeNull();
    expect(decided(null, 0.95)).toEqual({ decision: 'REJECT', ruleId: 'payer-score-reject', expires: false });
  });

  it('lets what the policy would stop through, and says by which rule and share', () => {
    const all = controlGroup(1, KEY);
    expect(decided(all, 0.95)).toEqual({ decision: 'APPROVE', ruleId: 'payer-score-reject/control-1', expires: false });
    expect(decided(all, 0.5)).toEqual({ decision: 'APPROVE', ruleId: 'payer-score-hold/control-1', expires: false });
    expect(decided(all, 0.96, 'PAYEE').decision).toBe('ACCEPT');
    // A challenged or blocked payment has an outcome.
    expect(decided(all, 0.1)).toMatchObject({ decision: 'CHALLENGE', ruleId: 'payer-score-challenge' });
    expect(decided(all, 0.5, 'PAYEE').decision).toBe('ACCEPT_AND_BLOCK');
  });

  it('draws its share of ids by the key: the same with it, others with another', () => {
    const ids = Array.from({ length: 20_000 }, (_, at) => `E${at}`);
    const [group, again, other] = [KEY, KEY, () => Buffer.alloc(32, 8)].map((key) => controlGroup(0.1, key));
    const drawn = ids.filter((id) => group?.has(id));
    expect(Math.abs(drawn.length - 2000)).toBeLessThan(200);
    expect(ids.filter((id) => again?.has(id))).toEqual(drawn);
    expect(drawn.filter((id) => other?.has(id)).length).toBeLessThan(400);
  });

  it('is read from a rule’s id as it was written there', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 1, noNaN: true }), (share) => {
        expect(controlShareOf(controlRuleId('payer-score-hold', share))).toBe(share);
      }),
    );
    for (const rule of ['payer-score-hold', 'a/control-', 'a/control-0', 'a/control-2', 'a/control-x'])
      expect(controlShareOf(rule)).toBeNull();
  });
});
