import type { PaymentRow } from '../../domain/payment-row.ts';
import { checkTypes } from './check-types.ts';
import { compileExpression } from './compile-expression.ts';
import { type DerivedColumns, sourceColumns } from './derived-columns.ts';
import { parseExpression } from './parse-expression.ts';
import { Registers } from './registers.ts';
import { columnsOf, sizeOf } from './typed-expression.ts';

/** A filter over payments, compiled. It has scratch of its own: one for each thread. */
export interface Condition {
  readonly text: string;
  /** The payment's columns that it reads, those that derived columns are made from too. */
  readonly columns: readonly (keyof PaymentRow)[];
  /** Whether it reads derived columns: else `null` may be given for them. */
  readonly readsDerived: boolean;
  /** Whether a payment fulfils it; a condition that is null is not fulfilled. */
  holds(row: PaymentRow, derived: DerivedColumns | null): boolean;
}

/**
 * Compiles a condition of the expression language in which only the payment's columns, and those derived from them, have
 * names.
 *
 * @param subject whose the condition is, for messages: `feature 'night_count_7d'`.
 * @throws ExpressionError `feature_invalid` where it is no condition.
 */
export function compileCondition(text: string, subject = 'condition'): Condition {
  const scope = { subject, features: new Map(), gives: ['boolean'] as const };
  const typed = checkTypes(parseExpression(text, subject), text, scope);
  const columns = columnsOf(typed);
  const registers = new Registers(columns, sizeOf(typed));
  const { at } = compileExpression(typed, registers, noFeature);
  const { numbers, steps } = registers;
  return {
    text,
    columns: sourceColumns(columns),
    readsDerived: registers.readsDerived,
    holds(row, derived) {
      registers.load(row, derived);
      for (let step = 0; step < steps.length; step += 1) (steps[step] as () => void)();
      return numbers[at] === 1;
    },
  };
}

function noFeature(): never {
  throw new Error('a condition names no features');
}
