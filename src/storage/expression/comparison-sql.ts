import { type DecimalType, isDecimal, isSameType } from '../types/delta-type.ts';
import type { BoundExpression } from './bound-expression.ts';
import type { ComparisonOperator } from './expression.ts';
import { literalAs } from './literal-fit.ts';
import { commonDecimal, decimalOfExact } from './type-rules.ts';

/** Gives the SQL of an expression. */
type ToSql = (bound: BoundExpression) => string;

/**
 * A comparison in DuckDB's SQL. DuckDB casts decimals of different scales to one of 38 digits and
 * fails where a value does not fit; here they are cast to one that fits, or compared in two parts.
 */
export function comparisonSql(
  op: ComparisonOperator,
  left: BoundExpression,
  right: BoundExpression,
  toSql: ToSql,
): string {
  const [a, b] = alignedLiterals(left, right);
  const [typeA, typeB] = [decimalOfExact(a.type), decimalOfExact(b.type)];
  const isPlain = isSameType(a.type, b.type) || (!isDecimal(a.type) && !isDecimal(b.type));
  if (isPlain || typeA === undefined || typeB === undefined) return plain(op, toSql(a), toSql(b));
  const common = commonDecimal(typeA, typeB);
  if (common === undefined) return inParts(op, partsOf(toSql(a), typeA), partsOf(toSql(b), typeB));
  const type = `DECIMAL(${common.precision},${common.scale})`;
  return plain(op, `CAST(${toSql(a)} AS ${type})`, `CAST(${toSql(b)} AS ${type})`);
}

/** A number in the text as one of the other side's type, where it is one: columns then need no cast, and DuckDB skips by them. */
function alignedLiterals(left: BoundExpression, right: BoundExpression): readonly [BoundExpression, BoundExpression] {
  if (right.kind === 'literal') return [left, literalAs(right, left.type) ?? right];
  if (left.kind === 'literal') return [literalAs(left, right.type) ?? left, right];
  return [left, right];
}

function plain(op: ComparisonOperator, left: string, right: string): string {
  return `(${left} ${op === '<=>' ? 'IS NOT DISTINCT FROM' : op} ${right})`;
}

/** A number as its whole part and the rest, both with its sign. */
interface NumberParts {
  readonly whole: string;
  readonly fraction: string;
}

function partsOf(sql: string, { scale }: DecimalType): NumberParts {
  // No decimal of two that have none in common has all 38 digits on both sides of the point.
  const rest = scale === 0 ? `${sql} - ${sql}` : `${sql} - trunc(${sql})`;
  return { whole: `CAST(trunc(${sql}) AS DECIMAL(38,0))`, fraction: `CAST(${rest} AS DECIMAL(38,38))` };
}

function inParts(op: ComparisonOperator, left: NumberParts, right: NumberParts): string {
  const [sameWhole, sameRest] = [`${left.whole} = ${right.whole}`, `${left.fraction} = ${right.fraction}`];
  switch (op) {
    case '=':
      return `(${sameWhole} AND ${sameRest})`;
    case '<>':
      return `(NOT (${sameWhole} AND ${sameRest}))`;
    case '<=>':
      return `(${left.whole} IS NOT DISTINCT FROM ${right.whole} AND ${left.fraction} IS NOT DISTINCT FROM ${right.fraction})`;
    default: {
      const strict = op === '<' || op === '<=' ? '<' : '>';
      return `(${left.whole} ${strict} ${right.whole} OR (${sameWhole} AND ${left.fraction} ${op} ${right.fraction}))`;
    }
  }
}
