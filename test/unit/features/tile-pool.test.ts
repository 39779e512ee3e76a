import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GROUP, SUM_SPLIT, squaresOf } from '../../../src/features/engine/group-sums.ts';
import { TILE, TilePool, tileOffsets } from '../../../src/features/engine/tile-pool.ts';

const layout = {
  widthMicros: 10,
  hasTotals: false,
  groups: [
    { slot: 2, condition: -1 },
    { slot: 2, condition: 1 },
  ],
  registers: [],
  histograms: [],
  conditionSlot: 3,
};

const value = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }),
  fc.maxSafeInteger(),
  fc.constantFrom(2 ** 26, 2 ** 26 - 1, 2 ** 40, 2 ** 52, 2 ** 53 - 1, -(2 ** 53 - 1)),
);

/** The sum that a group of a tile holds. */
function sumOf(numbers: Float64Array, at: number): bigint {
  return BigInt(numbers[at + GROUP.sumHigh] ?? 0) * BigInt(SUM_SPLIT) + BigInt(numbers[at + GROUP.sumLow] ?? 0);
}

describe('a tile', () => {
  it('sums values and squares exactly, up to 2^53 and below 0', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(value, fc.nat(3)), { minLength: 1, maxLength: 40 }), (events) => {
        const pool = new TilePool(4, layout);
        const tile = pool.find(0, 7, 0);
        for (const [at, [amount, bits]] of events.entries()) {
          pool.add(tile, 7, Float64Array.of(71 + (at % 9), at, amount, bits), 0);
        }
        for (const [group, passes] of [() => true, (bits: number) => bits >= 2].entries()) {
          const at = tileOffsets(layout).groups[group] ?? 0;
          const values = events.filter(([, bits]) => passes(bits)).map(([amount]) => BigInt(amount));
          const { numbers } = pool;
          expect(numbers[at]).toBe(values.length);
          expect(sumOf(numbers, at)).toBe(values.reduce((total, one) => total + one, 0n));
          expect(squaresOf(numbers, at)).toBe(values.reduce((total, one) => total + one * one, 0n));
        }
        expect(pool.numbers[TILE.count]).toBe(events.length);
      }),
    );
  });

  it('holds what it would hold without the events that are taken out', () => {
    const withHistogram = { ...layout, histograms: [{ slot: 4, condition: 1 }] };
    const { groups, histograms } = tileOffsets(withHistogram);
    fc.assert(
      fc.property(fc.array(fc.tuple(value, fc.nat(3), fc.boolean()), { maxLength: 40 }), (events) => {
        const pool = new TilePool(4, withHistogram);
        const tile = pool.find(0, 7, 0);
        const eventOf = (at: number): Float64Array => {
          const [amount, bits] = events[at] as (typeof events)[number];
          // Of some payments there is no amount.
          return Float64Array.of(71, at, at % 5 === 0 ? Number.NaN : amount, bits, at % 3);
        };
        for (const at of events.keys()) pool.add(tile, 7, eventOf(at), 0);
        for (const [at, [, , isTaken]] of events.entries()) if (isTaken) pool.takeOut(tile, eventOf(at));
        const left = [...events.keys()].filter((at) => events[at]?.[2] === false);
        for (const [group, passes] of [() => true, (bits: number) => bits >= 2].entries()) {
          const at = groups[group] ?? 0;
          const values = left.filter((one) => one % 5 !== 0 && passes(events[one]?.[1] ?? 0));
          expect(pool.numbers[at]).toBe(values.length);
          expect(sumOf(pool.numbers, at)).toBe(values.reduce((sum, one) => sum + BigInt(events[one]?.[0] ?? 0), 0n));
        }
        const counted = left.filter((one) => (events[one]?.[1] ?? 0) >= 2);
        const buckets = [0, 1, 2].map((bucket) => counted.filter((one) => one % 3 === bucket).length);
        expect([...pool.numbers.subarray(histograms[0], (histograms[0] ?? 0) + 3)]).toEqual(buckets);
        expect(pool.numbers[TILE.count]).toBe(left.length);
      }),
    );
  });

  it('is written over once it is too old, and else a new one is begun', () => {
    const pool = new TilePool(4, layout);
    const first = pool.find(0, 1, 0);
    pool.add(first, 1, Float64Array.of(15, 0, 5, 0), 0);
    expect(pool.find(first + 1, 1, 0)).toBe(first);
    expect(pool.find(first + 1, 9, 1)).toBe(first + 1);
    expect(pool.find(first + 1, 9, 2)).toBe(first);
  });
});
