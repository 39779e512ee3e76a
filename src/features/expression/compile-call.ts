import { arithmeticStep } from './compile-arithmetic.ts';
import { compileCoalesce, compileIf, compileIsNull, compileNeverSeen } from './compile-choice.ts';
import { civilStep } from './compile-civil.ts';
import { compileComparison } from './compile-comparison.ts';
import { functionStep } from './compile-function.ts';
import { numberStep, numbersOf, statusOfFirst, textsOf } from './part-steps.ts';
import type { Part, Registers } from './registers.ts';
import type { TypedExpression } from './typed-expression.ts';
import { isWhole } from './value-type.ts';

/** Compiles a call over its compiled operands. */
export function compileCall(
  { does, type, args: operands }: Extract<TypedExpression, { kind: 'call' }>,
  args: readonly Part[],
  registers: Registers,
): Part {
  const { numbers } = registers;
  const status = statusOfFirst(args, registers);
  switch (does) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return numberStep(registers, status, (to) => arithmeticStep(does, isWhole(type), numbers, to, numbersOf(args)));
    case '=':
    case '<>':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return compileComparison(does, args, registers);
    case 'if':
      return compileIf(args, registers);
    case 'coalesce':
      return compileCoalesce(args, registers);
    case 'is null':
      return compileIsNull(args, registers);
    case 'never_seen':
      return compileNeverSeen(operands[0], registers);
    case 'starts_with':
      return compileStartsWith(args, registers);
    case 'hour':
    case 'weekday':
    case 'is_night':
    case 'is_weekend':
    case 'utc_hour':
    case 'utc_weekday':
      return numberStep(registers, status, (to) => civilStep(does, numbers, to, numbersOf(args)));
    default:
      return numberStep(registers, status, (to) => functionStep(does, numbers, to, args));
  }
}

function compileStartsWith(args: readonly Part[], registers: Registers): Part {
  const { numbers, texts } = registers;
  const [whole, start] = textsOf(args);
  return numberStep(registers, statusOfFirst(args, registers), (to) => () => {
    const text = texts[whole] ?? null;
    const prefix = texts[start] ?? null;
    numbers[to] = text === null || prefix === null ? Number.NaN : text.startsWith(prefix) ? 1 : 0;
  });
}
