import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { token53 } from '../../../src/base/hash128.ts';
import {
  amountBucket,
  BUCKETS,
  bucketFloor,
  decayWeights,
  distinctEstimate,
  quantileBucket,
  REGISTERS,
} from '../../../src/features/engine/approximate.ts';

describe('buckets of amounts', () => {
  it('begin at their floor, follow each other, and are no wider than a sixteenth', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: BUCKETS - 2 }), fc.nat(1_000_000), (bucket, part) => {
        const [from, to] = [bucketFloor(bucket), bucketFloor(bucket + 1)];
        expect(to).toBeGreaterThan(from);
        expect(to - from).toBeLessThanOrEqual(Math.max(1, from / 16));
        for (const value of [from, to - 1, from + Math.floor(((to - 1 - from) * part) / 1_000_000)]) {
          expect(amountBucket(value)).toBe(bucket);
        }
      }),
    );
    expect(amountBucket(2 ** 53 - 1)).toBeLessThan(BUCKETS);
    expect([amountBucket(-5), amountBucket(Number.NaN)]).toEqual([0, Number.NaN]);
  });

  it('give the value of a rank as sorting does', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 50 }), fc.nat(10), (values, numerator) => {
        const counts = new Float64Array(BUCKETS);
        for (const value of values) counts[amountBucket(value)] = (counts[amountBucket(value)] ?? 0) + 1;
        const sorted = values.map((value) => bucketFloor(amountBucket(value))).sort((a, b) => a - b);
        const rank = Math.max(1, Math.ceil((values.length * numerator) / 10));
        expect(bucketFloor(quantileBucket(counts, values.length, numerator, 10))).toBe(sorted[rank - 1]);
      }),
    );
  });
});

describe('the estimate of distinct values', () => {
  const registersOf = (count: number): Uint8Array => {
    const registers = new Uint8Array(REGISTERS);
    for (let value = 0; value < count; value += 1) {
      const token = token53(`value ${value}`);
      const rest = BigInt(Math.floor(token / REGISTERS)).toString(2);
      const rank = rest.includes('1') ? rest.length - rest.lastIndexOf('1') : 42;
      registers[token % REGISTERS] = Math.max(registers[token % REGISTERS] ?? 0, rank);
    }
    return registers;
  };

  it('is within four standard errors from nothing to a million', () => {
    expect(distinctEstimate(new Uint8Array(REGISTERS))).toBe(0);
    for (const count of [1, 10, 1000, 9000, 11_000, 50_000, 300_000, 1_000_000]) {
      const error = Math.abs(distinctEstimate(registersOf(count)) - count) / count;
      expect(error, `${count} values`).toBeLessThan(4 * 0.0163);
    }
  });

  it('counts few values by their empty registers: m·ln(m/empty), rounded', () => {
    const registers = new Uint8Array(REGISTERS);
    for (let used = 1; used < REGISTERS; used += 1) {
      registers[used - 1] = 1;
      const linear = Math.round(REGISTERS * Math.log(REGISTERS / (REGISTERS - used)));
      if (linear <= 2.5 * REGISTERS)
        expect(Math.abs(distinctEstimate(registers) - linear)).toBeLessThanOrEqual(
          // Beyond that the harmonic sum decides, which ranks of 1 make smaller.
          used > 3500 ? 4096 : 0,
        );
    }
  });
});

describe('weights of decay', () => {
  it('halve after each half-life, and are within one of the power', () => {
    for (const [hop, halfLife] of [
      [1, 6],
      [10, 20],
      [3600, 7200],
      [7, 3],
    ] as const) {
      const weights = decayWeights(hop, halfLife, 50);
      for (let age = 0; age < 50; age += 1) {
        const power = 2 ** 30 * 2 ** ((-age * hop) / halfLife);
        expect(Math.abs((weights[age] ?? 0) - power)).toBeLessThanOrEqual(0.5 + 1e-6);
      }
    }
    expect(decayWeights(1, 6, 7)[6]).toBe(2 ** 29);
  });
});
