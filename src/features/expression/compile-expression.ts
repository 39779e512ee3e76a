import { compileCall } from './compile-call.ts';
import { numberStep, numbersOf, statusOfFirst, textsOf } from './part-steps.ts';
import { NULL_STATUS, type Part, type Registers } from './registers.ts';
import type { TypedExpression } from './typed-expression.ts';

/**
 * Makes a checked expression into steps over registers that have its columns.
 *
 * Steps run in order and all of them: every part is total, so nothing needs to be passed over. A part's `status` says
 * why it has no value, when it has none: the status of the first operand, in written order, that has none, or `null`
 * where all have one (x / 0, a column that the payment does not fill).
 *
 * @param featureAt where a feature's value lies.
 */
export function compileExpression(
  expression: TypedExpression,
  registers: Registers,
  featureAt: (output: number) => Part,
): Part {
  switch (expression.kind) {
    case 'constant':
      return compileConstant(expression, registers);
    case 'column':
      return registers.column(expression.column);
    case 'feature':
      return featureAt(expression.output);
    case 'in':
      return compileMembership(
        compileExpression(expression.operand, registers, featureAt),
        expression.items,
        registers,
      );
    case 'code':
      return compileCode(compileExpression(expression.operand, registers, featureAt), expression.codes, registers);
    case 'call': {
      const args = expression.args.map((part) => compileExpression(part, registers, featureAt));
      return compileCall(expression, args, registers);
    }
  }
}

function compileConstant({ type, value }: Extract<TypedExpression, { kind: 'constant' }>, registers: Registers): Part {
  if (type === 'string') {
    const part = registers.takeText(NULL_STATUS);
    registers.texts[part.at] = typeof value === 'string' ? value : null;
    return part;
  }
  const part = registers.takeNumber(NULL_STATUS);
  registers.numbers[part.at] = typeof value === 'number' ? value : Number.NaN;
  return part;
}

function compileMembership(operand: Part, items: readonly (number | string)[], registers: Registers): Part {
  const known = new Set<number | string>(items);
  const status = statusOfFirst([operand], registers);
  const { numbers, texts } = registers;
  if (operand.kind === 'text') {
    const [from] = textsOf([operand]);
    return numberStep(registers, status, (to) => () => {
      const text = texts[from] ?? null;
      numbers[to] = text === null ? Number.NaN : known.has(text) ? 1 : 0;
    });
  }
  const [from] = numbersOf([operand]);
  return numberStep(registers, status, (to) => () => {
    const value = numbers[from] as number;
    numbers[to] = Number.isNaN(value) ? Number.NaN : known.has(value) ? 1 : 0;
  });
}

function compileCode(operand: Part, codes: ReadonlyMap<string, number>, registers: Registers): Part {
  const { numbers, texts } = registers;
  const [from] = textsOf([operand]);
  return numberStep(registers, statusOfFirst([operand], registers), (to) => () => {
    const text = texts[from] ?? null;
    numbers[to] = text === null ? Number.NaN : (codes.get(text) ?? Number.NaN);
  });
}
