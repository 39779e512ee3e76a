import type { PaymentRow } from '../../domain/payment-row.ts';
import { checkTypes } from './check-types.ts';
import { ColumnFrame } from './column-frame.ts';
import { compileExpression } from './compile-expression.ts';
import { numberAt } from './compiled.ts';
import { type DerivedColumns, sourceColumns } from './derived-columns.ts';
import { parseExpression } from './parse-expression.ts';
import { columnsOf } from './typed-expression.ts';

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
  const frame = new ColumnFrame(columns);
  const read = numberAt([compileExpression(typed, frame)], 0);
  return {
    text,
    columns: sourceColumns(columns),
    readsDerived: frame.readsDerived,
    holds(row, derived) {
      frame.load(row, derived);
      return read() === 1;
    },
  };
}
