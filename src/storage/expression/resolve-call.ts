import { dayOfMicros } from '../types/calendar.ts';
import { type DeltaType, decimalOf, isDecimal, typeName } from '../types/delta-type.ts';
import { type BoundExpression, type BoundLiteral, castTo, DATE_UNITS, type UnaryName } from './bound-expression.ts';
import { isTemporal } from './cast-rules.ts';
import type { FunctionName } from './expression.ts';
import { comparableOperands, type Refuse, sameTypeOperands } from './match-types.ts';
import { MAX_PRECISION } from './parse-literal.ts';
import { familyOf, isFloating, isInteger } from './type-rules.ts';

/** What a call is resolved with. */
export interface CallContext {
  readonly refuse: Refuse;
  /** The instant of `current_timestamp()`, microseconds since 1970; without it there is none. */
  readonly now: bigint | undefined;
}

/**
 * Types a call of a function, whose arguments are as many as it takes.
 *
 * @throws AppError by `refuse` for arguments of other types.
 */
export function resolveCall(
  name: FunctionName,
  args: readonly BoundExpression[],
  { refuse, now }: CallContext,
): BoundExpression {
  const [first, second] = args;
  if (first === undefined) return currentInstant(name, now, refuse);
  switch (name) {
    case 'coalesce':
    case 'greatest':
    case 'least':
      return chainOf(name, name === 'coalesce' ? args : comparableOperands(args, refuse), refuse);
    case 'concat':
      return concatOf(args, refuse);
    case 'nullif': {
      const [left = first, right = first] = comparableOperands(args, refuse);
      return { kind: 'nullif', type: left.type, left, right };
    }
    case 'substring':
      return substringOf(first, args.slice(1), refuse);
    case 'date_trunc':
      return dateTruncOf(first, second ?? first, refuse);
    case 'to_date':
      if (first.type !== 'string' && !isTemporal(first.type) && first.type !== 'void')
        throw refuse(doesNotTake(name, first.type));
      return castTo(first, 'date');
    case 'current_date':
    case 'current_timestamp':
      return currentInstant(name, now, refuse);
    default:
      return unaryOf(name, first, refuse);
  }
}

/** The operands of `||` and `concat`: strings, or binaries. */
export function concatOf(operands: readonly BoundExpression[], refuse: Refuse): BoundExpression {
  const typed = comparableOperands(operands, refuse).map((operand) =>
    operand.type === 'void' ? castTo(operand, 'string') : operand,
  );
  const type = typed[0]?.type ?? 'string';
  if (type !== 'string' && type !== 'binary')
    throw refuse(`|| and concat take strings, not ${typeName(type)}; write a CAST AS STRING`);
  return { kind: 'concat', type, operands: typed };
}

function chainOf(
  kind: 'coalesce' | 'greatest' | 'least',
  args: readonly BoundExpression[],
  refuse: Refuse,
): BoundExpression {
  const operands = sameTypeOperands(args, refuse);
  return { kind, type: operands[0]?.type ?? 'void', operands };
}

function currentInstant(name: FunctionName, now: bigint | undefined, refuse: Refuse): BoundLiteral {
  if (now === undefined) throw refuse(`${name} has no fixed value here`);
  if (name === 'current_date') return { kind: 'literal', type: 'date', value: dayOfMicros(now) };
  return { kind: 'literal', type: 'timestamp', value: now };
}

function substringOf(operand: BoundExpression, bounds: readonly BoundExpression[], refuse: Refuse): BoundExpression {
  const string = operand.type === 'void' ? castTo(operand, 'string') : operand;
  if (string.type !== 'string') throw refuse(doesNotTake('substring', string.type));
  const [start, length] = bounds.map((bound) => {
    if (bound.kind === 'literal' && bound.type === 'integer' && typeof bound.value === 'number') return bound.value;
    throw refuse('substring takes its start and length as numbers in the text');
  });
  return { kind: 'substring', type: 'string', operand: string, start: start ?? 1, length };
}

function dateTruncOf(unit: BoundExpression, operand: BoundExpression, refuse: Refuse): BoundExpression {
  const known = DATE_UNITS.find((name) => unit.kind === 'literal' && String(unit.value).toUpperCase() === name);
  if (known === undefined) throw refuse(`date_trunc takes ${DATE_UNITS.map((name) => `'${name}'`).join(', ')} first`);
  const instant = operand.type === 'void' ? castTo(operand, 'timestamp') : operand;
  if (instant.type !== 'timestamp')
    throw refuse(`${doesNotTake('date_trunc', instant.type)}; write a CAST AS TIMESTAMP`);
  return { kind: 'date_trunc', type: 'timestamp', unit: known, operand: instant };
}

/** Functions of one operand: what a NULL in their place is, what they take, and their type. */
const UNARY: Readonly<
  Record<UnaryName, { readonly nullType: DeltaType; readonly typeOf: (type: DeltaType) => DeltaType | undefined }>
> = {
  abs: { nullType: 'double', typeOf: (type) => (isNumber(type) ? type : undefined) },
  ceil: { nullType: 'double', typeOf: wholeType },
  floor: { nullType: 'double', typeOf: wholeType },
  length: { nullType: 'string', typeOf: (type) => (type === 'string' || type === 'binary' ? 'integer' : undefined) },
  lower: { nullType: 'string', typeOf: stringOfString },
  upper: { nullType: 'string', typeOf: stringOfString },
  trim: { nullType: 'string', typeOf: stringOfString },
  year: { nullType: 'date', typeOf: partOfDay },
  month: { nullType: 'date', typeOf: partOfDay },
  day: { nullType: 'date', typeOf: partOfDay },
  hour: { nullType: 'timestamp', typeOf: partOfInstant },
  minute: { nullType: 'timestamp', typeOf: partOfInstant },
  second: { nullType: 'timestamp', typeOf: partOfInstant },
};

function unaryOf(name: UnaryName, arg: BoundExpression, refuse: Refuse): BoundExpression {
  const { nullType, typeOf } = UNARY[name];
  const operand = arg.type === 'void' ? castTo(arg, nullType) : arg;
  const type = typeOf(operand.type);
  if (type === undefined) throw refuse(doesNotTake(name, operand.type));
  return { kind: name, type, operand };
}

function isNumber(type: DeltaType): boolean {
  return familyOf(type) === 'exact' || isFloating(type);
}

/** The type of what is rounded to a whole number: of decimals one with no scale, else long. */
function wholeType(type: DeltaType): DeltaType | undefined {
  if (isDecimal(type)) return decimalOf(Math.min(type.precision - type.scale + 1, MAX_PRECISION), 0);
  return isInteger(type) || isFloating(type) ? 'long' : undefined;
}

function stringOfString(type: DeltaType): DeltaType | undefined {
  return type === 'string' ? 'string' : undefined;
}

function partOfDay(type: DeltaType): DeltaType | undefined {
  return isTemporal(type) ? 'integer' : undefined;
}

function partOfInstant(type: DeltaType): DeltaType | undefined {
  return type === 'timestamp' || type === 'timestamp_ntz' ? 'integer' : undefined;
}

function doesNotTake(name: string, type: DeltaType): string {
  return `${name} does not take ${typeName(type)}`;
}
