import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ColumnData } from '../../../src/storage/types/column-data.ts';
import { joinColumns } from '../../../src/storage/types/join-columns.ts';

const nullable = <T>(value: fc.Arbitrary<T>) => fc.array(fc.option(value, { freq: 4 }), { maxLength: 6 });
const numbers = nullable(fc.integer({ min: 1, max: 99 }));
const words = nullable(fc.string({ maxLength: 2 }));

function marks(values: readonly unknown[]): Uint8Array | null {
  return values.includes(null) ? Uint8Array.from(values, (value) => (value === null ? 1 : 0)) : null;
}

const FORMS: Readonly<Record<string, (values: readonly (number | null)[]) => ColumnData>> = {
  float64: (all) => ({ kind: 'float64', values: Float64Array.from(all, (value) => value ?? 0), nulls: marks(all) }),
  int32: (all) => ({ kind: 'int32', values: Int32Array.from(all, (value) => value ?? 0), nulls: marks(all) }),
  int64: (all) => ({
    kind: 'int64',
    values: BigInt64Array.from(all, (value) => BigInt(value ?? 0)),
    nulls: marks(all),
  }),
  boolean: (all) => ({ kind: 'boolean', values: Uint8Array.from(all, (value) => value ?? 0), nulls: marks(all) }),
};

const text = (values: readonly (string | null)[]): ColumnData => ({ kind: 'string', values });
const binary = (values: readonly (string | null)[]): ColumnData => ({
  kind: 'binary',
  values: values.map((value) => (value === null ? null : Buffer.from(value))),
});

function list(values: readonly (readonly (string | null)[] | null)[]): ColumnData {
  const offsets = [0];
  for (const value of values) offsets.push((offsets.at(-1) ?? 0) + (value?.length ?? 0));
  return {
    kind: 'list',
    offsets: Int32Array.from(offsets),
    child: text(values.flatMap((value) => value ?? [])),
    nulls: marks(values),
  };
}

function equalsWhole<T>(parts: fc.Arbitrary<readonly T[]>, form: (values: readonly T[]) => ColumnData): void {
  fc.assert(
    fc.property(fc.array(parts, { minLength: 1, maxLength: 4 }), (of) => {
      const [first, ...others] = of.map(form);
      expect(joinColumns([first as ColumnData, ...others])).toEqual(form(of.flat()));
    }),
  );
}

describe('parts of a column, joined, are the whole', () => {
  for (const [kind, form] of Object.entries(FORMS)) it(`of ${kind}`, () => equalsWhole(numbers, form));
  it('of texts', () => equalsWhole(words, text));
  it('of bytes', () => equalsWhole(words, binary));
  it('of lists', () => equalsWhole(nullable(words), list));
});
