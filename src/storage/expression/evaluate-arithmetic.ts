import type { Cell } from '../types/cell.ts';
import { type DecimalType, type DeltaType, isDecimal, typeName } from '../types/delta-type.ts';
import type { BoundArithmetic } from './bound-expression.ts';
import { checkedDecimal, rescaled } from './decimal-math.ts';
import type { ArithmeticOperator } from './expression.ts';
import { evaluationFailed } from './expression-error.ts';
import { fitsInteger } from './parse-literal.ts';
import { type IntegerType, isFloating, isInteger } from './type-rules.ts';

/** What gives a value of two that are not null. */
export type BinaryOperation = (left: Cell, right: Cell) => Cell;
/** What gives a value of one that is not null. */
export type UnaryOperation = (value: Cell) => Cell;

/**
 * The operation of an arithmetic expression. A result that its type does not hold and a division by
 * zero, of floats, too, are errors of the row, as in Spark's ANSI mode; floats themselves overflow to
 * infinity. A remainder has the sign of the left side, and its zero is a DIVIDE_BY_ZERO.
 */
export function arithmeticOperation({ op, type, left, right }: BoundArithmetic): BinaryOperation {
  const what = `${typeName(left.type)} ${op} ${typeName(right.type)}`;
  if (isDecimal(type)) return decimalOperation(op, type, scaleOf(left.type), scaleOf(right.type), what);
  if (type === 'long') return (a, b) => checkedLong(calculateBig(op, bigOf(a), bigOf(b), what), what);
  const calculate = (a: Cell, b: Cell): number => calculateNumber(op, numberOf(a), numberOf(b), what);
  if (type === 'float') return (a, b) => Math.fround(calculate(a, b));
  return isInteger(type) ? (a, b) => checkedNumber(calculate(a, b), type, what) : calculate;
}

/** The operation of a minus sign. */
export function negateOperation(type: DeltaType): UnaryOperation {
  if (isDecimal(type)) return (value) => -bigOf(value);
  if (type === 'long') return (value) => checkedLong(-bigOf(value), '- of long');
  if (isFloating(type) || !isInteger(type)) return (value) => -numberOf(value);
  // Integers have no −0.
  return (value) => checkedNumber(0 - numberOf(value), type, `- of ${type}`);
}

/** A long in its range. @throws AppError invalid_request ARITHMETIC_OVERFLOW beyond it. */
export function checkedLong(value: bigint, what: string): bigint {
  if (fitsInteger(value, 'long')) return value;
  throw evaluationFailed('ARITHMETIC_OVERFLOW', `${what} gives a value beyond long`);
}

/** The number of a value of a type that has numbers. */
export function numberOf(value: Cell): number {
  return typeof value === 'number' ? value : Number(value);
}

/** The bigint of a value of a type that has bigints. */
export function bigOf(value: Cell): bigint {
  return typeof value === 'bigint' ? value : BigInt(numberOf(value));
}

function checkedNumber(value: number, type: IntegerType, what: string): number {
  // Products of integers lie below 2^62: not always exact, but then far beyond the range.
  if (fitsInteger(BigInt(value), type)) return value === 0 ? 0 : value;
  throw evaluationFailed('ARITHMETIC_OVERFLOW', `${what} gives a value beyond ${type}`);
}

function scaleOf(type: DeltaType): number {
  return isDecimal(type) ? type.scale : 0;
}

function calculateNumber(op: ArithmeticOperator, left: number, right: number, what: string): number {
  switch (op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
    case 'div':
      if (right === 0) throw divideByZero(what);
      return left / right;
    case '%':
      if (right === 0) throw divideByZero(what);
      return left % right;
  }
}

function calculateBig(op: ArithmeticOperator, left: bigint, right: bigint, what: string): bigint {
  switch (op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
    case 'div':
      if (right === 0n) throw divideByZero(what);
      return left / right;
    case '%':
      if (right === 0n) throw divideByZero(what);
      return left % right;
  }
}

function decimalOperation(
  op: ArithmeticOperator,
  type: DecimalType,
  leftScale: number,
  rightScale: number,
  what: string,
): BinaryOperation {
  // A product has the scales of both sides together already.
  const [fromLeft, fromRight] = op === '*' ? [type.scale, type.scale] : [leftScale, rightScale];
  return (left, right) => {
    const [a, b] = [rescaled(bigOf(left), fromLeft, type.scale), rescaled(bigOf(right), fromRight, type.scale)];
    return checkedDecimal(calculateBig(op, a, b, what), type, what);
  };
}

function divideByZero(what: string): Error {
  return evaluationFailed('DIVIDE_BY_ZERO', `${what} divides by zero`);
}
