import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowSet } from '../../../src/storage/deletion-vectors/row-set.ts';
import { decodeRowSet, encodeRowSet } from '../../../src/storage/deletion-vectors/row-set-codec.ts';
import { rowLists } from './deletion-vectors-rows.ts';

/** The naive twin: a set of numbers. */
function ascending(rows: Iterable<number>): number[] {
  return [...new Set(rows)].sort((left, right) => left - right);
}

describe('a set of rows', () => {
  it('holds what a Set of numbers holds, in ascending order', () => {
    fc.assert(
      fc.property(rowLists, (rows) => {
        const set = RowSet.from(rows);
        const expected = ascending(rows);
        expect([...set]).toEqual(expected);
        expect(set.cardinality).toBe(expected.length);
        expect(set.last).toBe(expected.at(-1));
        for (const row of expected.slice(0, 200)) {
          expect(set.has(row)).toBe(true);
          expect(set.has(row + 1)).toBe(expected.includes(row + 1));
        }
      }),
    );
  });

  it('is the same whatever form its chunks have', () => {
    fc.assert(
      fc.property(rowLists, rowLists, (left, right) => {
        const a = RowSet.from(left);
        const b = RowSet.from(right);
        const inB = new Set(right);
        const union = a.union(b);
        expect([...union]).toEqual(ascending([...left, ...right]));
        expect(union.equals(b.union(a))).toBe(true);
        expect([...a.difference(b)]).toEqual(ascending(left).filter((row) => !inB.has(row)));
        expect(a.difference(b).union(b).equals(union)).toBe(true);
        expect(a.equals(b)).toBe(a.cardinality === b.cardinality && a.difference(b).cardinality === 0);
      }),
    );
  });

  it('survives its bytes, and equal sets have equal bytes', () => {
    fc.assert(
      fc.property(rowLists, rowLists, (left, right) => {
        const set = RowSet.from([...left, ...right]);
        const bytes = encodeRowSet(set);
        expect([...decodeRowSet(bytes)]).toEqual([...set]);
        expect(encodeRowSet(decodeRowSet(bytes))).toEqual(bytes);
        expect(encodeRowSet(RowSet.from(left).union(RowSet.from(right)))).toEqual(bytes);
      }),
    );
  });

  it('tells apart the borders of chunks and of bitmaps', () => {
    const rows = [0, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 48, Number.MAX_SAFE_INTEGER];
    const set = RowSet.from(rows.toReversed());
    expect([...set]).toEqual(rows);
    expect([...decodeRowSet(encodeRowSet(set))]).toEqual(rows);
    expect(set.has(1)).toBe(false);
    expect(set.has(-1)).toBe(false);
    expect(set.has(2 ** 33)).toBe(false);
  });

  it('holds all of a chunk, and a chunk less one row', () => {
    const all = RowSet.from(Array(65_536).keys());
    expect(encodeRowSet(all).length).toBe(12 + 4 + 4 + 1 + 4 + 6);
    const less = all.difference(RowSet.from([40_000]));
    expect(less.cardinality).toBe(65_535);
    expect(less.has(40_000)).toBe(false);
    expect(all.difference(less)).toEqual(RowSet.from([40_000]));
    expect(all.difference(all).chunks).toEqual([]);
  });

  it('takes the bitmap form only above 4,096 scattered rows', () => {
    const scattered = (count: number): RowSet => RowSet.from(Array.from({ length: count }, (_, at) => 3 * at));
    const frame = 12 + 4 + 8 + 8;
    expect(encodeRowSet(scattered(4096)).length).toBe(frame + 8192);
    expect(encodeRowSet(scattered(4097)).length).toBe(frame + 8192);
    expect(encodeRowSet(scattered(4095)).length).toBe(frame + 8190);
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53])('refuses the row %d', (row) => {
    expect(() => RowSet.from([row])).toThrow('no row index');
  });
});
