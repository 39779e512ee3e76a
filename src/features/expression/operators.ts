import { type Argument, argument, argumentOf, type Call, computed, isOrdered, numberArgument } from './arguments.ts';
import type { Arithmetic, Operator } from './syntax.ts';
import type { TypedExpression } from './typed-expression.ts';
import { aType, isNumber, type ValueType } from './value-type.ts';

/** Checks an operator's operands and gives its typed call. */
export function typeOperator(name: Operator, call: Call): TypedExpression {
  switch (name) {
    case '-':
      return call.args.length === 1 ? typeNegation(call) : typeArithmetic(name, call);
    case '+':
    case '*':
    case '/':
    case '%':
      return typeArithmetic(name, call);
    case 'and':
    case 'or':
      return computed(name, 'boolean', argumentOf(call, 0, 'boolean'), argumentOf(call, 1, 'boolean'));
    case 'not':
      return computed(name, 'boolean', argumentOf(call, 0, 'boolean'));
    case 'is null':
      return isNull(call);
    case 'is not null':
      return computed('not', 'boolean', isNull(call));
    default:
      return typeComparison(name, call);
  }
}

/** `x is null`, also as `absent(x)`. */
export function isNull(call: Call): TypedExpression {
  return computed('is null', 'boolean', argument(call, 0));
}

function typeNegation(call: Call): TypedExpression {
  const operand = argumentOf(call, 0, 'long', 'double', 'duration');
  return computed('negate', operand.type, operand);
}

function typeArithmetic(sign: Arithmetic, call: Call): TypedExpression {
  const left = argument(call, 0);
  const right = argument(call, 1);
  if (isNumber(left.type) && isNumber(right.type)) {
    const isWholeResult = sign !== '/' && left.type === 'long' && right.type === 'long';
    return computed(sign, isWholeResult ? 'long' : 'double', left, right);
  }
  const type = typeOfTimes(sign, left.type, right.type);
  if (type !== undefined) return computed(sign, type, left, right);
  if (isTime(left.type) || isTime(right.type)) {
    return call.fail(`${sign} does not go between ${aType(left.type)} and ${aType(right.type)}`, call.at);
  }
  numberArgument(call, 0);
  return numberArgument(call, 1);
}

function isTime(type: ValueType): boolean {
  return type === 'timestamp' || type === 'date' || type === 'duration';
}

function typeOfTimes(sign: Arithmetic, left: ValueType, right: ValueType): ValueType | undefined {
  switch (`${left} ${sign} ${right}`) {
    case 'date - date':
      return 'long';
    case 'timestamp - timestamp':
    case 'duration + duration':
    case 'duration - duration':
      return 'duration';
    case 'timestamp + duration':
    case 'timestamp - duration':
      return 'timestamp';
    case 'duration / duration':
      return 'double';
    default:
      return undefined;
  }
}

function typeComparison(sign: '=' | '<>' | '<' | '<=' | '>' | '>=', call: Call): TypedExpression {
  const nothing = call.args.find(({ typed }) => typed === 'null');
  if (nothing !== undefined) call.fail('nothing compares with null: write is null or is not null', nothing.at);
  const left = argument(call, 0);
  const right = argument(call, 1);
  if (left.type !== right.type && !(isNumber(left.type) && isNumber(right.type))) {
    call.fail(`${aType(left.type)} does not compare with ${aType(right.type)}`, call.at);
  }
  if (sign !== '=' && sign !== '<>' && !isOrdered(left.type)) {
    call.fail(`${aType(left.type)} has no order here: compare with =, <> or in`, call.at);
  }
  return computed(sign, 'boolean', left, right);
}

/** `operand in (items)`; items are of the operand's type. */
export function typeMembership(operand: Argument, items: readonly Argument[], call: Call): TypedExpression {
  const { type } = argument({ ...call, args: [operand] }, 0);
  const values = items.map(({ typed, at }): number | string => {
    if (typed === 'null') return call.fail('a list holds no null: write or … is null', at);
    const fits = typed.type === type || (isNumber(typed.type) && isNumber(type));
    if (!fits) return call.fail(`the list of ${aType(type)} holds ${aType(typed.type)}`, at);
    if (typed.kind === 'constant' && typed.value !== null) return typed.value;
    return call.fail('a list holds values that are written out', at);
  });
  return { kind: 'in', type: 'boolean', operand: argument({ ...call, args: [operand] }, 0), items: values };
}
