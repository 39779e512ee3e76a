import { messageOf } from '../../base/errors.ts';
import { expressionSql, type Formula, sqlFault } from '../expression/expressions.ts';
import type { DuckDb } from '../parquet/duckdb.ts';
import { columnPathSql } from '../scan/column-path.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { sqlName, sqlText, sqlTypeOf } from '../types/sql-types.ts';
import { identityAt } from './identity-values.ts';
import { explicitIdentity } from './row-rules.ts';
import { ruleBroken, type TableRules } from './table-rules.ts';

/** A query whose rows keep a table's rules: DuckDB fails at the first that does not, as {@link queryFault} tells. */
export interface GuardedQuery {
  readonly sql: string;
  /** Identity columns whose numbers the query gives: their furthest number is that of the written rows. */
  readonly numbered: readonly string[];
}

/** What else goes through a guarded query. */
export interface GuardedOptions {
  /** More columns of the relation, such as places. */
  readonly through?: readonly string[];
  /** Numbers that identity columns gave already in this change. */
  readonly given?: bigint;
}

const BROKEN_RULE = /#rule:([^#]*)#/;

/**
 * What DuckDB's failure of a statement means: a rule that a row breaks, or an expression that has no value for
 * one. Its own message shows values, which may be personal, so that it must not go further.
 */
export function queryFault(error: unknown): unknown {
  const rule = BROKEN_RULE.exec(messageOf(error))?.[1];
  return rule === undefined ? (sqlFault(error) ?? error) : ruleBroken(decodeURIComponent(rule));
}

/**
 * A relation of new rows, filled with defaults, numbers and generated columns, and checked.
 *
 * @param columns those of the table that the relation has.
 */
export function guardedQuery(
  { schema, table }: Snapshot,
  rules: TableRules,
  relation: string,
  columns: ReadonlySet<string>,
  { through = [], given = 0n }: GuardedOptions = {},
): GuardedQuery {
  const rule = (name: string): string => `error(${sqlText(`#rule:${encodeURIComponent(`${name} of ${table}`)}#`)})`;
  const numbered: string[] = [];
  const values = schema.fields.map(({ name, type }) => {
    const column = sqlName(name);
    const identity = rules.identities.get(name);
    if (columns.has(name)) {
      if (identity !== undefined && !identity.allowsExplicit) throw explicitIdentity(name);
      return column;
    }
    if (identity !== undefined) {
      numbered.push(name);
      return `(${identityAt(identity, given)}::BIGINT + (row_number() OVER () - 1) * ${identity.step}::BIGINT) AS ${column}`;
    }
    const fallback = rules.defaults.get(name);
    const value = fallback === undefined ? `NULL::${sqlTypeOf(type)}` : sqlOf(fallback);
    return `${value} AS ${column}`;
  });
  const passed = through.map(sqlName);
  const filled = `(SELECT ${[...values, ...passed].join(', ')} FROM ${relation})`;
  const generated = schema.fields.map(({ name }) => {
    const formula = rules.generated.get(name);
    const column = sqlName(name);
    if (formula === undefined) return column;
    if (!columns.has(name)) return `${sqlOf(formula)} AS ${column}`;
    const isRight = `${column} IS NOT DISTINCT FROM ${sqlOf(formula)}`;
    return `CASE WHEN ${isRight} THEN ${column} ELSE ${rule(`the generation expression of the column ${name}`)} END AS ${column}`;
  });
  const complete =
    rules.generated.size === 0 ? filled : `(SELECT ${[...generated, ...passed].join(', ')} FROM ${filled})`;
  const tests = [
    ...rules.notNull.map((path) => {
      const parent = path.length === 1 ? '' : `${columnPathSql({ path: path.slice(0, -1) })} IS NOT NULL AND `;
      const isNull = `${columnPathSql({ path })} IS NULL`;
      return `WHEN ${parent}${isNull} THEN ${rule(`the NOT NULL of the column ${path.join('.')}`)}`;
    }),
    ...rules.checks.map(
      ({ name, condition }) => `WHEN (${sqlOf(condition)}) IS NOT TRUE THEN ${rule(`the constraint ${name}`)}`,
    ),
  ];
  const sql = tests.length === 0 ? complete : `(SELECT * FROM ${complete} WHERE CASE ${tests.join(' ')} ELSE true END)`;
  return { sql, numbered };
}

function sqlOf(formula: Formula): string {
  return expressionSql(formula, columnPathSql);
}

/**
 * The rows of a guarded query as a relation that gives the same each time. Numbers depend on the order in which
 * DuckDB comes to the rows, and files and the change feed must tell one.
 *
 * @param name of the temporary table, where one is needed.
 */
export async function settledRows(db: DuckDb, { sql, numbered }: GuardedQuery, name: string): Promise<string> {
  if (numbered.length === 0) return sql;
  await db.run(`CREATE TEMP TABLE ${name} AS SELECT * FROM ${sql}`);
  return name;
}
