import { unreachable } from '../../../../src/base/assert.ts';
import { type CaseExpression, DEFAULT_ESCAPE, type Expression } from '../../../../src/storage/expression/expression.ts';
import { needsBackticks } from '../../../../src/storage/expression/parse-operand.ts';
import { isPrimitive, typeName } from '../../../../src/storage/types/delta-type.ts';
import { literalText } from './literal-text.ts';

/**
 * The text of an expression: `parseExpression` of it gives an equal one, and Spark reads it alike.
 * Only values that no literal has are written as casts: NaN, infinities, and decimals with more
 * digits than they need.
 */
export function expressionText(expression: Expression): string {
  return write(expression, LEVEL.or);
}

/** How tightly each form holds together, as the grammar's rules follow each other. */
const LEVEL = { or: 1, and: 2, not: 3, test: 4, comparison: 5, sum: 6, product: 7, unary: 8, operand: 9 } as const;

function levelOf(expression: Expression): number {
  switch (expression.kind) {
    case 'or':
    case 'and':
    case 'not':
    case 'comparison':
      return LEVEL[expression.kind];
    case 'isNull':
    case 'isTruth':
    case 'in':
    case 'between':
    case 'like':
      return LEVEL.test;
    case 'concat':
      return LEVEL.sum;
    case 'arithmetic':
      return expression.op === '+' || expression.op === '-' ? LEVEL.sum : LEVEL.product;
    case 'negate':
      return LEVEL.unary;
    case 'literal':
    case 'column':
    case 'cast':
    case 'case':
    case 'call':
      return LEVEL.operand;
  }
}

/** The text of an expression where the grammar wants one of a level. */
function write(expression: Expression, level: number): string {
  const text = textOf(expression);
  return levelOf(expression) < level ? `(${text})` : text;
}

function textOf(expression: Expression): string {
  switch (expression.kind) {
    case 'literal':
      return literalText(expression.type, expression.value);
    case 'column':
      return expression.path.map(nameText).join('.');
    case 'comparison':
      return `${write(expression.left, LEVEL.sum)} ${expression.op} ${write(expression.right, LEVEL.sum)}`;
    case 'and':
    case 'or':
      return writeAll(expression.operands, LEVEL[expression.kind] + 1, ` ${expression.kind.toUpperCase()} `);
    case 'not':
      return `NOT ${write(expression.operand, LEVEL.not)}`;
    case 'isNull':
      return `${write(expression.operand, LEVEL.sum)} IS NULL`;
    case 'isTruth':
      return `${write(expression.operand, LEVEL.sum)} IS ${expression.truth.toUpperCase()}`;
    case 'in':
      return `${write(expression.operand, LEVEL.sum)} IN (${writeAll(expression.items, LEVEL.or, ', ')})`;
    case 'between': {
      const [operand, low, high] = [expression.operand, expression.low, expression.high];
      return `${write(operand, LEVEL.sum)} BETWEEN ${write(low, LEVEL.sum)} AND ${write(high, LEVEL.sum)}`;
    }
    case 'like': {
      const escapeText =
        expression.escape === DEFAULT_ESCAPE ? '' : ` ESCAPE ${literalText('string', expression.escape)}`;
      return `${write(expression.operand, LEVEL.sum)} LIKE ${literalText('string', expression.pattern)}${escapeText}`;
    }
    case 'arithmetic': {
      const level = levelOf(expression);
      const op = expression.op === 'div' ? 'DIV' : expression.op;
      return `${write(expression.left, level)} ${op} ${write(expression.right, level + 1)}`;
    }
    case 'negate':
      return `-${negatedText(expression.operand)}`;
    case 'concat': {
      const [first, ...rest] = expression.operands;
      // A chain that begins with a chain is none: it stands in parentheses.
      const level = first?.kind === 'concat' ? LEVEL.product : LEVEL.sum;
      return [
        ...(first === undefined ? [] : [write(first, level)]),
        ...rest.map((next) => write(next, LEVEL.product)),
      ].join(' || ');
    }
    case 'cast':
      return `CAST(${write(expression.operand, LEVEL.or)} AS ${typeText(expression.type)})`;
    case 'case':
      return caseText(expression);
    case 'call':
      return `${expression.name}(${writeAll(expression.args, LEVEL.or, ', ')})`;
    default:
      return unreachable(expression);
  }
}

function writeAll(expressions: readonly Expression[], level: number, between: string): string {
  return expressions.map((expression) => write(expression, level)).join(between);
}

/** What follows a minus: a number there would take the minus for its own, and two are a comment. */
function negatedText(operand: Expression): string {
  const text = write(operand, LEVEL.operand);
  return operand.kind === 'literal' ? `(${text})` : text;
}

function caseText({ operand, branches, otherwise }: CaseExpression): string {
  const parts = [
    'CASE',
    ...(operand === undefined ? [] : [write(operand, LEVEL.or)]),
    ...branches.map(({ when, result }) => `WHEN ${write(when, LEVEL.or)} THEN ${write(result, LEVEL.or)}`),
    ...(otherwise === undefined ? [] : [`ELSE ${write(otherwise, LEVEL.or)}`]),
    'END',
  ];
  return parts.join(' ');
}

function nameText(name: string): string {
  return needsBackticks(name) ? `\`${name.replaceAll('`', '``')}\`` : name;
}

function typeText(type: Parameters<typeof typeName>[0]): string {
  return isPrimitive(type) ? SQL_NAMES[type] : typeName(type).toUpperCase();
}

const SQL_NAMES = {
  string: 'STRING',
  long: 'BIGINT',
  integer: 'INT',
  short: 'SMALLINT',
  byte: 'TINYINT',
  double: 'DOUBLE',
  float: 'FLOAT',
  boolean: 'BOOLEAN',
  binary: 'BINARY',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
  timestamp_ntz: 'TIMESTAMP_NTZ',
  void: 'VOID',
  variant: 'VARIANT',
} as const;
