import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../../../src/base/errors.ts';
import type { ColumnReference } from '../../../../src/storage/expression/bound-expression.ts';
import type { Expression } from '../../../../src/storage/expression/expression.ts';
import {
  bindExpression,
  evaluate,
  expressionSql,
  type Formula,
  parseExpression,
  sqlFault,
} from '../../../../src/storage/expression/expressions.ts';
import { literalSql } from '../../../../src/storage/expression/literal-sql.ts';
import { type DuckDb, openDuckDb } from '../../../../src/storage/parquet/duckdb.ts';
import type { Cell, CellRow } from '../../../../src/storage/types/cell.ts';
import { field, structOf } from '../../../../src/storage/types/delta-type.ts';
import { sqlName, sqlTypeOf } from '../../../../src/storage/types/sql-types.ts';
import { expressionText } from './expression-text.ts';
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

/** How a query of one row ends: with a value, or with a fault that `sqlFault` knows. */
async function endOf(sql: string, at: number): Promise<'a value' | 'a fault'> {
  try {
    await duckDbResults(sql, [at]);
    return 'a value';
  } catch (error) {
    if (sqlFault(error)?.context.fault === undefined) throw error;
    return 'a fault';
  }
}

async function unoptimized<T>(act: () => Promise<T>): Promise<T> {
  await duckDb.run('PRAGMA disable_optimizer');
  try {
    return await act();
  } finally {
    await duckDb.run('PRAGMA enable_optimizer');
  }
}

/** Holds DuckDB's values of an expression, and its failures, to those of our own evaluator. */
async function expectSame(expression: Expression, mayLeaveOut = false): Promise<void> {
  const formula = boundOrSkip(expression);
  const own = ownResults(formula);
  const sql = expressionSql(formula, columnSql);
  const good = own.flatMap((result, at) => (result === 'fails' ? [] : [{ at, value: result.value }]));
  const text = expressionText(expression);
  const ats = good.map(({ at }) => at);
  if (ats.length > 0) expect(await duckDbResults(sql, ats), `${text}\n${sql}`).toEqual(good.map(({ value }) => value));
  const failing = own.indexOf('fails');
  if (failing === -1) return;
  const message = `row ${failing} of ${text}\n${sql}`;
  const ended = await endOf(sql, failing);
  // The optimizer leaves out what cannot matter any more: `NULL AND x` is no condition that is true.
  const isLeftOut = mayLeaveOut && ended === 'a value';
  expect(isLeftOut ? await unoptimized(() => endOf(sql, failing)) : ended, message).toBe('a fault');
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
      fc.asyncProperty(anyExpression(3), (expression) => expectSame(expression, true)),
      {
        numRuns: Number(process.env.EXPRESSION_RUNS ?? 600),
      },
    );
  });

  it.each([
    ['holds products of short decimals to 18 digits', 'st.x * d10'],
    ['writes no zero before the point of decimal(38,38)', 'CAST(part AS STRING)'],
    ['casts the field of a struct in the scan', "CASE WHEN st.y LIKE '2024-02-29' THEN CAST(st.y AS DATE) END"],
    ['sees the field behind nullif', "CASE WHEN st.y LIKE '2024-02-29' THEN CAST(nullif(st.y, NULL) AS DATE) END"],
    ['calculates twice what coalesce does not reach', 'coalesce(i8 / i32, 1 / floor(f))'],
    ['takes i32 + 1 = 5 for i32 = 4', 'i32 + 1 = 5'],
    ['takes CAST(i32 AS TINYINT) = 0 for i32 = 0', '1 / nullif(0L, CAST(i32 AS TINYINT))'],
    ['joins with a long list', 'CASE WHEN b THEN CAST(s AS BIGINT) IN (1, 2, 3, 4, 5, NULL) END'],
    ['calculates constants for no row', 'nullif(0, coalesce(abs(i16), 2147483647 + 1))'],
    ['stops at a null in the AND of a WHEN', 'CASE WHEN nullif(b, b) AND 1 / i32 > 0D THEN 1 ELSE 2 END'],
    ['has another quotient and remainder of the least integer', 'i64 % -1 + i64 % i8'],
  ])('is right although DuckDB %s', async (_, text) => {
    await expectSame(parseExpression(text));
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

  it('maps the case of every character as JavaScript does, or fails', async () => {
    const scope = structOf([field('c', 'string')]);
    const characters = Array.from({ length: 0x110000 }, (_, code) => code).filter(
      (code) => code !== 0 && !(code >= 0xd800 && code < 0xe000),
    );
    for (const name of ['lower', 'upper'] as const) {
      const formula = bindExpression(parseExpression(`${name}(c)`), scope);
      const sql = expressionSql(formula, () => 'chr(code)');
      const [differs = ''] = /'\[.*?\]'/.exec(sql) ?? [];
      const codes = `SELECT CAST(unnest(range(1, 1114112)) AS INTEGER) AS code`;
      const isCharacter = 'code NOT BETWEEN 55296 AND 57343';
      // The x keeps a byte order mark from being the first character, which the library cuts off.
      const found = await duckDb.rows(
        `SELECT code, 'x' || ${sql} AS mapped FROM (${codes}) WHERE ${isCharacter} AND NOT regexp_matches(chr(code), ${differs})`,
      );
      expect(found.length).toBeGreaterThan(characters.length - 400);
      const wrong = found.filter(
        ({ code, mapped }) => mapped !== `x${evaluate(formula, { c: String.fromCodePoint(Number(code)) })}`,
      );
      expect(wrong).toEqual([]);
    }
  });
});
