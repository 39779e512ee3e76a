import { assert } from '../../base/assert.ts';
import { FEATURE_STATUS } from '../feature-status.ts';
import { numberStep, numbersOf, statusOfFirst } from './part-steps.ts';
import type { Part, ReadStatus, Registers } from './registers.ts';
import type { TypedExpression } from './typed-expression.ts';

/** `if(condition, a, b)`: a missing value has the status of the condition where that is missing, else of what is chosen. */
export function compileIf(args: readonly Part[], registers: Registers): Part {
  const [test, yes, no] = args;
  assert(test !== undefined && yes !== undefined && no !== undefined, 'if takes three operands');
  const { numbers, texts } = registers;
  const status: ReadStatus = () => (registers.isMissing(test) ? test : numbers[test.at] === 1 ? yes : no).status();
  if (yes.kind === 'text') {
    const chosen = registers.takeText(status);
    registers.steps.push(() => {
      const condition = numbers[test.at];
      texts[chosen.at] = (condition === 1 ? texts[yes.at] : condition === 0 ? texts[no.at] : null) ?? null;
    });
    return chosen;
  }
  const [c, a, b] = numbersOf(args);
  return numberStep(registers, status, (to) => () => {
    const condition = numbers[c] as number;
    numbers[to] = condition === 1 ? (numbers[a] as number) : condition === 0 ? (numbers[b] as number) : Number.NaN;
  });
}

/** `coalesce(a, b, …)`: the first that has a value. */
export function compileCoalesce(args: readonly Part[], registers: Registers): Part {
  const status = statusOfFirst(args, registers);
  const places = args.map(({ at }) => at);
  const { numbers, texts } = registers;
  if (args[0]?.kind === 'text') {
    const first = registers.takeText(status);
    registers.steps.push(() => {
      let value: string | null = null;
      for (let at = 0; at < places.length && value === null; at += 1) value = texts[places[at] as number] ?? null;
      texts[first.at] = value;
    });
    return first;
  }
  return numberStep(registers, status, (to) => () => {
    let value = Number.NaN;
    for (let at = 0; at < places.length && Number.isNaN(value); at += 1)
      value = numbers[places[at] as number] as number;
    numbers[to] = value;
  });
}

/** `x is null`, never null itself. */
export function compileIsNull(args: readonly Part[], registers: Registers): Part {
  const [operand] = args;
  assert(operand !== undefined, 'is null takes an operand');
  const { numbers } = registers;
  const status: ReadStatus = () => FEATURE_STATUS.null;
  return numberStep(registers, status, (to) => () => {
    numbers[to] = registers.isMissing(operand) ? 1 : 0;
  });
}

/** `never_seen(feature)`: null, as `unavailable`, where the store did not answer. */
export function compileNeverSeen(feature: TypedExpression | undefined, registers: Registers): Part {
  assert(feature?.kind === 'feature', 'never_seen takes a feature');
  const { output } = feature;
  const { numbers } = registers;
  const status: ReadStatus = () => FEATURE_STATUS.unavailable;
  return numberStep(registers, status, (to) => () => {
    const seen = registers.status[output];
    numbers[to] = seen === FEATURE_STATUS.unavailable ? Number.NaN : seen === FEATURE_STATUS.notFound ? 1 : 0;
  });
}
