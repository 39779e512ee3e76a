import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { parseCorrection } from '../../../src/domain/parse-correction.ts';
import { examplePayment } from '../../payment-example.ts';

const ID = String(examplePayment().endToEndId);
const GOOD = { endToEndId: ID, correctedAt: '2026-11-02T12:00:00Z', payment: examplePayment() };

/** Field and message of the error that a body gets. */
function refusalOf(body: unknown): [unknown, string] {
  try {
    parseCorrection(body);
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_correction' });
    if (error instanceof AppError) return [error.context.field, error.message];
  }
  throw new Error('it was taken');
}

describe('a body of /v1/corrections', () => {
  it('without a payment is a retraction, with one a replacement', () => {
    const correctedAtMicros = Date.UTC(2026, 10, 2, 12) * 1000;
    const { payment: _, ...retraction } = GOOD;
    expect(parseCorrection(retraction)).toEqual({ endToEndId: ID, correctedAtMicros, replacement: null });
    expect(parseCorrection(GOOD)).toMatchObject({
      endToEndId: ID,
      correctedAtMicros,
      replacement: { row: { end_to_end_id: ID, amount_centavos: 15_000 } },
    });
  });

  it.each([
    ['endToEndId', { endToEndId: undefined }, /^endToEndId is missing/],
    ['endToEndId', { endToEndId: 'X1' }, /^endToEndId must match/],
    ['correctedAt', { correctedAt: undefined }, /^correctedAt is missing/],
    ['correctedAt', { correctedAt: '2026-02-30T12:00:00Z' }, /^correctedAt is not a real instant/],
    ['reason', { reason: 'x' }, /^reason is not a field that is known here/],
    ['payment', { payment: null }, /^payment must be of type object/],
    ['payment.amount', { payment: examplePayment({ amount: '1' }) }, /^payment.amount must match/],
    ['payment.side', { payment: examplePayment({ side: undefined }) }, /^payment.side/],
    // What only the meaning of a payment forbids.
    [
      'payment.pixKey',
      { payment: examplePayment({ pixKey: undefined }) },
      /^payment.pixKey is missing: DICT needs one/,
    ],
    [
      'payment.endToEndId',
      { payment: examplePayment({ endToEndId: ID.replace(/.$/, '2') }) },
      /^payment.endToEndId is not endToEndId/,
    ],
  ])('with a wrong %s is refused, the field named', (field, change, message) => {
    const body = JSON.parse(JSON.stringify({ ...GOOD, ...change }));
    expect(refusalOf(body)).toEqual([field, expect.stringMatching(message)]);
  });

  it.each([null, [], 'x', 1])('that is %j is refused', (body) => {
    expect(refusalOf(body)[1]).toMatch(/^the correction/);
  });
});
