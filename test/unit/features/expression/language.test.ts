import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../../src/base/limits.ts';
import { bindExpressions } from '../../../../src/features/definition/bind-expressions.ts';
import type { FeatureDefinition } from '../../../../src/features/definition/definition.ts';
import { ExpressionEngine } from '../../../../src/features/engine/expression-engine.ts';
import { ExpressionError } from '../../../../src/features/expression/expression-error.ts';
import { FEATURE_STATUS_NAMES } from '../../../../src/features/feature-status.ts';
import { rowOf } from '../streams.ts';

const base = { kind: 'window', description: '-', entity: 'payer', aggregate: 'count', window: '1h' } as const;
const features = (...expressions: readonly string[]): FeatureDefinition[] => [
  ...expressions.map((expression, at) => ({
    kind: 'expression' as const,
    name: at === 0 ? 'x' : `x${at}`,
    description: '-',
    expression,
  })),
  { ...base, name: 'mean' },
  // A name that is a column's too.
  { ...base, name: 'purpose' },
];

// 2026-11-24 22:30 in São Paulo, a Tuesday.
const instant = Date.UTC(2026, 10, 25, 1, 30) * 1000;
const row = {
  ...rowOf('E1', instant, 30_000, 1, 2),
  purpose: 'IPAY',
  device_id: null,
  device_remote_access: true,
  device_enrolled_at: instant - 36 * 3_600_000_000,
  payer_account_opened_on: 0,
  payee_account_opened_on: Date.UTC(2026, 10, 20) / 86_400_000,
};

/** What an expression gives: a number, or the name of the status. */
function resultOf(...expressions: readonly string[]): number | string {
  const set = features(...expressions);
  const engine = new ExpressionEngine(bindExpressions(set));
  const values = Float64Array.from(set, ({ name }) => (name === 'purpose' ? 4 : Number.NaN));
  const status = Uint8Array.from(set, ({ name }) => (name === 'mean' ? 3 : 0));
  engine.read(row, { values, status });
  const [value = Number.NaN] = values;
  return Number.isNaN(value) ? (FEATURE_STATUS_NAMES[status[0] ?? -1] ?? '?') : value;
}

function errorOf(...expressions: readonly string[]): ExpressionError {
  try {
    bindExpressions(features(...expressions));
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
  throw new Error(`${expressions.join('; ')} was taken`);
}

describe('the expression language', () => {
  it.each([
    ['1 + 2 * 3 - 4 / 2', 5],
    ['-2 * -3', 6],
    ['10 - 4 - 3', 3],
    ['-7 % 3', -1],
    ['2 * (3 + 4)', 14],
    ['1 + 1 = 2 and 3 > 2', 1],
    ['true or false and false', 1],
    ['not true or true', 1],
    ['not 1 = 2', 1],
    ['1 in (1, 2) and 3 not in (1, 2)', 1],
    ["side in ('PAYER') and 'it''s' <> 'its'", 1],
    ['device_active_call is null and side is not null', 1],
    ['7d / 1d', 7],
    ['event_time - device_enrolled_at > 35h', 1],
    ['event_time - 36h = device_enrolled_at', 1],
    ['since(device_enrolled_at, 1d)', 1.5],
    ['days_since(payee_account_opened_on)', 4],
    ["day - date '2026-11-20'", 4],
    ['1e3 + 0.5', 1000.5],
    ['floor(-0.5)', -1],
    ['0 * -1', 0],
    ['if(device_remote_access, 1, null)', 1],
    ['civil_hour * 10 + weekday', 222],
  ])('reads %s as %s', (text, value) => {
    expect(resultOf(text)).toBe(value);
  });

  it.each([
    ['1 / 0', 'null'],
    ['0 / 0', 'null'],
    ['1 % 0', 'null'],
    ['sqrt(-1)', 'null'],
    ['ln(0)', 'null'],
    ['1e300 * 1e300', 'null'],
    ['9007199254740991 + 1', 'null'],
    ['floor(1e300)', 'null'],
    ["code(side, 'PAYEE', 1)", 'null'],
    ['days_since(payer_account_opened_on)', 'null'],
    ['payment.purpose = null_text', 'null'],
    ['mean + 1', 'truncated'],
    ['1 / 0 + mean', 'null'],
    ['mean + 1 / 0', 'truncated'],
    ['coalesce(mean, 1 / 0)', 'truncated'],
    ['if(mean > 1, 1, 2)', 'truncated'],
    ['if(true, 1 / 0, mean)', 'null'],
    ['mean > 1 and device_active_call', 'truncated'],
    ['mean > 1 or true', 1],
    ['mean > 1 and false', 0],
    ['absent(mean)', 1],
    ['absent(1 / 0)', 1],
  ])('has no value, or one in spite of what is missing: %s is %s', (text, value) => {
    expect(resultOf(text.replace('null_text', 'device_id'))).toBe(value);
  });

  it('takes a bare name for a feature first, and for the column in the feature’s own expression', () => {
    expect(resultOf('purpose + 1')).toBe(5);
    expect(resultOf("payment.purpose = 'IPAY'")).toBe(1);
    expect(resultOf('x1 + 1', 'amount_centavos')).toBe(30_001);
    const own = { kind: 'expression', name: 'side', description: '-', expression: "side = 'PAYER'" } as const;
    expect(bindExpressions([own])).toHaveLength(1);
  });

  it('knows the type of a feature that is an expression, whichever is written first', () => {
    expect(resultOf('x1 and not x2', 'device_remote_access', 'amount_centavos < 5')).toBe(1);
    expect(errorOf('x1 + 1', 'device_remote_access').problem).toBe('+ takes a number, and this is a boolean');
    expect(resultOf('multiple_of(x1, 7)', 'amount_centavos')).toBe(0);
    expect(errorOf('multiple_of(x1, 7)', 'amount_centavos / 7').problem).toMatch(/takes a whole number/);
  });
});

describe('an expression that has no meaning', () => {
  it.each([
    ['', 'expected a value, a name or (, but the expression ends', 1],
    ['1 +', 'expected a value, a name or (, but the expression ends', 4],
    ['1 2', 'expected an operator or the end, but a number stands there', 3],
    ['1 an 2', 'expected an operator or the end, but an stands there, did you mean and?', 3],
    ['(1 + 2', 'expected ), but the expression ends', 7],
    ["'open", 'a text is not closed: it ends with another quote', 1],
    ['side = "PAYER"', "texts stand in single quotes: 'text'", 8],
    ['1 & 2', 'the sign & has no meaning here', 3],
    ['10x + 1', 'this is no number and no span: write 10, 0.5 or 1e6, or a span such as 10m or 30d', 1],
    ['1 == 1', 'equality is written with one =', 3],
    ['1 < 2 < 3', 'comparisons do not chain: write a < b and b < c', 7],
    ['9007199254740992', 'a whole number lies within ±9007199254740991', 1],
    ['1e999', 'this number is too large', 1],
    ['event_time > 0d', 'a span is a whole number above 0 of s, m, h or d, 3660d at most', 14],
    ["day = date '2026-02-30'", "this is no date: write one such as date '2026-01-31'", 12],
    ['side is 1', 'expected null or not null, but a number stands there', 9],
    ['1 in (amount_centavos)', 'expected a value that is written out, but amount_centavos stands there', 7],
    ['payment.1', 'expected a column of the payment, but a number stands there', 9],
    ['amount_centavo', 'there is no feature or column amount_centavo, did you mean amount_centavos?', 1],
    ['payment.mean', 'there is no column mean', 9],
    ['1 + ab(2)', 'there is no function ab, did you mean abs?', 5],
    ['sqrt', 'sqrt is a function: write sqrt(number)', 1],
    ['sqrt()', 'sqrt(number) takes 1 operand, not 0', 1],
    ['coalesce(1)', 'coalesce(a, b, …) takes 2 operands or more, not 1', 1],
    ['sqrt(side)', 'sqrt takes a number, and this is a text', 6],
    ['1 + side', '+ takes a number, and this is a text', 5],
    ['event_time + 1', '+ does not go between a timestamp and a whole number', 12],
    ['1 and true', 'and takes a boolean, and this is a whole number', 1],
    ['side < purpose', 'a text does not compare with a number', 6],
    ["side < 'B'", 'a text has no order here: compare with =, <> or in', 6],
    ['side = null', 'nothing compares with null: write is null or is not null', 8],
    ['1 + null', '+ takes no bare null: name what may be null', 5],
    ['null', 'null alone is no value', 1],
    ['if(true, null, null)', 'all operands of if are null', 1],
    ['if(true, 1, side)', 'if takes values of one type: a whole number and a text are two', 13],
    ["1 in (1, 'a')", 'the list of a whole number holds a text', 10],
    ['1 in (null)', 'a list holds no null: write or … is null', 7],
    ["code(side, 'A')", "code(text, 'A', 1, 'B', 2, …) takes 3 operands or more, not 2", 1],
    ["code(side, 'A', 1, 'B')", 'code takes a text and then pairs: each text with its number', 1],
    ["code(side, 'A', 1, 'A', 2)", 'this text has a code already', 20],
    ["code(side, 'A', 0.5)", 'code takes a whole number, and this is a number', 17],
    ['multiple_of(amount_centavos, 0)', 'multiple_of takes a whole number above 0 that is written out', 30],
    ['since(event_time, event_time - event_time)', 'the unit is written out, such as 1d', 30],
    ['never_seen(amount_centavos)', 'never_seen takes the name of a feature', 12],
    ['side', 'the value must be a number or a boolean, and is a text', 1],
    ['event_time - event_time', 'and is a span of time', 12],
  ])('%s is refused with its place', (text, problem, position) => {
    const error = errorOf(text);
    expect(error.code).toBe('feature_invalid');
    expect(error.problem).toContain(problem);
    expect(error.position).toBe(position);
    expect(error.message).toBe(`feature 'x': ${error.problem} at character ${position}`);
    expect(error.context).toEqual({ character: position });
  });

  it('is shown with a caret below the fault, in its line and within a terminal’s width', () => {
    expect(errorOf('1 +\n  2 + side').excerpt).toBe('  2 + side\n      ^');
    expect(errorOf('1 +').excerpt).toBe('1 +\n   ^');
    const long = errorOf(`${'1 + '.repeat(50)}side${' + 1'.repeat(50)}`).excerpt.split('\n');
    expect(long.map((line) => line.length)).toEqual([76, 39]);
    expect(long[0]?.slice(38, 42)).toBe('side');
  });

  it('is refused beyond the limits, and taken at them', () => {
    const sum = (count: number): string => Array(count).fill('1').join('+');
    const nodes = LIMITS.expressionNodes;
    expect(resultOf(sum(nodes / 2))).toBe(nodes / 2);
    expect(errorOf(sum(nodes / 2 + 1)).problem).toMatch(/256 operations and operands at most/);
    const deep = (levels: number): string => `${'('.repeat(levels)}1${')'.repeat(levels)}`;
    expect(resultOf(deep(LIMITS.expressionDepth))).toBe(1);
    for (const text of [deep(33), `${'-'.repeat(34)}mean`, `${'not '.repeat(33)}true`, `${'abs('.repeat(33)}1`]) {
      expect(errorOf(text).problem).toMatch(/nests 32 levels deep at most/);
    }
    expect(errorOf(`1${' '.repeat(LIMITS.expressionCharacters)}`).problem).toMatch(/16384 characters at most/);
  });
});
