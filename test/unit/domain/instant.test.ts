import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instantOfMicros, microsOfInstant } from '../../../src/domain/instant.ts';
import { parseLabel } from '../../../src/domain/parse-label.ts';
import { parsePayment } from '../../../src/domain/parse-payment.ts';
import { examplePayment } from '../../payment-example.ts';

describe('an instant', () => {
  it('is the microseconds that Date says, and its text again', () => {
    const micros = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(micros, (value) => {
        const text = instantOfMicros(value);
        expect(microsOfInstant(text)).toBe(value);
        expect(Math.floor(value / 1000)).toBe(Date.parse(`${text.slice(0, 23)}Z`));
      }),
    );
  });

  it.each([
    '1684-07-28T00:12:25.259008Z',
    '2255-06-05T23:47:34.740992Z',
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
  ])('that no table can hold is none: %s', (text) => {
    expect(microsOfInstant(text)).toBeUndefined();
    const label = { endToEndId: `E${'1'.padStart(31, '0')}`, state: 'AGREED', eventTime: text };
    expect(() => parseLabel(label)).toThrow(/^eventTime is not a real instant of the years 1685 to 2254$/);
    expect(() => parsePayment(examplePayment({ acceptedAt: text }))).toThrow(/^acceptedAt is not a real instant/);
    const device = { ...Object(examplePayment().device), limitRaisedAt: text };
    expect(() => parsePayment(examplePayment({ device }))).toThrow(/^device.limitRaisedAt is not a real instant/);
  });

  it.each([
    ['1684-07-28T00:12:25.259009Z', Number.MIN_SAFE_INTEGER],
    ['2255-06-05T23:47:34.740991Z', Number.MAX_SAFE_INTEGER],
  ])('that a table can just hold is one: %s', (text, micros) => {
    expect(microsOfInstant(text)).toBe(micros);
  });
});
