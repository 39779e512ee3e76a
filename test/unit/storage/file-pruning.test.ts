import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { bindPredicate, evaluate, type Formula, parseExpression } from '../../../src/storage/expression/expressions.ts';
import { commitKey } from '../../../src/storage/log/log-names.ts';
import { filesWhere, judgeFiles } from '../../../src/storage/scan/prune-snapshot.ts';
import type { DataFile, Snapshot } from '../../../src/storage/scan/snapshot.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { createTable, openTable } from '../../../src/storage/table.ts';
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

describe('bounds of floats that became doubles', () => {
  const floats = [0.1, 0.7, 1 / 3, -0.7, 16_777_217].map(Math.fround);

  /** A float in as few digits as tell it from others, as other engines write it. */
  const shortest = (float: number): string => {
    for (let digits = 1; ; digits += 1) {
      const text = float.toPrecision(digits);
      if (Math.fround(Number(text)) === float) return String(Number(text));
    }
  };

  /** A table of a file for each number, whose bounds are as short as other engines write them. */
  async function widenedTable(bounds: 'short' | 'ours') {
    const schema = structOf([field('x', 'float'), field('s', structOf([field('y', 'float')]))]);
    const configuration = { 'delta.enableTypeWidening': 'true' };
    const store = memoryObjectStore();
    const table = await createTable(store, { path: 't', schema, configuration }, { clock: manualClock(1) });
    for (const x of floats) await table.write({ mode: 'append', source: { rows: [{ x, s: { y: x } }] } });
    for (let version = 1; bounds === 'short' && version <= floats.length; version += 1) {
      const text = Buffer.from((await store.get(commitKey('t', version))) ?? []).toString();
      const short = text
        .replaceAll(/(\\"[xy]\\":)(-?\d+\.\d+)/g, (_, name, bound) => name + shortest(Number(bound)))
        .replace(/,"sentinelaCrc32":"\w+"/, '');
      await store.put(commitKey('t', version), Buffer.from(short));
    }
    const again = openTable(store, 't', { clock: manualClock(1) });
    await again.alter.widenColumn(['x'], 'double');
    await again.alter.widenColumn(['s', 'y'], 'double');
    return again;
  }

  it.each(['short', 'ours'] as const)('(%s) hide no row', async (bounds) => {
    const snapshot = await (await widenedTable(bounds)).snapshot();
    if (bounds === 'short') expect(snapshot.files[1]?.add.stats).toContain('"x":0.7,');
    for (const column of ['x', 's.y']) {
      for (const value of floats.flatMap((float) => [float, Number(shortest(float))])) {
        for (const is of ['=', '<', '<=', '>', '>=']) {
          const text = `${column} ${is} CAST('${value}' AS DOUBLE)`;
          const where = bindPredicate(parseExpression(text), snapshot.schema);
          const found: unknown[] = [];
          for await (const { x } of readRows(snapshot, { where })) found.push(x);
          const wanted = floats.filter((x) => evaluate(where, { x, s: { y: x } }) === true);
          expect([text, found]).toEqual([text, wanted]);
        }
      }
    }
  });

  it('are exact where we write them, and drop files', async () => {
    const snapshot = await (await widenedTable('ours')).snapshot();
    expect(snapshot.files[1]?.statistics()?.minValues).toEqual({ x: Math.fround(0.7), s: { y: Math.fround(0.7) } });
    expect(filesWhere(snapshot, bindPredicate(parseExpression('x < 0.2D'), snapshot.schema))).toHaveLength(2);
  });
});
