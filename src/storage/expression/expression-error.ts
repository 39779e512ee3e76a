import { AppError } from '../../base/errors.ts';
import type { ExpressionErrorCode } from './expression.ts';
import { EXPRESSION_LIMITS } from './expression-limits.ts';

/** Whose an expression is: what its errors are called and begin with. */
export interface ExpressionOrigin {
  readonly code: ExpressionErrorCode;
  /** Begins a sentence: `The condition`, `The constraint amount_positive`. */
  readonly what: string;
}

/**
 * The error of an expression that is not taken. The `reason` goes on after a colon and quotes no
 * literal: what a condition compares with may be personal data.
 *
 * @param position where in the text, in UTF-16 units from 1.
 */
export function expressionRefused(origin: ExpressionOrigin, reason: string, position?: number): AppError {
  const where = position === undefined ? '' : ` at position ${position}`;
  return new AppError(
    origin.code,
    `${origin.what} is not an expression that we take: ${reason}${where}`,
    position === undefined ? {} : { position },
  );
}

/** A name or keyword as errors quote it, in backticks and cut to a length. */
export function quoted(text: string): string {
  const { quoteLength } = EXPRESSION_LIMITS;
  return text.length <= quoteLength ? `\`${text}\`` : `\`${text.slice(0, quoteLength)}…\``;
}

/** The faults of rows. */
export const EVALUATION_FAULTS = [
  'ARITHMETIC_OVERFLOW',
  'DIVIDE_BY_ZERO',
  'CAST_INVALID_INPUT',
  'CAST_OVERFLOW',
] as const;

/** Why a row has no value of an expression, by the names that Spark gives it. */
export type EvaluationFault = (typeof EVALUATION_FAULTS)[number];

/**
 * The error of a row that an expression cannot be evaluated for: invalid_request, with the fault in
 * its context. It quotes no value: rows hold personal data.
 */
export function evaluationFailed(fault: EvaluationFault, what: string): AppError {
  return new AppError('invalid_request', `${fault}: ${what}`, { fault });
}
