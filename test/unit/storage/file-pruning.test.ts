import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { type Comparison, pruneFiles } from '../../../src/storage/scan/file-pruning.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { compareUtf8 } from '../../../src/storage/store/object-store.ts';
import { createTable } from '../../../src/storage/table.ts';
import { field, structOf } from '../../../src/storage/types/delta-type.ts';

const SCHEMA = structOf([
  field('n', 'long'),
  field('d', 'double'),
  field('s', 'string'),
  field('at', 'timestamp'),
  field('day', 'date'),
  field('p', 'integer'),
]);

const micros = fc.integer({ min: -10_000, max: 10_000 });
const row = fc.record({
  n: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  d: fc.option(fc.oneof(fc.double(), fc.constant(Number.NaN), fc.constant(-0))),
  s: fc.option(fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\uffff', '\u{1f600}'), maxLength: 40 })),
  at: fc.option(micros),
  day: fc.option(fc.integer({ min: -1000, max: 1000 })),
  p: fc.option(fc.integer({ min: 0, max: 3 })),
});
const op = fc.constantFrom<Comparison['op']>('=', '<', '<=', '>', '>=');

function orderOf(a: number | bigint | string, b: number | bigint | string): number {
  if (typeof a === 'string' || typeof b === 'string') return compareUtf8(String(a), String(b));
  if (a < b) return -1;
  if (a > b) return 1;
  return Number.isNaN(a) ? Number.NaN : 0;
}

function passes(value: unknown, { op: is, value: literal }: Comparison): boolean {
  if (value === null || value === undefined) return false;
  const order = orderOf(value as number | bigint | string, literal as number | bigint | string);
  return { '=': order === 0, '<': order < 0, '<=': order <= 0, '>': order > 0, '>=': order >= 0 }[is];
}

describe('pruning files', () => {
  it('never drops one that holds a match', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(row, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
        row,
        op,
        async (commits, literal, is) => {
          const table = await createTable(
            memoryObjectStore(),
            { path: 't', schema: SCHEMA, partitionColumns: ['p'] },
            { clock: manualClock(1) },
          );
          for (const rows of commits) await table.append({ rows });
          const snapshot = await table.snapshot();
          for (const [column, value] of Object.entries(literal)) {
            if (value === null || Number.isNaN(value)) continue;
            const comparison = { column, op: is, value };
            const kept = pruneFiles(snapshot, [comparison]).reduce(
              (sum, file) => sum + (file.statistics()?.numRecords ?? 0),
              0,
            );
            const matches = commits
              .flat()
              .filter((each) => passes(each[column as keyof typeof each], comparison)).length;
            expect(kept).toBeGreaterThanOrEqual(matches);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('drops files by their partitions and by their bounds', async () => {
    const table = await createTable(
      memoryObjectStore(),
      { path: 't', schema: SCHEMA, partitionColumns: ['p'] },
      { clock: manualClock(1) },
    );
    for (let n = 0; n < 10; n += 1) await table.append({ rows: [{ n, at: n * 10_000, s: `k${n}`, p: n % 2 }] });
    const snapshot = await table.snapshot();
    const count = (...comparisons: Comparison[]): number => pruneFiles(snapshot, comparisons).length;
    expect(count({ column: 'n', op: '=', value: 3 })).toBe(1);
    expect(count({ column: 'n', op: '>', value: 7n })).toBe(2);
    expect(count({ column: 's', op: '<=', value: 'k1' })).toBe(2);
    expect(count({ column: 'at', op: '>=', value: 80_000 })).toBe(2);
    expect(count({ column: 'p', op: '=', value: 0 }, { column: 'n', op: '<', value: 5 })).toBe(3);
    expect(count({ column: 'd', op: '=', value: 1 })).toBe(0);
    expect(count()).toBe(10);
  });
});
