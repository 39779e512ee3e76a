import { type DecimalType, type DeltaType, decimalOf, isDecimal, typeName } from '../types/delta-type.ts';
import { type BoundExpression, castTo } from './bound-expression.ts';
import type { ArithmeticOperator } from './expression.ts';
import { widenTo } from './literal-fit.ts';
import { mismatch, type Refuse, withFloatLiterals } from './match-types.ts';
import { MAX_PRECISION } from './parse-literal.ts';
import { commonType, decimalOfExact, isFloating, isInteger } from './type-rules.ts';

/*
 * Types of arithmetic, as Spark's ANSI mode has them:
 *
 * | operands | + − * | / | % | div |
 * |---|---|---|---|---|
 * | integers | the longer | double | the longer | long |
 * | float, double | float of floats, else double | double | as + | – |
 * | decimals, integers with decimals | see below | – | see below | – |
 *
 * Decimals (p1, s1) and (p2, s2); a literal integer counts its own digits:
 *
 *   + −  scale max(s1, s2),  digits before the point max(p1 − s1, p2 − s2) + 1
 *   *    scale s1 + s2,      precision p1 + p2 + 1
 *   %    scale max(s1, s2),  digits before the point min(p1 − s1, p2 − s2)
 *
 * Beyond 38 digits Spark cuts the scale down to 6 and rounds; here such an expression is refused
 * unless its scale stays, and a sum or product beyond 38 digits is an error of its row, as in Spark.
 * Division of decimals rounds always and is left out.
 */

/** The type of arithmetic and its operands, cast to what it calculates with. */
export interface TypedArithmetic {
  readonly type: DeltaType;
  readonly left: BoundExpression;
  readonly right: BoundExpression;
}

/** Scale that Spark keeps where a decimal's digits do not suffice. */
const KEPT_SCALE = 6;

/**
 * Types an operation.
 *
 * @throws AppError by `refuse` for operands that it does not take.
 */
export function typeArithmetic(
  op: ArithmeticOperator,
  operands: readonly [BoundExpression, BoundExpression],
  refuse: Refuse,
): TypedArithmetic {
  const [left = operands[0], right = operands[1]] = withNullNumbers(withFloatLiterals(operands, refuse));
  for (const { type } of [left, right]) {
    if (!isInteger(type) && !isFloating(type) && !isDecimal(type))
      throw refuse(`${op} does not take ${typeName(type)}`);
  }
  if (isDecimal(left.type) || isDecimal(right.type)) return typeDecimals(op, left, right, refuse);
  const common = commonType(left.type, right.type);
  if (common === undefined) throw refuse(mismatch(left, right, 'calculate'));
  if (op === 'div' && !isInteger(common)) throw refuse(`div takes integers, not ${typeName(common)}`);
  // As in Spark, the quotient of integers is a double.
  const type = op === '/' ? 'double' : op === 'div' ? 'long' : common;
  return { type, left: widenTo(left, type), right: widenTo(right, type) };
}

/** NULL beside a number is a null of its type; two of them are of doubles. */
function withNullNumbers(operands: readonly BoundExpression[]): readonly BoundExpression[] {
  const type = operands.find((operand) => operand.type !== 'void')?.type ?? 'double';
  return operands.map((operand) => (operand.type === 'void' ? castTo(operand, type) : operand));
}

function typeDecimals(
  op: ArithmeticOperator,
  left: BoundExpression,
  right: BoundExpression,
  refuse: Refuse,
): TypedArithmetic {
  const [a, b] = [decimalOfOperand(left), decimalOfOperand(right)];
  if (a === undefined || b === undefined) throw refuse(mismatch(left, right, 'calculate'));
  const type = resultOf(op, a, b);
  if (type === 'not exact') throw refuse(`${op} of decimals is rounded; write a CAST AS DOUBLE of both sides`);
  if (type === undefined) {
    throw refuse(
      `${typeName(a)} ${op} ${typeName(b)} takes more than ${MAX_PRECISION} digits; write a CAST of a side to a smaller decimal`,
    );
  }
  return { type, left: widenTo(left, a), right: widenTo(right, b) };
}

function decimalOfOperand(operand: BoundExpression): DecimalType | undefined {
  if (operand.kind !== 'literal' || !isInteger(operand.type) || operand.value === null)
    return decimalOfExact(operand.type);
  return decimalOf(String(operand.value).replace('-', '').length, 0);
}

function resultOf(op: ArithmeticOperator, a: DecimalType, b: DecimalType): DecimalType | 'not exact' | undefined {
  const scale = Math.max(a.scale, b.scale);
  const [wholeA, wholeB] = [a.precision - a.scale, b.precision - b.scale];
  switch (op) {
    case '+':
    case '-':
      return Math.max(wholeA, wholeB) + scale > MAX_PRECISION
        ? undefined
        : bounded(Math.max(wholeA, wholeB) + scale + 1, scale);
    case '%':
      return Math.max(wholeA, wholeB) + scale > MAX_PRECISION
        ? undefined
        : decimalOf(Math.max(Math.min(wholeA, wholeB) + scale, 1), scale);
    case '*':
      return bounded(a.precision + b.precision + 1, a.scale + b.scale);
    case '/':
    case 'div':
      return 'not exact';
  }
}

/** A decimal of at most 38 digits, where Spark would keep its scale. */
function bounded(precision: number, scale: number): DecimalType | undefined {
  if (precision <= MAX_PRECISION) return decimalOf(precision, scale);
  return scale <= KEPT_SCALE ? decimalOf(MAX_PRECISION, scale) : undefined;
}
