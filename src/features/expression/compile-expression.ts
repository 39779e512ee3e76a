import type { ColumnFrame } from './column-frame.ts';
import { compileCall } from './compile-call.ts';
import { type Compiled, NULL_STATUS, number, statusOfFirst, textAt } from './compiled.ts';
import type { TypedExpression } from './typed-expression.ts';

/*
 * A part becomes two closures over the frame. `read` is the hot one: it allocates nothing, and since every part is
 * total it needs no order. `status` says why there is no value: the status of the first operand, in written order, that
 * has none, or `null` where all have one (x / 0, a column that the payment does not fill).
 */

/** Makes a checked expression into closures over a frame that has its columns. */
export function compileExpression(expression: TypedExpression, frame: ColumnFrame): Compiled {
  switch (expression.kind) {
    case 'constant':
      return compileConstant(expression);
    case 'column':
      return compileColumn(expression, frame);
    case 'feature': {
      const { output } = expression;
      return number(
        () => frame.values[output] as number,
        () => frame.status[output] as number,
      );
    }
    case 'in':
      return compileMembership(compileExpression(expression.operand, frame), expression.items);
    case 'code':
      return compileCode(compileExpression(expression.operand, frame), expression.codes);
    case 'call': {
      const args = expression.args.map((part) => compileExpression(part, frame));
      return compileCall(expression, args, frame);
    }
  }
}

function compileConstant({ type, value }: Extract<TypedExpression, { kind: 'constant' }>): Compiled {
  if (type === 'string') {
    const text = typeof value === 'string' ? value : null;
    return { kind: 'text', read: () => text, status: NULL_STATUS };
  }
  const constant = typeof value === 'number' ? value : Number.NaN;
  return number(() => constant, NULL_STATUS);
}

function compileColumn({ type, column }: Extract<TypedExpression, { kind: 'column' }>, frame: ColumnFrame): Compiled {
  const place = frame.placeOf(column);
  const { numbers, texts } = frame;
  if (type === 'string') return { kind: 'text', read: () => texts[place] ?? null, status: NULL_STATUS };
  return number(() => numbers[place] as number, NULL_STATUS);
}

function compileMembership(operand: Compiled, items: readonly (number | string)[]): Compiled {
  const known = new Set<number | string>(items);
  const status = statusOfFirst([operand]);
  if (operand.kind === 'text') {
    const { read } = operand;
    return number(() => {
      const text = read();
      return text === null ? Number.NaN : known.has(text) ? 1 : 0;
    }, status);
  }
  const { read } = operand;
  return number(() => {
    const value = read();
    return Number.isNaN(value) ? Number.NaN : known.has(value) ? 1 : 0;
  }, status);
}

function compileCode(operand: Compiled, codes: ReadonlyMap<string, number>): Compiled {
  const read = textAt([operand], 0);
  return number(
    () => {
      const text = read();
      return text === null ? Number.NaN : (codes.get(text) ?? Number.NaN);
    },
    statusOfFirst([operand]),
  );
}
