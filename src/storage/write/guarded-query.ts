import { messageOf } from '../../base/errors.ts';
import { expressionSql, type Formula, sqlFault } from '../expression/expressions.ts';
import { columnPathSql } from '../scan/column-path.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { sqlName, sqlTypeOf } from '../types/sql-types.ts';
import { nextIdentity } from './identity-values.ts';
import { explicitIdentity } from './row-rules.ts';
import { ruleBroken, type TableRules } from './table-rules.ts';

/** A query whose rows keep a table's rules, and what DuckDB's failures of it mean. */
export interface GuardedQuery {
  readonly sql: string;
  /** Identity columns whose numbers the query gives: their furthest number is that of the written rows. */
  readonly numbered: readonly string[];
  /** The error behind a failure of a statement with the query in it. */
  explain(error: unknown): unknown;
}

const BROKEN_RULE = /#rule:(\d+)#/;

/**
 * A relation of new rows, filled with defaults, numbers and generated columns, and checked: DuckDB
 * stops at the first row that breaks a rule.
 *
 * @param given the columns that the relation has; more of its columns, such as places, go through.
 */
export function guardedQuery(
  { schema, table }: Snapshot,
  rules: TableRules,
  relation: string,
  given: ReadonlySet<string>,
  through: readonly string[] = [],
): GuardedQuery {
  const names: string[] = [];
  const rule = (name: string): string => `error('#rule:${names.push(name) - 1}#')`;
  const numbered: string[] = [];
  const values = schema.fields.map(({ name, type }) => {
    const column = sqlName(name);
    const identity = rules.identities.get(name);
    if (given.has(name)) {
      if (identity !== undefined && !identity.allowsExplicit) throw explicitIdentity(name);
      return column;
    }
    if (identity !== undefined) {
      numbered.push(name);
      return `(${nextIdentity(identity)}::BIGINT + (row_number() OVER () - 1) * ${identity.step}::BIGINT) AS ${column}`;
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
    if (!given.has(name)) return `${sqlOf(formula)} AS ${column}`;
    const isRight = `${column} IS NOT DISTINCT FROM ${sqlOf(formula)}`;
    return `CASE WHEN ${isRight} THEN ${column} ELSE ${rule(`the generation expression of the column ${name}`)} END AS ${column}`;
  });
  const complete =
    rules.generated.size === 0 ? filled : `(SELECT ${[...generated, ...passed].join(', ')} FROM ${filled})`;
  const tests = [
    ...rules.notNull.map((path) => {
      const parent = path.length === 1 ? '' : `${columnPathSql({ path: path.slice(0, -1) })} IS NOT NULL AND `;
      const isNull = `${columnPathSql({ path })} IS NULL`;
      return `WHEN ${parent}${isNull} THEN ${rule(`the column ${path.join('.')}, which takes no nulls,`)}`;
    }),
    ...rules.checks.map(
      ({ name, condition }) => `WHEN (${sqlOf(condition)}) IS NOT TRUE THEN ${rule(`the constraint ${name}`)}`,
    ),
  ];
  const sql = tests.length === 0 ? complete : `(SELECT * FROM ${complete} WHERE CASE ${tests.join(' ')} ELSE true END)`;
  return { sql, numbered, explain: (error) => explain(table, names, error) };
}

function sqlOf(formula: Formula): string {
  return expressionSql(formula, columnPathSql);
}

function explain(table: string, names: readonly string[], error: unknown): unknown {
  const match = BROKEN_RULE.exec(messageOf(error));
  const name = match === null ? undefined : names[Number(match[1])];
  if (name !== undefined) return ruleBroken(table, name);
  return sqlFault(error) ?? error;
}
