import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../src/base/errors.ts';
import {
  type BindOptions,
  bindExpression,
  bindPredicate,
  evaluate,
  expressionSql,
  parseExpression,
} from '../../../../src/storage/expression/expressions.ts';
import type { Cell, CellRow } from '../../../../src/storage/types/cell.ts';
import { type DeltaType, decimalOf, field, structOf, typeName } from '../../../../src/storage/types/delta-type.ts';

const SCHEMA = structOf([
  field('b', 'boolean'),
  field('i8', 'byte'),
  field('i32', 'integer'),
  field('i64', 'long'),
  field('f', 'float'),
  field('d', 'double'),
  field('dec', decimalOf(10, 2)),
  field('big', decimalOf(38, 0)),
  field('s', 'string'),
  field('odd name', 'string'),
  field('constructor', 'string'),
  field('bin', 'binary'),
  field('dt', 'date'),
  field('ts', 'timestamp'),
  field('nul', 'integer'),
  field('St', structOf([field('x', 'integer'), field('In ner', structOf([field('y', 'string')]))])),
]);
const ROW: CellRow = {
  b: true,
  i8: 127,
  i32: 7,
  i64: 2n ** 63n - 1n,
  f: Math.fround(0.1),
  d: 2.5,
  dec: '12.30',
  big: '9'.repeat(38),
  s: 'Ana',
  'odd name': '50%_x',
  bin: new Uint8Array([255]),
  dt: 19_782,
  ts: 1_709_164_800_500_000n,
  nul: null,
  St: { x: 3, 'In ner': { y: 'deep' } },
};

function valueIn(text: string, options: BindOptions = {}): Cell {
  return evaluate(bindExpression(parseExpression(text), SCHEMA, undefined, options), ROW);
}

function errorOf(act: () => unknown): AppError {
  try {
    act();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('the value of', () => {
  it.each<[string, Cell]>([
    // Three-valued logic.
    ['NULL AND FALSE', false],
    ['NULL AND TRUE', null],
    ['NULL OR TRUE', true],
    ['NOT NULL', null],
    ['nul = 1 OR b', true],
    ['nul IS NULL', true],
    ['(nul = 1) IS UNKNOWN', true],
    ['b IS NOT TRUE', false],
    ['nul <=> NULL', true],
    ['nul IS NOT DISTINCT FROM 1', false],
    ['1 <> NULL', null],
    // IN with nulls.
    ['i32 IN (1, 7, NULL)', true],
    ['i32 IN (1, NULL)', null],
    ['i32 NOT IN (1, NULL)', null],
    ['i32 NOT IN (1, 2)', true],
    ['nul IN (1)', null],
    ['i32 IN (7.5, 300000000000)', false],
    ['i32 IN (nul, St.x)', null],
    // A float is not the decimal that it is written as, in a list as in a comparison.
    ['f = 0.1', false],
    ['f IN (0.1)', false],
    ['f IN (0.1F, 0.5)', true],
    ['i32 BETWEEN 7 AND 8', true],
    ['i32 BETWEEN 8 AND NULL', false],
    ['i32 BETWEEN 7 AND NULL', null],
    ['i32 NOT BETWEEN 8 AND 9', true],
    // LIKE.
    ["s LIKE 'A%a'", true],
    ["s LIKE 'a%'", false],
    ["s LIKE '___'", true],
    ["`odd name` LIKE '50\\%\\_x'", true],
    ["`odd name` LIKE '50!%!_x' ESCAPE '!'", true],
    ["`odd name` LIKE '5%\\%_x'", true],
    ["'\u{1f600}' LIKE '_'", true],
    ["'a\\\\b' LIKE 'a\\\\\\\\b'", true],
    ["nul IS NULL AND s NOT LIKE '%z%'", true],
    // Arithmetic.
    ['1 + 2 * 3', 7],
    ['7 / 2', 3.5],
    ['-7 DIV 2', -3n],
    ['-7 % 3', -1],
    ['-9223372036854775808 % -1', 0n],
    ['dec + 1', '13.30'],
    ['dec * 0.1', '1.230'],
    ['dec % 5', '2.30'],
    ['nul + i32', null],
    ['0.1D + 0.2D', 0.30000000000000004],
    // Comparisons without rounding.
    ['i64 = 9223372036854775807.0', true],
    ['i64 > 9223372036854775806.5', true],
    ['dec = 12.3', true],
    ['big > i64', true],
    ["CAST('NaN' AS DOUBLE) = CAST('NaN' AS DOUBLE)", true],
    ["CAST('NaN' AS DOUBLE) > CAST('Infinity' AS DOUBLE)", true],
    ['-0.0D = 0.0D', true],
    ["'\u{1f600}' > '\uffff'", true],
    ["X'FF' > X'00FF'", true],
    ['FALSE < TRUE', true],
    // Casts.
    ['CAST(2.5D AS INT)', 2],
    ['CAST(-12.99 AS INT)', -12],
    ['CAST(12.345 AS DECIMAL(4,2))', '12.35'],
    ['CAST(-0.5 AS DECIMAL(1,0))', '-1'],
    ["CAST('12' AS BIGINT)", 12n],
    ["CAST('2024-02-29' AS DATE)", 19_782],
    ['CAST(dec AS STRING)', '12.30'],
    ['CAST(ts AS STRING)', '2024-02-29 00:00:00.5'],
    ['CAST(ts AS DATE) = dt', true],
    ['CAST(TRUE AS STRING)', 'true'],
    ['CAST(NULL AS INT)', null],
    // Functions.
    ['coalesce(nul, i32, 1 DIV 0)', 7n],
    ['CASE WHEN FALSE THEN 1 / 0 ELSE 2D END', 2],
    ["CASE i32 WHEN 1 THEN 'one' WHEN 7 THEN 'seven' END", 'seven'],
    ['CASE nul WHEN NULL THEN 1 END', null],
    ['nullif(i32, 7)', null],
    ['greatest(1, NULL, 3)', 3],
    ['least(1, NULL, 3)', 1],
    ["substring('abcdef', -3, 2)", 'de'],
    ["substring('abc', -5, 3)", 'a'],
    ["substr('abc', 2)", 'bc'],
    ["length('\u{1f600}')", 1],
    ['length(bin)', 1],
    ["upper('straße')", 'STRASSE'],
    ["trim('  a\t ')", 'a\t'],
    ['abs(-3)', 3],
    ['floor(-2.5D)', -3n],
    ['ceil(12.30)', '13'],
    ['year(dt) * 100 + month(dt)', 202_402],
    ['second(ts)', 0],
    ["date_trunc('MONTH', ts) = TIMESTAMP '2024-02-01'", true],
    ["s || '-' || St.`In ner`.y", 'Ana-deep'],
    // Names.
    ['S', 'Ana'],
    ['ST.X', 3],
    ['constructor', null],
    // Literals.
    ["DATE '1500-01-01'", -171_664],
    ["TIMESTAMP '1969-12-31 23:59:59.999999-00:00'", -1n],
    ["X'ff' = bin", true],
    ["'a''b\\'c\"'", "a'b'c\""],
  ])('%s', (text, value) => {
    expect(valueIn(text)).toEqual(value);
  });

  it.each<[string, string]>([
    ['i8 + CAST(1 AS BYTE)', 'ARITHMETIC_OVERFLOW'],
    ['i64 + 1', 'ARITHMETIC_OVERFLOW'],
    ['i64 * i64', 'ARITHMETIC_OVERFLOW'],
    ['big * 10', 'ARITHMETIC_OVERFLOW'],
    ['-(-9223372036854775808)', 'ARITHMETIC_OVERFLOW'],
    ['-9223372036854775808 DIV -1', 'ARITHMETIC_OVERFLOW'],
    ['abs(-128Y)', 'ARITHMETIC_OVERFLOW'],
    ['1 / 0', 'DIVIDE_BY_ZERO'],
    ['d / 0D', 'DIVIDE_BY_ZERO'],
    ['d % 0D', 'DIVIDE_BY_ZERO'],
    ['dec % 0.0', 'DIVIDE_BY_ZERO'],
    ['CAST(i32 * 100 AS BYTE)', 'CAST_OVERFLOW'],
    ["CAST(CAST('NaN' AS DOUBLE) AS INT)", 'CAST_OVERFLOW'],
    ["CAST('12.5' AS INT)", 'CAST_INVALID_INPUT'],
    ['CAST(s AS DATE)', 'CAST_INVALID_INPUT'],
    ["CAST('2023-02-29' AS DATE)", 'CAST_INVALID_INPUT'],
    ['CAST(1e300 AS FLOAT)', 'CAST_OVERFLOW'],
    ['1 / 0 > 1D OR b', 'DIVIDE_BY_ZERO'],
  ])('%s is the error %s of its row', (text, fault) => {
    expect(errorOf(() => valueIn(text))).toMatchObject({ code: 'invalid_request', context: { fault } });
  });

  it('a failing operand does not matter behind what decides', () => {
    expect(valueIn('b OR 1 / 0 > 1D')).toBe(true);
    expect(valueIn('1 / 0 > 1D OR TRUE')).toBe(true);
    expect(valueIn('d + NULL / 0')).toBe(null);
  });

  it('the time is the one that is given', () => {
    const now = 1_709_164_800_500_000n;
    expect(valueIn('current_timestamp()', { now })).toBe(now);
    expect(valueIn('current_date = dt', { now })).toBe(true);
    expect(errorOf(() => valueIn('now()')).message).toMatch(/current_timestamp has no fixed value here at position 1/);
  });
});

describe('the type of', () => {
  it.each<[string, string]>([
    ['i8 + i8', 'byte'],
    ['i8 + 1', 'integer'],
    ['i32 / i32', 'double'],
    ['i32 DIV i32', 'long'],
    ['f * f', 'float'],
    ['f * d', 'double'],
    ['dec + dec', 'decimal(11,2)'],
    ['dec + 1', 'decimal(11,2)'],
    ['dec + i32', 'decimal(13,2)'],
    ['dec * 0.5', 'decimal(12,3)'],
    ['coalesce(i8, i32)', 'integer'],
    ['floor(dec)', 'decimal(9,0)'],
    ['CASE WHEN b THEN 1 ELSE 2.5 END', 'decimal(11,1)'],
    ['NULL', 'void'],
  ])('%s is %s', (text, type) => {
    expect(typeName(bindExpression(parseExpression(text), SCHEMA).tree.type)).toBe(type);
  });
});

describe('what does not bind', () => {
  it.each<[string, string]>([
    ['missing = 1', 'missing is no column at position 1'],
    ['b AND st.z = 1', 'z is no field in St, did you mean x? at position 7'],
    ['i32.x', 'i32 is integer and has no field x at position 1'],
    ['i32 = s', 'integer and string do not compare; write a CAST of one of them at position 1'],
    ["i32 = 1 AND dt = '2024-02-29'", "date and string do not compare; write DATE '…' at position 13"],
    ['d = i64', 'double and long do not compare; write a CAST of one of them at position 1'],
    ['St = St', 'values of struct<x:integer,In ner:struct<y:string>> do not compare at position 1'],
    ['s + 1', '+ does not take string at position 1'],
    ['dec / 3', '/ of decimals is rounded; write a CAST AS DOUBLE of both sides at position 1'],
    [
      'd = 12345678901234567890',
      'a number beside a double is not exactly one; write it with a D to round it at position 1',
    ],
    [
      'd IN (12345678901234567890)',
      'a number beside a double is not exactly one; write it with a D to round it at position 1',
    ],
    ['i32 AND b', 'it is integer where a condition stands at position 1'],
    ['CAST(b AS DATE)', 'there is no CAST of boolean AS date at position 1'],
    ['length(i32)', 'length does not take integer at position 1'],
    ['substring(s, i32)', 'substring takes its start and length as numbers in the text at position 1'],
    ["date_trunc('WEEK', ts)", "date_trunc takes 'YEAR', 'MONTH', 'DAY', 'HOUR' first at position 1"],
  ])('%s', (text, reason) => {
    const error = errorOf(() => bindExpression(parseExpression(text), SCHEMA));
    expect(error.message).toBe(`The expression is not an expression that we take: ${reason}`);
  });

  it('a condition that is not boolean', () => {
    expect(errorOf(() => bindPredicate(parseExpression('i32 + 1'), SCHEMA)).message).toMatch(
      /where a condition stands/,
    );
    expect(evaluate(bindPredicate(parseExpression('NULL'), SCHEMA), ROW)).toBe(null);
  });

  it('never shows a value of the text', () => {
    const texts = [
      "s = 'secret-7' AND",
      "'secret-7' + 1",
      "dt = 'secret-7'",
      "s LIKE 'secret-7\\\\x'",
      "DATE 'secret-7'",
      "'secret-7",
      '1.2secret-7',
      "CAST('secret-7' AS INT)",
      "b 'secret-7'",
    ];
    for (const text of texts) {
      const error = errorOf(() => valueIn(text));
      expect(`${error.message} ${JSON.stringify(error.context)}`, text).not.toMatch(/secret|-7/);
    }
  });
});

describe('a value that goes into a column', () => {
  const into = (text: string, type: DeltaType): Cell =>
    evaluate(bindExpression(parseExpression(text), SCHEMA, type), ROW);

  it.each<[string, DeltaType, Cell]>([
    ['5', 'long', 5n],
    ['5', decimalOf(10, 2), '5.00'],
    ['0.1', 'float', Math.fround(0.1)],
    ['0.1', 'double', 0.1],
    ['i32 + 1', 'byte', 8],
    ['i32', 'double', 7],
    ['dec', decimalOf(12, 4), '12.3000'],
    ['NULL', 'date', null],
    ["'x'", 'string', 'x'],
  ])('%s into %j', (text, type, value) => {
    expect(into(text, type)).toEqual(value);
  });

  it.each<[string, DeltaType, string]>([
    ['300', 'byte', 'a literal of integer is not exactly a value of byte; write a CAST at position 1'],
    [
      '1.005',
      decimalOf(5, 2),
      'a literal of decimal(4,3) is not exactly a value of decimal(5,2); write a CAST at position 1',
    ],
    ['dec', decimalOf(10, 1), 'decimal(10,2) does not go into a column of decimal(10,1); write a CAST at position 1'],
    ['i64', 'double', 'long does not go into a column of double; write a CAST at position 1'],
    ['s', 'date', 'string does not go into a column of date; write a CAST at position 1'],
  ])('%s does not go into %j', (text, type, reason) => {
    expect(errorOf(() => into(text, type)).message).toContain(reason);
  });

  it('is an error of its row where it overflows', () => {
    expect(errorOf(() => into('i32 * 100', 'byte')).context).toEqual({ fault: 'CAST_OVERFLOW' });
  });
});

describe('names of two relations', () => {
  const target = structOf([
    field('id', 'long'),
    field('v', 'string'),
    field('source', structOf([field('kind', 'string')])),
  ]);
  const source = structOf([field('id', 'long'), field('new_v', 'string')]);
  const scope = [
    { alias: 'target', schema: target },
    { alias: 'source', schema: source },
  ];
  const bind = (text: string) => bindPredicate(parseExpression(text), scope);

  it('stand behind their alias, or alone where only one has them', () => {
    const formula = bind('TARGET.id = source.id AND new_v <> v AND source.kind IS NULL');
    expect(formula.columns).toEqual([
      { relation: 'target', path: ['id'] },
      { relation: 'source', path: ['id'] },
      { relation: 'source', path: ['new_v'] },
      { relation: 'target', path: ['v'] },
      { relation: 'target', path: ['source', 'kind'] },
    ]);
    const sql = expressionSql(bind('target.id = source.id'), ({ relation, path }) => `${relation}[${path.join('/')}]`);
    expect(sql).toBe('(target[id] = source[id])');
  });

  it('take their values from the rows by alias', () => {
    const formula = bind("target.id = source.id AND new_v = 'b' AND v IS NULL");
    expect(evaluate(formula, { target: { id: 1n }, source: { id: 1n, new_v: 'b' } })).toBe(true);
    expect(evaluate(formula, { target: { id: 2n }, source: { id: 1n, new_v: 'b' } })).toBe(false);
    expect(evaluate(bind('target.id = source.id'), { target: null, source: { id: 1n } })).toBe(null);
  });

  it.each([
    ['id = 1', 'id may be target.id or source.id at position 1'],
    ['source.vv = 1', 'vv is no field in source at position 1'],
    ['other.id = 1', 'other is no column of target or source at position 1'],
    ['target.w = 1', 'w is no column, did you mean v? at position 1'],
  ])('%s is refused', (text, reason) => {
    expect(errorOf(() => bind(text)).message).toContain(reason);
  });
});
