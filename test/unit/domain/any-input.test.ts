import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { parseCorrection } from '../../../src/domain/parse-correction.ts';
import { parseLabel } from '../../../src/domain/parse-label.ts';
import { parseImportedPayment, parsePayment } from '../../../src/domain/parse-payment.ts';
import { examplePayment } from '../../payment-example.ts';

const LABEL = {
  endToEndId: 'E1234567820261101120012345678901',
  state: 'AGREED',
  eventTime: '2026-11-02T12:00:00Z',
  medStatus: 'ANALYSED',
  payeeAccount: { ispb: '12345678', number: '555777999' },
  reportedAt: '2026-11-02T12:00:00Z',
};

const CORRECTION = {
  endToEndId: 'E1234567820261101120012345678901',
  correctedAt: '2026-11-02T12:00:00Z',
  payment: examplePayment(),
};

/** Paths of every member of a value. */
function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, member]) => pathsOf(member, [...path, name]))];
}

/** A copy with one member replaced, or taken out where the new value is undefined. */
function replaced(value: unknown, [name, ...rest]: readonly string[], to: unknown): unknown {
  if (name === undefined) return to;
  const copy: Record<string, unknown> = { ...(value as Record<string, unknown>) };
  const member = replaced(copy[name], rest, to);
  if (member === undefined) delete copy[name];
  else copy[name] = member;
  return copy;
}

const anything = fc.oneof(
  fc.jsonValue(),
  fc.string(),
  fc.integer(),
  fc.constantFrom(undefined, null, '', -0, Number.POSITIVE_INFINITY, '\u0000', '９９', '-1.00'),
);

describe.each([
  ['a payment', examplePayment(), parsePayment, 'invalid_payment'],
  ['an imported payment', examplePayment(), parseImportedPayment, 'invalid_payment'],
  ['a label', LABEL, parseLabel, 'invalid_label'],
  ['a correction', CORRECTION, parseCorrection, 'invalid_correction'],
] as const)('%s', (_, good, parse, code) => {
  const refused = (value: unknown): void => {
    try {
      parse(value);
    } catch (error) {
      expect(error).toBeInstanceOf(AppError);
      if (!(error instanceof AppError)) return;
      expect(error.code).toBe(code);
      // Neither the message nor the context repeats an id, a document, a key or an account.
      expect(`${error.message} ${JSON.stringify(error.context)}`).not.toMatch(
        /52998224725|12ABC34501DE35|loja@|99887766|555777999/,
      );
    }
  };

  it('takes any JSON, or refuses it with its own code', () => {
    fc.assert(fc.property(fc.jsonValue(), refused), { numRuns: 500 });
  });

  it('takes any one member being anything, or names it', () => {
    const paths = fc.constantFrom(...pathsOf(good));
    fc.assert(
      fc.property(paths, anything, (path, value) => refused(replaced(good, path, value))),
      { numRuns: 2000 },
    );
  });
});
