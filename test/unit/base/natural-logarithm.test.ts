import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { naturalLogarithm } from '../../../src/base/natural-logarithm.ts';

/** Whole number whose order is that of the doubles: neighbours differ by 1. */
function rank(value: number): bigint {
  const bits = new BigInt64Array(Float64Array.of(value).buffer)[0] ?? 0n;
  return bits < 0n ? -(bits & 0x7fff_ffff_ffff_ffffn) : bits;
}
const ulps = (a: number, b: number): bigint => (rank(a) > rank(b) ? rank(a) - rank(b) : rank(b) - rank(a));

describe('the natural logarithm', () => {
  it('is within one step of the built-in one for every size of number', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, minExcluded: true, noNaN: true, noDefaultInfinity: true }), (x) => {
        expect(ulps(naturalLogarithm(x), Math.log(x))).toBeLessThanOrEqual(1n);
      }),
      { numRuns: 20_000 },
    );
  });

  it('keeps what it gave for these, bit for bit', () => {
    const cases: [number, number][] = [
      [1, 0],
      [Math.E, 1],
      [3, 1.0986122886681096],
      [7, 1.9459101490553132],
      [1e22, 50.65687204586901],
      [Number.MIN_VALUE, -744.4400719213812],
      [Number.MAX_VALUE, 709.782712893384],
      [1 + Number.EPSILON, 2.2204460492503128e-16],
    ];
    for (const [x, expected] of cases) expect(naturalLogarithm(x), String(x)).toBe(expected);
  });

  it('has no value for what is not a finite number above 0', () => {
    for (const x of [0, -0, -1, Number.NaN, Infinity, -Infinity]) expect(naturalLogarithm(x)).toBeNaN();
  });
});
