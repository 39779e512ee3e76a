import { AppError } from '../../base/errors.ts';
import { isDecimal, isSameType } from '../types/delta-type.ts';
import { sqlTypeOf } from '../types/sql-types.ts';
import { arithmeticSql } from './arithmetic-sql.ts';
import {
  type BoundBetween,
  type BoundCase,
  type BoundExpression,
  type BoundIn,
  type BoundNullif,
  type BoundUnary,
  type ColumnReference,
  isConstant,
} from './bound-expression.ts';
import { isTotalCast } from './cast-rules.ts';
import { castSql, utcSql } from './cast-sql.ts';
import { comparisonSql } from './comparison-sql.ts';
import { compileExpression } from './evaluate-expression.ts';
import { EXPRESSION_LIMITS } from './expression-limits.ts';
import { functionSql, substringSql } from './function-sql.ts';
import type { PatternCharacter } from './like-pattern.ts';
import { literalSql } from './literal-sql.ts';
import { failsItself, faultNamed, faultSql, mayFail } from './sql-faults.ts';

/**
 * An expression in DuckDB's SQL: for every row it has the value that `compileExpression` gives, of the
 * type that `literal-sql.ts` names, or fails where that throws. Two things only fail here: `lower` and
 * `upper` of rare letters (see `function-sql.ts`), and instants and days beyond DuckDB's.
 *
 * @throws AppError invalid_request where the SQL gets too long: some operands stand in it twice, and
 *   nesting them doubles it; table_unsupported for types that DuckDB has not.
 */
export function expressionSql(bound: BoundExpression, columnSql: ColumnSql): string {
  const toSql = (part: BoundExpression): string => {
    const sql = sqlOf(part, toSql, columnSql);
    if (sql.length <= EXPRESSION_LIMITS.sqlLength) return sql;
    throw new AppError(
      'invalid_request',
      `An expression takes more than ${EXPRESSION_LIMITS.sqlLength} characters of SQL`,
    );
  };
  return toSql(bound);
}

/** Gives the SQL of a column, of the type that `literal-sql.ts` names; it holds together: `t."id"`. */
export type ColumnSql = (column: ColumnReference) => string;

type ToSql = (bound: BoundExpression) => string;

function sqlOf(bound: BoundExpression, toSql: ToSql, columnSql: ColumnSql): string {
  if (bound.kind !== 'literal' && isConstant(bound)) return constantSql(bound);
  switch (bound.kind) {
    case 'literal':
      return literalSql(bound.type, bound.value);
    case 'column':
      return columnSql(bound);
    case 'comparison':
      return comparisonSql(bound.op, bound.left, bound.right, comparedSql(toSql));
    case 'and':
      return chainSql(bound.operands, 'AND', 'FALSE', toSql);
    case 'or':
      return chainSql(bound.operands, 'OR', 'TRUE', toSql);
    case 'not':
      return `(NOT ${toSql(bound.operand)})`;
    case 'isNull':
      return `(${toSql(bound.operand)} IS NULL)`;
    case 'isTrue':
      return `(${toSql(bound.operand)} IS TRUE)`;
    case 'isFalse':
      return `(${toSql(bound.operand)} IS FALSE)`;
    case 'in':
      return inSql(bound, comparedSql(toSql));
    case 'between':
      return betweenSql(bound, comparedSql(toSql));
    case 'like':
      return `(${toSql(bound.operand)} LIKE ${literalSql('string', bound.pattern.map(patternText).join(''))} ESCAPE '\\')`;
    case 'arithmetic':
      return arithmeticSql(bound, toSql);
    case 'negate':
      return `(- ${toSql(bound.operand)})`;
    case 'cast':
      return castSql(castOperandSql(bound, toSql), bound.operand.type, bound.type);
    case 'concat':
      return `(${bound.operands.map(toSql).join(' || ')})`;
    case 'coalesce':
      return coalesceSql(bound.operands, toSql);
    case 'greatest':
    case 'least':
      return `${bound.kind}(${bound.operands.map(toSql).join(', ')})`;
    case 'nullif':
      return nullifSql(bound, comparedSql(toSql));
    case 'case':
      return caseSql(bound, toSql);
    case 'substring':
      return substringSql(bound, toSql(bound.operand));
    case 'date_trunc':
      return `make_timestamptz(epoch_us(date_trunc('${bound.unit}', ${utcSql(toSql(bound.operand), 'timestamp')})))`;
    default:
      return functionSql(bound.kind, toSql(bound.operand), bound.operand.type, bound.type);
  }
}

/** A constant, which DuckDB would calculate for no row, too, and fail. */
function constantSql(bound: BoundExpression): string {
  try {
    return literalSql(bound.type, compileExpression(bound)({}));
  } catch (error) {
    const fault = error instanceof AppError ? faultNamed(error.context.fault) : undefined;
    if (fault === undefined) throw error;
    return `CAST(${faultSql(fault, 'a constant has no value')} AS ${sqlTypeOf(bound.type)})`;
  }
}

/**
 * A chain of AND or OR. Each operand that may fail stands in a CASE, which DuckDB evaluates for the rows
 * only that the operands before it do not decide. Its branches do not nest: DuckDB ends at 1,000 levels.
 */
function chainSql(
  operands: readonly BoundExpression[],
  word: 'AND' | 'OR',
  decisive: 'FALSE' | 'TRUE',
  toSql: ToSql,
): string {
  const joined = (parts: readonly string[]): string =>
    parts.length === 1 ? parts.join('') : `(${parts.join(` ${word} `)})`;
  const [head = '', ...rest] = runsOf(operands).map((run) => joined(run.map(toSql)));
  if (rest.length === 0) return head;
  const whens = [head, ...rest.slice(0, -1)].map((run) => ` WHEN ${run} IS ${decisive} THEN ${decisive}`);
  // The head stands outside too, where DuckDB skips row groups by it.
  return `(${head} ${word} CASE${whens.join('')} ELSE ${joined(rest)} END)`;
}

/** A chain cut before each operand that may fail. */
function runsOf(operands: readonly BoundExpression[]): BoundExpression[][] {
  const runs: BoundExpression[][] = [];
  for (const operand of operands) {
    const last = runs.at(-1);
    if (last === undefined || mayFail(operand)) runs.push([operand]);
    else last.push(operand);
  }
  return runs;
}

/**
 * DuckDB moves the cast of a struct's field into the scan of a table (1.5), where it also fails on rows
 * that a WHERE or a CASE keeps from it; it sees the field behind other expressions, too.
 */
function castOperandSql({ operand, type }: BoundUnary, toSql: ToSql): string {
  const sql = toSql(operand);
  return operand.kind === 'literal' || isTotalCast(operand.type, type) ? sql : opaque(sql);
}

/**
 * What is compared: DuckDB calculates the other way round where it can, `x + 1 = 5` as `x = 4`, and
 * loses the overflow of the greatest x. And it skips row groups by the bounds of a column, in which Parquet leaves NaN out,
 * which is greater than every number.
 */
function comparedSql(toSql: ToSql): ToSql {
  return (bound) => (failsItself(bound) || mayBeNan(bound) ? opaque(toSql(bound)) : toSql(bound));
}

function mayBeNan({ kind, type }: BoundExpression): boolean {
  return (type === 'double' || type === 'float') && kind !== 'literal';
}

/** The same value, which DuckDB's optimizer does not see through. */
function opaque(sql: string): string {
  return `least(${sql})`;
}

function inSql({ operand, values, columns, hasNull }: BoundIn, toSql: ToSql): string {
  const literals = values.map((value) => literalSql(operand.type, value));
  // DuckDB joins with a long list, and then calculates the operand also for the rows that a CASE keeps from it.
  if (mayFail(operand) && columns.length === 0 && literals.length > 0) {
    const isListed = `list_contains([${literals.join(', ')}], ${toSql(operand)})`;
    return `(CASE WHEN ${isListed} THEN TRUE WHEN ${toSql(operand)} IS NOT NULL THEN ${hasNull ? 'NULL' : 'FALSE'} END)`;
  }
  const items = [...literals, ...columns.map(toSql)];
  if (hasNull) items.push(literalSql(operand.type, null));
  const sql = toSql(operand);
  // In an empty list nothing is found, and whether null is in it is unknown.
  return items.length === 0 ? `(${sql} IS NULL AND NULL)` : `(${sql} IN (${items.join(', ')}))`;
}

function betweenSql({ operand, low, high }: BoundBetween, toSql: ToSql): string {
  const hasDecimals = [operand, low, high].some(({ type }) => isDecimal(type));
  const isSame = isSameType(operand.type, low.type) && isSameType(operand.type, high.type);
  if (isSame || !hasDecimals) return `(${toSql(operand)} BETWEEN ${toSql(low)} AND ${toSql(high)})`;
  return `(${comparisonSql('>=', operand, low, toSql)} AND ${comparisonSql('<=', operand, high, toSql)})`;
}

/** DuckDB calculates what stands in a coalesce twice for all rows, but what stands behind a WHEN only for its own. */
function coalesceSql(operands: readonly BoundExpression[], toSql: ToSql): string {
  const parts = operands.map(toSql);
  if (!operands.slice(1).some(mayFail)) return `coalesce(${parts.join(', ')})`;
  const whens = parts.slice(0, -1).map((part) => ` WHEN ${part} IS NOT NULL THEN ${part}`);
  return `(CASE${whens.join('')} ELSE ${parts.at(-1)} END)`;
}

function nullifSql({ left, right }: BoundNullif, toSql: ToSql): string {
  if (isSameType(left.type, right.type)) return `nullif(${toSql(left)}, ${toSql(right)})`;
  return `(CASE WHEN ${comparisonSql('=', left, right, toSql)} THEN NULL ELSE ${toSql(left)} END)`;
}

function caseSql({ operand, branches, otherwise }: BoundCase, toSql: ToSql): string {
  // Of a condition that may fail the value is asked for: DuckDB would not go on behind a null in its AND.
  const conditionSql: ToSql = (when) => (mayFail(when) ? opaque(toSql(when)) : toSql(when));
  const compared = operand === undefined ? conditionSql : comparedSql(toSql);
  const subject = operand === undefined ? '' : ` ${compared(operand)}`;
  const whens = branches.map(({ when, result }) => ` WHEN ${compared(when)} THEN ${toSql(result)}`).join('');
  return `(CASE${subject}${whens}${otherwise === undefined ? '' : ` ELSE ${toSql(otherwise)}`} END)`;
}

/** A character of a pattern, with the backslash as the escape. */
function patternText(character: PatternCharacter): string {
  if (character === 'any') return '%';
  if (character === 'one') return '_';
  return '%_\\'.includes(character.plain) ? `\\${character.plain}` : character.plain;
}
