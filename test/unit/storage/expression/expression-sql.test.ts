import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../../../src/base/errors.ts';
import type { ColumnReference } from '../../../../src/storage/expression/bound-expression.ts';
import type { Expression } from '../../../../src/storage/expression/expression.ts';
import {
  bindExpression,
  evaluate,
  expressionSql,
  expressionText,
  type Formula,
  sqlFault,
} from '../../../../src/storage/expression/expressions.ts';
import { literalSql } from '../../../../src/storage/expression/literal-sql.ts';
import { type DuckDb, openDuckDb } from '../../../../src/storage/parquet/duckdb.ts';
import type { Cell, CellRow } from '../../../../src/storage/types/cell.ts';
import { sqlName, sqlTypeOf } from '../../../../src/storage/types/sql-types.ts';
import { anyExpression, expressionOf } from './random-expressions.ts';
import { ROW, SCHEMA } from './random-rows.ts';

const ROWS = 150;
/** The rows are the same in every run; the expressions are not, and fast-check prints the seed of what fails. */
const rows: readonly CellRow[] = fc.sample(ROW, { seed: 7, numRuns: ROWS });
const columnSql = ({ path }: ColumnReference): string => path.map(sqlName).join('.');
let duckDb: DuckDb;

beforeAll(async () => {
  duckDb = await openDuckDb({ memoryLimitMb: 512, threads: 1 });
  const columns = SCHEMA.fields.map(({ name, type }) => `${sqlName(name)} ${sqlTypeOf(type)}`);
  await duckDb.run(`CREATE TABLE t ("at" INTEGER, ${columns.join(', ')})`);
  const values = rows.map((row, at) => {
    const cells = SCHEMA.fields.map(({ name, type }) => literalSql(type, row[name] ?? null));
    return `(${[at, ...cells].join(', ')})`;
  });
  await duckDb.run(`INSERT INTO t VALUES ${values.join(', ')}`);
});

afterAll(() => duckDb.close());

/** A value as it is compared: −0 is 0, NaN is NaN. */
function comparable(cell: Cell): unknown {
  if (cell instanceof Uint8Array) return Buffer.from(cell).toString('hex');
  if (typeof cell === 'number') return Number.isNaN(cell) ? 'NaN' : cell + 0;
  return cell;
}

/** What our own evaluator says of every row: a value, or that it fails. */
function ownResults(formula: Formula): readonly ({ readonly value: unknown } | 'fails')[] {
  return rows.map((row) => {
    try {
      return { value: comparable(evaluate(formula, row)) };
    } catch (error) {
      if (error instanceof AppError && error.code === 'invalid_request') return 'fails';
      throw error;
    }
  });
}

function boundOrSkip(expression: Expression): Formula {
  try {
    return bindExpression(expression, SCHEMA);
  } catch (error) {
    fc.pre(!(error instanceof AppError));
    throw error;
  }
}

async function duckDbResults(sql: string, ats: readonly number[]): Promise<readonly unknown[]> {
  const found = await duckDb.rows(`SELECT ${sql} AS value FROM t WHERE "at" IN (${ats.join(', ')}) ORDER BY "at"`);
  return found.map(({ value }) => comparable(value ?? null));
}

describe('an expression in SQL', () => {
  it('leaves every value as it is', async () => {
    const found = await duckDb.rows('SELECT * FROM t ORDER BY "at"');
    for (const { name } of SCHEMA.fields.filter((column) => column.name !== 'st'))
      expect(found.map((row) => comparable(row[name] ?? null))).toEqual(
        rows.map((row) => comparable(row[name] ?? null)),
      );
  });

  it('has in DuckDB the value that it has in JavaScript, or fails where that does', async () => {
    await fc.assert(
      fc.asyncProperty(anyExpression(3), async (expression) => {
        const formula = boundOrSkip(expression);
        const own = ownResults(formula);
        const sql = expressionSql(formula, columnSql);
        const good = own.flatMap((result, at) => (result === 'fails' ? [] : [{ at, value: result.value }]));
        const text = expressionText(expression);
        const ats = good.map(({ at }) => at);
        if (ats.length > 0)
          expect(await duckDbResults(sql, ats), `${text}\n${sql}`).toEqual(good.map(({ value }) => value));
        const failing = own.indexOf('fails');
        if (failing === -1) return;
        const ended = await duckDbResults(sql, [failing]).catch((error: unknown) => sqlFault(error)?.context);
        expect(ended, `row ${failing} of ${text}\n${sql}`).toEqual({ fault: expect.any(String) });
      }),
      { numRuns: Number(process.env.EXPRESSION_RUNS ?? 600) },
    );
  });

  it('passes the same rows as a condition of WHERE, where DuckDB skips and rewrites', async () => {
    await fc.assert(
      fc.asyncProperty(expressionOf('bool', 2), async (expression) => {
        const formula = boundOrSkip(expression);
        const own = ownResults(formula);
        fc.pre(!own.includes('fails'));
        const passed = own.flatMap((result, at) => (result !== 'fails' && result.value === true ? [at] : []));
        const sql = expressionSql(formula, columnSql);
        const found = await duckDb.rows(`SELECT "at" FROM t WHERE ${sql} ORDER BY "at"`);
        expect(
          found.map(({ at }) => at),
          `${expressionText(expression)}\n${sql}`,
        ).toEqual(passed);
      }),
      { numRuns: Number(process.env.EXPRESSION_RUNS ?? 600) },
    );
  });
});
