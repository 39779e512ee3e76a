import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { bindPredicate, evaluate, type Formula, parseExpression } from '../../../src/storage/expression/expressions.ts';
import { filesWhere, judgeFiles } from '../../../src/storage/scan/prune-snapshot.ts';
import type { DataFile, Snapshot } from '../../../src/storage/scan/snapshot.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { createTable } from '../../../src/storage/table.ts';
import type { Cell, CellRow } from '../../../src/storage/types/cell.ts';
import { field, structOf } from '../../../src/storage/types/delta-type.ts';
import { literalText } from './expression/literal-text.ts';

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
const op = fc.constantFrom('=', '<>', '<', '<=', '>', '>=', '<=>');

function conditionOf(column: string, is: string, value: Cell): Formula {
  const type = SCHEMA.fields.find(({ name }) => name === column)?.type ?? 'string';
  return bindPredicate(parseExpression(`${column} ${is} ${literalText(type, value)}`), SCHEMA);
}

async function rowsOf(snapshot: Snapshot, file: DataFile): Promise<CellRow[]> {
  const rows: CellRow[] = [];
  for await (const own of readRows(snapshot, { files: [file] })) rows.push(own);
  return rows;
}

describe('pruning files', () => {
  it('never drops one that holds a match, nor takes all rows of one that holds another', async () => {
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
            const condition = conditionOf(column, is, value);
            const judged = new Map(judgeFiles(snapshot, condition).map(({ file, verdict }) => [file.key, verdict]));
            for (const file of snapshot.files) {
              const rows = await rowsOf(snapshot, file);
              const matches = rows.filter((own) => evaluate(condition, own) === true).length;
              const verdict = judged.get(file.key);
              if (verdict === undefined) expect(matches).toBe(0);
              if (verdict === 'all') expect(matches).toBe(rows.length);
            }
          }
        },
      ),
      { numRuns: 20 },
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
    const count = (text: string): number => filesWhere(snapshot, bindPredicate(parseExpression(text), SCHEMA)).length;
    expect(count('n = 3')).toBe(1);
    expect(count('n > 7')).toBe(2);
    expect(count("s <= 'k1'")).toBe(2);
    expect(count("at >= TIMESTAMP '1970-01-01 00:00:00.08'")).toBe(2);
    expect(count('p = 0 AND n < 5')).toBe(3);
    expect(count('d = 1D')).toBe(0);
    expect(count('true')).toBe(10);
  });
});
