import { type AppError, messageOf } from '../../base/errors.ts';
import { isDecimal } from '../types/delta-type.ts';
import { type BoundArithmetic, type BoundExpression, boundOperands } from './bound-expression.ts';
import { isTotalCast } from './cast-rules.ts';
import { EVALUATION_FAULTS, type EvaluationFault, evaluationFailed } from './expression-error.ts';
import { MAX_PRECISION } from './parse-literal.ts';
import { isFloating, isInteger } from './type-rules.ts';

/**
 * Whether DuckDB may fail on a row for an expression. It evaluates both sides of AND and OR for every
 * row, so that what may fail must be kept from the rows that it is not meant for.
 */
export function mayFail(bound: BoundExpression): boolean {
  return failsItself(bound) || boundOperands(bound).some(mayFail);
}

/** SQL that fails with a fault, as a value of any type. */
export function faultSql(fault: EvaluationFault, what: string): string {
  return `error('${fault}: ${what.replaceAll("'", "''")}')`;
}

/** How DuckDB begins its errors of values, wherever they stand in its message. */
const DUCKDB_FAULTS: readonly (readonly [RegExp, EvaluationFault])[] = [
  ...EVALUATION_FAULTS.map((fault) => [new RegExp(`Invalid Input Error: ${fault}`), fault] as const),
  [/Out of Range Error/, 'ARITHMETIC_OVERFLOW'],
  // Of strings the form is tested before.
  [/Conversion Error/, 'CAST_OVERFLOW'],
];

/**
 * The fault of an expression that DuckDB failed with, without the values that its message shows;
 * undefined for failures of another kind. A query that holds casts of its own may fail by those.
 */
export function faultOfDuckDb(error: unknown): AppError | undefined {
  const message = messageOf(error);
  const fault = DUCKDB_FAULTS.find(([form]) => form.test(message))?.[1];
  return fault === undefined ? undefined : evaluationFailed(fault, 'an expression has no value for a row');
}

/** A fault by its name, as it stands in the context of an error. */
export function faultNamed(name: unknown): EvaluationFault | undefined {
  return EVALUATION_FAULTS.find((fault) => fault === name);
}

/** Whether an operand is a number in the text that is not zero. */
export function isNonZeroLiteral(bound: BoundExpression): boolean {
  return bound.kind === 'literal' && bound.value !== null && Number(bound.value) !== 0;
}

/** Whether an operand is the number −1, by which the least integer has no quotient. */
export function isMinusOne(bound: BoundExpression): boolean {
  return bound.kind === 'literal' && bound.value !== null && Number(bound.value) === -1;
}

/** Whether an expression may fail on a row whose operands have values. */
export function failsItself(bound: BoundExpression): boolean {
  switch (bound.kind) {
    case 'arithmetic':
      return arithmeticFails(bound);
    case 'negate':
    case 'abs':
      return isInteger(bound.type);
    case 'cast':
      return !isTotalCast(bound.operand.type, bound.type);
    case 'floor':
    case 'ceil':
      return isFloating(bound.operand.type);
    case 'lower':
    case 'upper':
    case 'date_trunc':
      return true;
    default:
      return false;
  }
}

function arithmeticFails({ op, type, right }: BoundArithmetic): boolean {
  switch (op) {
    case '+':
    case '-':
    case '*':
      return isDecimal(type) ? type.precision === MAX_PRECISION : !isFloating(type);
    case '/':
    case '%':
      return !isNonZeroLiteral(right);
    case 'div':
      return !isNonZeroLiteral(right) || isMinusOne(right);
  }
}
