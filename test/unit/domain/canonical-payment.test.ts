import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/base/canonical-json.ts';
import { canonicalPayment } from '../../../src/domain/canonical-payment.ts';
import { parsePayment } from '../../../src/domain/parse-payment.ts';
import type { Payment } from '../../../src/domain/payment.ts';
import { examplePayment } from '../../payment-example.ts';

/** The same members in another order, at every level. */
function shuffled(value: unknown, turn: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, member]) => [name, shuffled(member, turn)] as const);
  return Object.fromEntries([...entries.slice(turn % entries.length), ...entries.slice(0, turn % entries.length)]);
}

const ENROLLED = '2026-01-01T00:00:00.000Z';
const counter = fc.integer({ min: 0, max: 2_000_000_000 });
const counters = fc.record({ d90: counter, m12: counter, m60: counter });
const changes = fc.record(
  {
    pixKey: fc.record({
      type: fc.constant('NOVA'),
      value: fc.string({ minLength: 1, maxLength: 77, unit: 'binary' }).filter((value) => value.length <= 77),
    }),
    device: fc.record(
      { id: fc.stringMatching(/^[\x21-\x7e]{1,64}$/), remoteAccess: fc.boolean(), enrolledAt: fc.constant(ENROLLED) },
      { requiredKeys: ['id'] },
    ),
    dict: fc.record(
      {
        openClaim: fc.boolean(),
        person: fc.record({ watermark: fc.constant('2026-10-31'), settlements: counters, openReports: counter }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

describe('the canonical form of a payment', () => {
  it('is what RFC 8785 says, whatever the order of the members', () => {
    fc.assert(
      fc.property(changes, fc.nat(20), (change, turn) => {
        const body = shuffled(examplePayment(change), turn);
        const { payment } = parsePayment(body);
        expect(canonicalPayment(payment)).toBe(canonicalJson(payment));
      }),
    );
  });

  it('has no member for what is absent', () => {
    const payment = { ...examplePayment(), device: undefined } as unknown as Payment;
    expect(canonicalPayment(payment)).toBe(canonicalJson(payment));
    expect(canonicalPayment(payment)).not.toContain('device');
  });
});
