import { argument, argumentOf, type Call, computed, isOrdered, numberArgument, sameType } from './arguments.ts';
import { isNull } from './operators.ts';
import type { Computation, TypedExpression } from './typed-expression.ts';
import { aType, type ValueType } from './value-type.ts';

/** A function of the language: the checker types calls by it, the page of the language is held to it. */
export interface ExpressionFunction {
  /** How it is called. */
  readonly signature: string;
  readonly meaning: string;
  /** When its value is null. */
  readonly nulls: string;
  /** How many arguments it takes: least and most. */
  readonly count: readonly [number, number];
  /** Checks the arguments and gives the typed call. */
  readonly type: (call: Call) => TypedExpression;
}

const STRICT = 'null operand → null';
/** Any number of arguments: the limit of nodes bounds it. */
const MANY = Number.POSITIVE_INFINITY;

const EVENT_TIME: TypedExpression = { kind: 'column', type: 'timestamp', column: 'event_time' };
const DAY: TypedExpression = { kind: 'column', type: 'date', column: 'day' };

/** The functions by their names. */
export const FUNCTIONS: ReadonlyMap<string, ExpressionFunction> = new Map<string, ExpressionFunction>(
  Object.entries({
    abs: ofNumber('abs', 'the number without its sign', STRICT, (type) => type),
    floor: ofNumber(
      'floor',
      'the largest whole number that is not above',
      `${STRICT}; beyond ±2^53 → null`,
      () => 'long',
    ),
    sqrt: ofNumber('sqrt', 'the square root', `${STRICT}; below 0 → null`, () => 'double'),
    ln: ofNumber('ln', 'the natural logarithm', `${STRICT}; 0 or below → null`, () => 'double'),
    least: extreme('least', 'the smallest of numbers, timestamps, dates or spans'),
    greatest: extreme('greatest', 'the largest of numbers, timestamps, dates or spans'),
    coalesce: {
      signature: 'coalesce(a, b, …)',
      meaning: 'the first of values of one type that is not null',
      nulls: 'null where all are',
      count: [2, MANY],
      type: (call) => {
        const { type, values } = sameType(call, 0);
        return computed('coalesce', type, ...values);
      },
    },
    if: {
      signature: 'if(condition, a, b)',
      meaning: 'a where the condition is true, b where it is false; a and b are of one type',
      nulls: 'null where the condition is, or what it chooses',
      count: [3, 3],
      type: (call) => {
        const condition = argumentOf(call, 0, 'boolean');
        const { type, values } = sameType(call, 1);
        return computed('if', type, condition, ...values);
      },
    },
    hour: ofTimestamp('hour', 'hour of the day in America/Sao_Paulo, 0–23', 'long'),
    weekday: ofTimestamp('weekday', 'day of the week there, 1 = Monday … 7 = Sunday', 'long'),
    is_night: ofTimestamp('is_night', 'whether it is 20:00 to 06:00 there', 'boolean'),
    is_weekend: ofTimestamp('is_weekend', 'whether it is Saturday or Sunday there', 'boolean'),
    utc_hour: ofTimestamp('utc_hour', 'hour of the day in UTC, 0–23', 'long'),
    utc_weekday: ofTimestamp('utc_weekday', 'day of the week in UTC, 1 = Monday … 7 = Sunday', 'long'),
    days_since: {
      signature: 'days_since(date)',
      meaning: 'whole civil days from the date to the payment’s in America/Sao_Paulo',
      nulls: `${STRICT}; 1970-01-01, which says that there is no data, → null`,
      count: [1, 1],
      type: (call) => computed('days_since', 'long', DAY, argumentOf(call, 0, 'date')),
    },
    since: {
      signature: 'since(timestamp, unit)',
      meaning: 'time from the timestamp to the payment’s acceptance, in units of a span such as 1h or 1d',
      nulls: STRICT,
      count: [2, 2],
      type: (call) => {
        const [from, unit] = [argumentOf(call, 0, 'timestamp'), argumentOf(call, 1, 'duration')];
        if (call.args[1]?.isLiteral !== true)
          call.fail('the unit is written out, such as 1d', call.args[1]?.at ?? call.at);
        return computed('since', 'double', EVENT_TIME, from, unit);
      },
    },
    code: {
      signature: "code(text, 'A', 1, 'B', 2, …)",
      meaning: 'the whole number that is written after the text',
      nulls: `${STRICT}; a text that is not named → null`,
      count: [3, MANY],
      type: typeCode,
    },
    multiple_of: {
      signature: 'multiple_of(whole, n)',
      meaning: 'whether a whole number is a multiple of n, a whole number above 0 that is written out',
      nulls: STRICT,
      count: [2, 2],
      type: (call) => {
        const of = argumentOf(call, 1, 'long');
        const isAbove0 = of.kind === 'constant' && typeof of.value === 'number' && of.value > 0;
        if (!isAbove0)
          call.fail('multiple_of takes a whole number above 0 that is written out', call.args[1]?.at ?? call.at);
        return computed('multiple_of', 'boolean', argumentOf(call, 0, 'long'), of);
      },
    },
    starts_with: {
      signature: 'starts_with(text, text)',
      meaning: 'whether the first text begins with the second',
      nulls: STRICT,
      count: [2, 2],
      type: (call) => computed('starts_with', 'boolean', argumentOf(call, 0, 'string'), argumentOf(call, 1, 'string')),
    },
    absent: {
      signature: 'absent(x)',
      meaning: 'whether a feature or a column has no value, for whatever reason',
      nulls: 'never null',
      count: [1, 1],
      type: isNull,
    },
    never_seen: {
      signature: 'never_seen(feature)',
      meaning:
        'whether the feature’s entity was never seen before, or the payment names none (add `device_missing` and the like where that matters)',
      nulls: 'null, as unavailable, where the store did not answer',
      count: [1, 1],
      type: (call) => {
        const feature = argument(call, 0);
        if (feature.kind !== 'feature')
          call.fail('never_seen takes the name of a feature', call.args[0]?.at ?? call.at);
        return computed('never_seen', 'boolean', feature);
      },
    },
  }),
);

function ofNumber(
  name: Computation,
  meaning: string,
  nulls: string,
  typeOf: (operand: ValueType) => ValueType,
): ExpressionFunction {
  return {
    signature: `${name}(number)`,
    meaning,
    nulls,
    count: [1, 1],
    type: (call) => {
      const operand = numberArgument(call, 0);
      return computed(name, typeOf(operand.type), operand);
    },
  };
}

function ofTimestamp(name: Computation, meaning: string, type: ValueType): ExpressionFunction {
  return {
    signature: `${name}(timestamp)`,
    meaning,
    nulls: STRICT,
    count: [1, 1],
    type: (call) => computed(name, type, argumentOf(call, 0, 'timestamp')),
  };
}

function extreme(name: 'least' | 'greatest', meaning: string): ExpressionFunction {
  return {
    signature: `${name}(a, b, …)`,
    meaning,
    nulls: STRICT,
    count: [2, MANY],
    type: (call) => {
      for (const at of call.args.keys()) argument(call, at);
      const { type, values } = sameType(call, 0);
      if (!isOrdered(type)) call.fail(`${name} of ${aType(type)}: it has no order here`, call.at);
      return computed(name, type, ...values);
    },
  };
}

function typeCode(call: Call): TypedExpression {
  const operand = argumentOf(call, 0, 'string');
  const codes = new Map<string, number>();
  const { args, fail } = call;
  if (args.length % 2 === 0) fail('code takes a text and then pairs: each text with its number', call.at);
  for (let at = 1; at < args.length; at += 2) {
    const text = constantOf(argumentOf(call, at, 'string'));
    const code = constantOf(argumentOf(call, at + 1, 'long'));
    const place = args[at]?.at ?? call.at;
    if (typeof text !== 'string' || typeof code !== 'number') return fail('texts and codes are written out', place);
    if (codes.has(text)) fail('this text has a code already', place);
    codes.set(text, code);
  }
  return { kind: 'code', type: 'long', operand, codes };
}

function constantOf(typed: TypedExpression): number | string | null {
  return typed.kind === 'constant' ? typed.value : null;
}
