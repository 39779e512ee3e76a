import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodeBuilder } from '../../../src/base/coded-texts.ts';
import { token53 } from '../../../src/base/hash128.ts';
import { NarrowNumbers } from '../../../src/base/narrow-numbers.ts';
import { PackedBuilder } from '../../../src/base/packed-column.ts';
import { joinedTexts } from '../../../src/base/text-column.ts';
import { TextNumbers } from '../../../src/base/text-numbers.ts';

const EDGES = [0, -0, 1, -1, 127, 128, -127, -128, 32_767, 32_768, -32_768, 2 ** 31 - 1, -(2 ** 31), 2 ** 53, 0.5];
const number = fc.oneof(fc.constantFrom(...EDGES), fc.constant(Number.NaN), fc.integer({ min: 0, max: 100 }));
/** Chunks whose numbers are of one width, so that columns widen late. */
const chunks = fc.array(
  fc.oneof(
    fc.array(fc.integer({ min: -127, max: 127 })),
    fc.array(fc.oneof(fc.constant(Number.NaN), fc.integer({ min: -32_767, max: 32_767 }))),
    fc.array(number),
  ),
);
const text = fc.oneof(
  fc.constantFrom('', 'a', 'ção', '\u{1f600}', 'E00000000000000000000000000000001'),
  fc.string({ unit: 'grapheme', maxLength: 3 }),
);
const texts = fc.array(fc.oneof({ weight: 5, arbitrary: text }, { weight: 1, arbitrary: fc.constant(null) }));

describe('narrow numbers', () => {
  it('are what was pushed, to the sign of a zero, row by row and as doubles', () => {
    fc.assert(
      fc.property(chunks, fc.integer({ min: 0, max: 40 }), (parts, expected) => {
        const column = new NarrowNumbers(expected);
        for (const part of parts) column.push(Float64Array.from(part));
        const all = parts.flat();
        expect(column.length).toBe(all.length);
        expect(all.map((_, row) => column.at(row))).toEqual(all);
        expect([...column.doubles()]).toEqual(all);
        expect(all.map((_, row) => column.at(row))).toEqual(all);
      }),
    );
  });

  it('have 0 where there is none, in as few bytes as before', () => {
    const column = new NarrowNumbers(0);
    column.push(Float64Array.of(5, Number.NaN, -3));
    expect(column.zeroed()).toEqual(Int8Array.of(5, 0, -3));
    const wide = new NarrowNumbers(9);
    wide.push(Float64Array.of(2 ** 40, Number.NaN));
    expect(wide.zeroed()).toEqual(Float64Array.of(2 ** 40, 0));
  });
});

describe.each([
  ['coded', (expected: number) => new CodeBuilder(expected)],
  ['packed', (expected: number) => new PackedBuilder(expected)],
] as const)('%s texts', (_, builderOf) => {
  it('are what was pushed', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 0, max: 40 }), (all, expected) => {
        const builder = builderOf(expected);
        for (const one of all) builder.push(one);
        const column = builder.take();
        expect(column.length).toBe(all.length);
        expect(all.map((__, row) => column.at(row))).toEqual(all);
        expect([...column]).toEqual(all);
        expect([column.at(-1), column.at(all.length)]).toEqual([undefined, undefined]);
        expect([...joinedTexts(column, all)]).toEqual([...all, ...all]);
        expect(joinedTexts(column, all).at(all.length)).toBe(all[0]);
      }),
    );
  });

  it('are so where there are more than two bytes can number', () => {
    const builder = builderOf(10);
    for (let at = 0; at < 40_000; at += 1) builder.push(`text ${at}`);
    const column = builder.take();
    for (const at of [0, 127, 128, 32_767, 32_768, 39_999]) expect(column.at(at)).toBe(`text ${at}`);
  });
});

describe('a token of a packed text', () => {
  it('is that of the text, of ASCII or not', () => {
    fc.assert(
      fc.property(texts, (all) => {
        const builder = new PackedBuilder(0);
        for (const one of all) builder.push(one);
        const column = builder.take();
        expect(all.map((_, row) => column.token(row))).toEqual(all.map((one) => token53(one ?? '')));
      }),
    );
  });
});

describe('numbers of texts', () => {
  it('are those that a map gives, however small the table was', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 60 }), fc.integer({ min: 0, max: 40 }), (all, expected) => {
        const numbers = new TextNumbers(expected);
        const known = new Map<string, number>();
        for (const one of all) {
          const number = known.get(one) ?? known.size;
          known.set(one, number);
          expect(numbers.numberOf(one)).toBe(number);
        }
        expect(numbers.count).toBe(known.size);
        expect([...numbers.take()]).toEqual([...known.keys()]);
      }),
    );
  });

  it('go on where texts become so many that a map no longer holds them', () => {
    const builder = new CodeBuilder(10);
    const textOf = (row: number): string | null => (row % 50 === 0 ? null : `text ${(row * 7) % 70_000}`);
    for (let row = 0; row < 140_000; row += 1) builder.push(textOf(row));
    const column = builder.take();
    let wrong = 0;
    for (let row = 0; row < column.length; row += 1) if (column.at(row) !== textOf(row)) wrong += 1;
    expect(wrong).toBe(0);
    expect(new Set(column.texts).size).toBe(column.texts.length);
  });
});
