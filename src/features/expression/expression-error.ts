import { AppError } from '../../base/errors.ts';

/** Longest piece of an expression that is shown around a fault: a terminal's line, with room for an indent. */
const SHOWN_CHARACTERS = 76;

/**
 * An expression that has no meaning: `feature_invalid`. The message is one line that says whose the expression is, what
 * is wrong and where; it quotes no text of the expression but names, for a filter may compare with personal data.
 */
export class ExpressionError extends AppError {
  /** What is wrong, without the place. */
  readonly problem: string;
  /** Where in it the fault is: UTF-16 units from 1. A loader of files adds line and column of the expression. */
  readonly position: number;
  /** Private, so that no logger writes it. */
  readonly #expression: string;

  /** @param subject whose the expression is, such as `feature 'amount'`. */
  constructor(subject: string, problem: string, expression: string, position: number) {
    super('feature_invalid', `${subject}: ${problem} at character ${position}`, { character: position });
    this.problem = problem;
    this.#expression = expression;
    this.position = position;
  }

  /** The line of the expression that holds the fault, cut to a terminal's width, and below it a caret. */
  get excerpt(): string {
    const at = this.position - 1;
    const lineStart = at === 0 ? 0 : this.#expression.lastIndexOf('\n', at - 1) + 1;
    const newline = this.#expression.indexOf('\n', at);
    const lineEnd = newline === -1 ? this.#expression.length : newline;
    const start = Math.max(lineStart, Math.min(at - SHOWN_CHARACTERS / 2, lineEnd - SHOWN_CHARACTERS));
    const shown = this.#expression.slice(start, Math.min(lineEnd, start + SHOWN_CHARACTERS));
    return `${shown}\n${' '.repeat(at - start)}^`;
  }
}
