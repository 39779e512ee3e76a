import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parquetBuilder } from '../../../src/storage/parquet/parquet-write.ts';
import { field, structOf } from '../../../src/storage/types/delta-type.ts';
import {
  floatBounds,
  maxString,
  minString,
  parseStatistics,
  serializeStatistics,
  timestampBound,
} from '../../../src/storage/types/statistics.ts';

const below = (left: string, right: string): boolean => Buffer.compare(Buffer.from(left), Buffer.from(right)) <= 0;

describe('bounds of strings', () => {
  it('are the string itself up to 32 characters, counted as code points', () => {
    const faces = '\u{1f600}'.repeat(32);
    expect(minString(faces)).toBe(faces);
    expect(maxString(faces)).toBe(faces);
    expect(maxString('')).toBe('');
  });

  it('end in U+007F where ASCII was cut off, else in U+10FFFF', () => {
    const prefix = 'a'.repeat(32);
    expect(minString(`${prefix}zzz`)).toBe(prefix);
    expect(maxString(`${prefix}z`)).toBe(`${prefix}\u007f`);
    expect(maxString(`${prefix}\u007f`)).toBe(`${prefix}\u{10ffff}`);
    expect(maxString(`${prefix}é`)).toBe(`${prefix}\u{10ffff}`);
  });

  it('grow where U+10FFFF was cut off, up to twice the prefix, and are left out beyond', () => {
    const prefix = 'a'.repeat(32);
    const last = '\u{10ffff}';
    expect(maxString(`${prefix}${last}b`)).toBe(`${prefix}${last}\u007f`);
    expect(maxString(`${prefix}${last.repeat(3)}`)).toBe(`${prefix}${last.repeat(3)}`);
    expect(maxString(`${prefix}${last.repeat(40)}`)).toBeUndefined();
  });

  it('hold every string between them', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '~', '\u007f', 'é', '\uffff', '\u{1f600}', '\u{10ffff}'),
      maxLength: 80,
    });
    fc.assert(
      fc.property(text, (value) => {
        const max = maxString(value);
        expect(below(minString(value), value)).toBe(true);
        if (max !== undefined) expect(below(value, max)).toBe(true);
      }),
    );
  });
});

describe('bounds of timestamps', () => {
  it('are cut to the millisecond below and rounded up above, also before 1970', () => {
    expect(timestampBound(1_456, 'min')).toBe('1970-01-01T00:00:00.001Z');
    expect(timestampBound(1_456, 'max')).toBe('1970-01-01T00:00:00.002Z');
    expect(timestampBound(-1, 'min')).toBe('1969-12-31T23:59:59.999Z');
    expect(timestampBound(-1, 'max')).toBe('1970-01-01T00:00:00.000Z');
    expect(timestampBound(2_000n, 'max')).toBe('1970-01-01T00:00:00.002Z');
  });

  it('are left out beyond the year 9999', () => {
    expect(timestampBound(2n ** 62n, 'max')).toBeUndefined();
  });
});

describe('bounds of floats', () => {
  it('have no upper one with a NaN, none that JSON cannot hold, and no negative zero', () => {
    expect(floatBounds(1, 2, false)).toEqual({ min: 1, max: 2 });
    expect(floatBounds(1, 2, true)).toEqual({ min: 1 });
    expect(floatBounds(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, false)).toEqual({});
    expect(Object.is(floatBounds(-0, -0, false).min, 0)).toBe(true);
  });
});

const SCHEMA = structOf([
  field('n', 'long'),
  field('s', 'string'),
  field('d', 'double'),
  field('b', 'binary'),
  field('o', structOf([field('x', 'integer'), field('y', 'boolean')])),
]);

describe('statistics of a file', () => {
  it('equal those of a naive pass over its rows', async () => {
    const row = fc.record({
      n: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
      s: fc.option(fc.string({ unit: 'grapheme', maxLength: 50 })),
      d: fc.option(fc.double({ noDefaultInfinity: true, noNaN: true })),
      b: fc.option(fc.uint8Array({ maxLength: 4 })),
      o: fc.option(fc.record({ x: fc.option(fc.integer()), y: fc.option(fc.boolean()) })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
        const builder = parquetBuilder(SCHEMA, { leaves: 32 });
        for (const value of rows) builder.append(value);
        const { statistics } = await builder.finish();
        const values = <T>(get: (value: (typeof rows)[0]) => T | null | undefined): T[] =>
          rows.map(get).filter((value): value is T & {} => value !== null && value !== undefined);
        const least = <T>(list: T[], order: (a: T, b: T) => number): T | undefined => [...list].sort(order)[0];
        const numeric = (a: bigint | number, b: bigint | number): number => (a < b ? -1 : a > b ? 1 : 0);
        const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
        const longs = values((value) => value.n);
        expect(statistics.numRecords).toBe(rows.length);
        expect(numeric((statistics.minValues.n as bigint | undefined) ?? 0n, least(longs, numeric) ?? 0n)).toBe(0);
        expect(
          numeric((statistics.maxValues.n as bigint | undefined) ?? 0n, least(longs, (a, b) => numeric(b, a)) ?? 0n),
        ).toBe(0);
        const texts = values((value) => value.s);
        const first = least(texts, byBytes);
        const last = least(texts, (a, b) => byBytes(b, a));
        expect(statistics.minValues.s).toBe(first === undefined ? undefined : minString(first));
        expect(statistics.maxValues.s).toBe(last === undefined ? undefined : maxString(last));
        expect(statistics.nullCount).toEqual({
          n: rows.length - longs.length,
          s: rows.length - texts.length,
          d: rows.length - values((value) => value.d).length,
          b: rows.length - values((value) => value.b).length,
          o: {
            x: rows.length - values((value) => value.o?.x).length,
            y: rows.length - values((value) => value.o?.y).length,
          },
        });
        expect(statistics.minValues.b).toBeUndefined();
        const back = parseStatistics(serializeStatistics(statistics));
        expect(String(back?.minValues.n)).toBe(String(statistics.minValues.n));
      }),
      { numRuns: 50 },
    );
  });

  it('are those of the named columns only, where the table names some', async () => {
    const builder = parquetBuilder(SCHEMA, { leaves: -1, only: ['s', 'o'] });
    builder.append({ n: 1n, s: 'x', d: 1, o: { x: 1, y: true } });
    const { statistics } = await builder.finish();
    expect(statistics.minValues).toEqual({ s: 'x', o: { x: 1 } });
    expect(statistics.nullCount).toEqual({ s: 0, o: { x: 0, y: 0 } });
  });

  it('stop after 32 leaf columns', async () => {
    const wide = structOf(Array.from({ length: 40 }, (_, n) => field(`c${n}`, 'long')));
    const builder = parquetBuilder(wide, { leaves: 32 });
    builder.append(Object.fromEntries(wide.fields.map(({ name }, n) => [name, n])));
    const { statistics } = await builder.finish();
    expect(Object.keys(statistics.minValues)).toHaveLength(32);
  });
});
