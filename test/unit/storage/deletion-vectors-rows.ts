import fc from 'fast-check';

const bases = fc.constantFrom(0, 65_530, 2 ** 20, 2 ** 32 - 5, 2 ** 32, 2 ** 40, 2 ** 52);

const sparse = fc.array(fc.integer({ min: 0, max: 2 ** 31 }), { maxLength: 50 });
const huge = fc.array(fc.maxSafeNat(), { maxLength: 20 });
const near = fc
  .tuple(bases, fc.array(fc.nat(10), { maxLength: 12 }))
  .map(([base, rows]) => rows.map((row) => base + row));
const runs = fc
  .array(fc.tuple(bases, fc.nat(70_000), fc.nat(9000)), { maxLength: 3 })
  .map((list) => list.flatMap(([base, start, length]) => Array.from({ length }, (_, at) => base + start + at)));
/** Of 5,000 rows and more in one chunk, no two neighbours: a bitmap. */
const dense = fc
  .tuple(bases, fc.integer({ min: 2, max: 13 }))
  .map(([base, step]) => Array.from({ length: Math.floor(65_536 / step) }, (_, at) => base + at * step));

/** Lists of row indexes, in any order and repeated, that take every form of a container. */
export const rowLists: fc.Arbitrary<number[]> = fc.oneof(
  sparse,
  huge,
  near,
  runs,
  dense,
  fc.tuple(sparse, dense, runs).map((lists) => lists.flat()),
);
