import { isDecimal, typeName } from '../types/delta-type.ts';
import { sqlTypeOf } from '../types/sql-types.ts';
import type { BoundArithmetic, BoundExpression } from './bound-expression.ts';
import { faultSql, isMinusOne, isNonZeroLiteral } from './sql-faults.ts';
import { isInteger } from './type-rules.ts';

/** Arithmetic in DuckDB's SQL, with the meaning of `evaluate-arithmetic.ts`. */
export function arithmeticSql(bound: BoundArithmetic, toSql: (bound: BoundExpression) => string): string {
  const { op, type, left, right } = bound;
  const [a, b] = [toSql(left), toSql(right)];
  switch (op) {
    case '+':
    case '-':
    case '*':
      return decimalResult(bound, `(${scaled(bound, left, a)} ${op} ${scaled(bound, right, b)})`);
    case '/':
      return guarded(bound, a, b, `(${a} / ${b})`);
    case 'div':
      return guarded(bound, a, b, `(${a} // ${b})`);
    case '%': {
      // The least integer has no quotient by −1, but its remainder is 0, as by 1.
      const isPlain = !isInteger(type) || (isNonZeroLiteral(right) && !isMinusOne(right));
      const divisor = isPlain ? scaled(bound, right, b) : `CASE WHEN ${b} = -1 THEN 1 ELSE ${b} END`;
      const remainder = `(${scaled(bound, left, a)} % ${isPlain ? divisor : `CAST(${divisor} AS ${sqlTypeOf(type)})`})`;
      return guarded(bound, a, b, decimalResult(bound, remainder));
    }
  }
}

/** Division with an error for a zero, which DuckDB makes null or infinity of. */
function guarded({ op, left, right }: BoundArithmetic, a: string, b: string, division: string): string {
  if (isNonZeroLiteral(right)) return division;
  const fault = faultSql('DIVIDE_BY_ZERO', `${typeName(left.type)} ${op} ${typeName(right.type)} divides by zero`);
  return `(CASE WHEN ${b} = 0 AND ${a} IS NOT NULL THEN ${fault} ELSE ${division} END)`;
}

/** Digits of a decimal that DuckDB calculates in 64 bits. */
const SHORT_DIGITS = 18;

/**
 * An operand of decimals at the scale of their sum, where DuckDB's own choice may not hold it, and
 * with 19 digits at least where the result may have them: of two shorter ones DuckDB holds the result
 * to 18 digits, too.
 */
function scaled({ op, type }: BoundArithmetic, operand: BoundExpression, sql: string): string {
  if (!isDecimal(type) || !isDecimal(operand.type)) return sql;
  const scale = op === '*' ? operand.type.scale : type.scale;
  const digits = operand.type.precision + scale - operand.type.scale;
  const precision = type.precision > SHORT_DIGITS ? Math.max(digits, SHORT_DIGITS + 1) : digits;
  const isSame = precision === operand.type.precision && scale === operand.type.scale;
  return isSame ? sql : `CAST(${sql} AS DECIMAL(${precision},${scale}))`;
}

function decimalResult({ type }: BoundArithmetic, sql: string): string {
  return isDecimal(type) ? `CAST(${sql} AS ${sqlTypeOf(type)})` : sql;
}
