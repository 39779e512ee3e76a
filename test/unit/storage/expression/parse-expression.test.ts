import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../src/base/errors.ts';
import type { Expression } from '../../../../src/storage/expression/expression.ts';
import { EXPRESSION_LIMITS } from '../../../../src/storage/expression/expression-limits.ts';
import { bindExpression, parseExpression } from '../../../../src/storage/expression/expressions.ts';
import { expressionText } from './expression-text.ts';
import { anyExpression } from './random-expressions.ts';
import { SCHEMA } from './random-rows.ts';

/** The fully bracketed form that a text is read as. */
function grouped(text: string): string {
  return groupedText(parseExpression(text));
}

function groupedText(expression: Expression): string {
  switch (expression.kind) {
    case 'comparison':
    case 'arithmetic':
      return `(${groupedText(expression.left)} ${expression.op} ${groupedText(expression.right)})`;
    case 'and':
    case 'or':
      return `(${expression.operands.map(groupedText).join(` ${expression.kind} `)})`;
    case 'concat':
      return `(${expression.operands.map(groupedText).join(' || ')})`;
    case 'not':
    case 'negate':
    case 'isNull':
      return `${expression.kind}(${groupedText(expression.operand)})`;
    case 'between':
      return `between(${[expression.operand, expression.low, expression.high].map(groupedText).join(', ')})`;
    default:
      return expressionText(expression);
  }
}

function refusal(text: string): string {
  try {
    parseExpression(text);
  } catch (error) {
    if (error instanceof AppError)
      return error.message.replace('The expression is not an expression that we take: ', '');
    throw error;
  }
  return 'taken';
}

describe('the text of an expression', () => {
  it('is read back as an equal expression, and written alike again', () => {
    fc.assert(
      fc.property(anyExpression(4), (expression) => {
        const text = expressionText(expression);
        const again = parseExpression(text);
        expect(again, text).toEqual(expression);
        expect(expressionText(again)).toBe(text);
      }),
      { numRuns: 1500 },
    );
  });

  it.each([
    ['a=1 or b  <> 2 and NOT c', 'a = 1 OR b <> 2 AND NOT c'],
    ['((a)) == (1 + 2) * 3', 'a = (1 + 2) * 3'],
    ['a - (b - c) - d', 'a - (b - c) - d'],
    ['x is not null and y is not distinct from null', 'NOT x IS NULL AND y <=> NULL'],
    ['x IS DISTINCT FROM y', 'NOT x <=> y'],
    ['x not in (1, null, z)', 'NOT x IN (1, NULL, z)'],
    ["x like 'a!%' escape '!'", "x LIKE 'a!%' ESCAPE '!'"],
    ['x::int', 'CAST(x AS INT)'],
    ['`odd ``name`.`a.b`.c', '`odd ``name`.`a.b`.c'],
    ['case when a then 1 else 2 end', 'CASE WHEN a THEN 1 ELSE 2 END'],
    ["'it''s' || \"a\\\"b\\n\" || '\\u00e9\\101'", "'it\\'s' || 'a\"b\\u000a' || 'éA'"],
    ['CURRENT_DATE', 'current_date()'],
    [
      '1Y + 2s + 3L + .5 + 1.50 + 1e3 + 1.5D + 2F + 1e-2BD',
      '1Y + 2S + 3L + 0.5BD + 1.50BD + 1000D + 1.5D + 2F + 0.01BD',
    ],
    ["x'aff'", "X'0AFF'"],
    ["timestamp '2024-01-31T12:00:00.5-03:00'", "TIMESTAMP '2024-01-31 15:00:00.5Z'"],
    ["timestamp_ntz '0001-01-01'", "TIMESTAMP_NTZ '0001-01-01 00:00:00'"],
    ["date '-0044-03-15'", "DATE '-0044-03-15'"],
    ['-9223372036854775808', '-9223372036854775808L'],
    ['9223372036854775808', '9223372036854775808BD'],
  ])('%s is %s', (text, canonical) => {
    expect(expressionText(parseExpression(text))).toBe(canonical);
  });
});

describe('operators', () => {
  it.each([
    ['a OR b AND NOT c = d', '(a or (b and not((c = d))))'],
    ['NOT a AND b', '(not(a) and b)'],
    ['! a OR b', '(not(a) or b)'],
    ['a + b * c - d / e % f', '((a + (b * c)) - ((d / e) % f))'],
    ['a DIV b DIV c', '((a div b) div c)'],
    ['- a * b', '(negate(a) * b)'],
    ['2 - -3 -4', '((2 - -3) - 4)'],
    ['a || b + c || d', '(((a || b) + c) || d)'],
    ['a < b = c', '((a < b) = c)'],
    ['a = b IS NULL', 'isNull((a = b))'],
    ['a BETWEEN 1 AND 2 AND b', '(between(a, 1, 2) and b)'],
    ['NOT a BETWEEN b = c AND d', 'not(between(a, (b = c), d))'],
  ])('%s is grouped as %s, as Spark does', (text, form) => {
    expect(grouped(text)).toBe(form);
  });
});

describe('what is outside the grammar', () => {
  it.each([
    ['', 'expected a value, a column, a function or "(", found the end at position 1'],
    ['a =', 'expected a value, a column, a function or "(", found the end at position 4'],
    ['a b', 'expected an operator or the end, found `b` at position 3'],
    ["name = 'Ana' 'Maria'", 'expected an operator or the end, found a string at position 14'],
    ['a = 5 6', 'expected an operator or the end, found a number at position 7'],
    ['a ANDD b', 'expected an operator or the end, found `ANDD`, did you mean AND? at position 3'],
    ['lenght(a)', 'expected a function that there is, found `lenght`, did you mean length? at position 1'],
    ['rand()', 'expected a function that there is, found `rand` at position 1'],
    ['length(a, b)', 'length takes 1 argument at position 1'],
    ['a IN ()', 'expected a value, a column, a function or "(", found `)` at position 7'],
    ['a IN (SELECT 1)', 'expected a value, a column, a function or "(", found `SELECT` at position 7'],
    ['a IS 5', 'expected NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM, found a number at position 6'],
    ['a LIKE b', 'expected a pattern as a string, found `b` at position 8'],
    ["a LIKE 'secret\\\\x'", 'only %, _ and the escape itself may follow the escape of a pattern at position 8'],
    ["DATE '2023-02-29'", 'expected YYYY-MM-DD after DATE at position 1'],
    [
      "TIMESTAMP_NTZ '2024-01-01 00:00:00Z'",
      'expected YYYY-MM-DD hh:mm:ss.ffffff without a zone after TIMESTAMP_NTZ at position 1',
    ],
    ['CAST(a AS ARRAY<INT>)', 'expected a type, found `ARRAY` at position 11'],
    ['CAST(a AS DECIMAL(39))', 'expected a precision from 1 to 38, found a number at position 19'],
    ['300Y', 'a number that its type does not hold at position 1'],
    ['12ab', 'a number is followed by a letter, digit or point; names that begin so stand in backticks at position 1'],
    ["a = 'secret", "a text begins with ' and does not end at position 5"],
    ['a -- b', 'comments are not taken at position 3'],
    ['a[0]', 'no part of an expression begins with this character at position 2'],
    ["'\\ud800'", 'half of a surrogate pair is no character at position 1'],
    ['INTERVAL 1 DAY', 'expected a value, a column, a function or "(", found `INTERVAL` at position 1'],
  ])('%s is refused', (text, reason) => {
    expect(refusal(text)).toBe(reason);
  });

  it('says its position in the context, and begins with whose it is', () => {
    const origin = { code: 'table_unsupported', what: 'The constraint positive' } as const;
    expect(() => parseExpression('a > ', origin)).toThrow(
      expect.objectContaining({ code: 'table_unsupported', context: { position: 5 } }),
    );
    expect(() => parseExpression('a >', origin)).toThrow(/^The constraint positive is not an expression/);
  });
});

describe('any text', () => {
  const words = fc.constantFrom(
    ...[
      'a',
      'AND',
      'OR',
      'NOT',
      '(',
      ')',
      ',',
      "'",
      '"',
      '`',
      '\\',
      '5',
      '1.',
      '.5e',
      '-',
      '--',
      '||',
      '<=>',
      'CASE',
      'WHEN',
      'END',
    ],
    ...[
      'IN',
      'BETWEEN',
      'LIKE',
      'CAST',
      'AS',
      'DATE',
      "'x'",
      ' ',
      '\0',
      '\ud800',
      '\u{1f600}',
      '::',
      'X',
      'coalesce(',
      '%',
    ],
  );
  const anyText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.array(words, { maxLength: 30 }).map((parts) => parts.join('')),
    fc.array(words, { maxLength: 30 }).map((parts) => parts.join(' ')),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  );

  it('is an expression that is written and bound, or an AppError', () => {
    const refused = (act: () => void): void => {
      try {
        act();
      } catch (error) {
        expect(error).toBeInstanceOf(AppError);
        if (error instanceof AppError) expect(error.code).toBe('invalid_request');
      }
    };
    fc.assert(
      fc.property(anyText, (text) =>
        refused(() => {
          const expression = parseExpression(text);
          expect(parseExpression(expressionText(expression))).toEqual(expression);
          bindExpression(expression, SCHEMA);
        }),
      ),
      { numRuns: 5000 },
    );
  });

  it.each([
    ['parentheses', (n: number) => `${'('.repeat(n)}a${')'.repeat(n)}`, 60_000],
    ['NOT', (n: number) => `${'NOT '.repeat(n)}a`, 15_000],
    ['minus', (n: number) => `${'- '.repeat(n)}a`, 30_000],
    ['casts', (n: number) => `a${'::INT'.repeat(n)}`, 9000],
    ['calls', (n: number) => `${'abs('.repeat(n)}a${')'.repeat(n)}`, 10_000],
    ['CASE', (n: number) => `${'CASE WHEN a THEN '.repeat(n)}b${' END'.repeat(n)}`, 3000],
    ['sums', (n: number) => `a${'+a'.repeat(n)}`, 4000],
  ])('that nests %s too deeply is an error, not a broken stack', (_, text, count) => {
    expect(refusal(text(count))).toMatch(/^it nests deeper than 100 levels$|^it has \d+ characters/);
    expect(refusal(text(80))).toBe('taken');
  });

  it('that is too long, has too many parts, or a list with too many values, is an error', () => {
    expect(refusal(' '.repeat(EXPRESSION_LIMITS.textLength + 1))).toBe(
      'it has 65537 characters, and 65536 are the limit',
    );
    expect(refusal(`a${' OR a'.repeat(10_001)}`)).toBe('it has more than 10000 parts');
    expect(refusal(`a IN (1${',1'.repeat(10_000)})`)).toBe('a list of IN has more than 10000 values');
    expect(refusal(`a IN (1${',1'.repeat(9999)})`)).toBe('taken');
  });

  it('has a depth also where no parser made it', () => {
    let expression: Expression = { kind: 'column', path: ['b'] };
    for (let at = 0; at < 100_000; at += 1) expression = { kind: 'not', operand: expression };
    expect(() => bindExpression(expression, SCHEMA)).toThrow(/nests deeper than 100 levels/);
  });
});
