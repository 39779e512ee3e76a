import type { Computation, TypedExpression } from './typed-expression.ts';
import { aType, isNumber, isWhole, oneOf, type ValueType } from './value-type.ts';

/** An operand whose type is known; that of a bare `null` is open. */
export interface Argument {
  readonly at: number;
  readonly typed: TypedExpression | 'null';
  /** Whether it is written out, as `10` or `'text'` are. */
  readonly isLiteral: boolean;
}

/** A call whose operands are typed, on its way to be checked. */
export interface Call {
  readonly name: string;
  readonly at: number;
  readonly args: readonly Argument[];
  readonly fail: (problem: string, at: number) => never;
}

/** A typed call. */
export function computed(does: Computation, type: ValueType, ...args: readonly TypedExpression[]): TypedExpression {
  return { kind: 'call', type, does, args };
}

/** Argument number `index`, which has a type; the count of arguments was checked. */
export function argument({ name, args, at, fail }: Call, index: number): TypedExpression {
  const found = args[index];
  if (found === undefined) return fail(`${name} takes more operands`, at);
  if (found.typed === 'null') return fail(`${name} takes no bare null: name what may be null`, found.at);
  return found.typed;
}

/** Argument number `index`, which is of one of the types. */
export function argumentOf(call: Call, index: number, ...types: readonly ValueType[]): TypedExpression {
  const typed = argument(call, index);
  if (types.includes(typed.type)) return typed;
  return call.fail(
    `${call.name} takes ${oneOf(types)}, and this is ${aType(typed.type)}`,
    call.args[index]?.at ?? call.at,
  );
}

/** Argument number `index`, which is a number. */
export function numberArgument(call: Call, index: number): TypedExpression {
  return argumentOf(call, index, 'long', 'double');
}

/**
 * The arguments from `from` on as values of one type: numbers become `double` where they are not all whole, a null takes
 * the type of the others.
 */
export function sameType(
  { name, args, at, fail }: Call,
  from: number,
): { type: ValueType; values: readonly TypedExpression[] } {
  let type: ValueType | undefined;
  for (const { typed, at: place } of args.slice(from)) {
    if (typed === 'null' || typed.type === type) continue;
    if (type === undefined) type = typed.type;
    else if (isNumber(type) && isNumber(typed.type)) type = 'double';
    else fail(`${name} takes values of one type: ${aType(type)} and ${aType(typed.type)} are two`, place);
  }
  if (type === undefined) return fail(`all operands of ${name} are null`, at);
  const common = type;
  const values = args
    .slice(from)
    .map(({ typed }): TypedExpression => (typed === 'null' ? { kind: 'constant', type: common, value: null } : typed));
  return { type: common, values };
}

/** Whether values of the type have an order that is the same everywhere: texts have none. */
export function isOrdered(type: ValueType): boolean {
  return isWhole(type) || type === 'double';
}
