import { DATE_PATTERN, daysOfDate } from '../../domain/instant.ts';
import { durationMicros } from '../duration.ts';
import { COMPARISONS, type Literal, type Operator, type Syntax } from './syntax.ts';
import { isKeyword, TokenReader } from './token-reader.ts';

/*
 * The grammar; its tokens are in `tokens.ts`.
 *
 *   expression = and {"or" and}
 *   and        = not {"and" not}
 *   not        = "not" not | test
 *   test       = sum [comparison sum | ["not"] "in" "(" literal {"," literal} ")" | "is" ["not"] "null"]
 *   comparison = "=" | "<>" | "!=" | "<" | "<=" | ">" | ">="
 *   sum        = product {("+" | "-") product}
 *   product    = signed {("*" | "/" | "%") signed}
 *   signed     = "-" signed | operand
 *   operand    = literal | function "(" [expression {"," expression}] ")" | ["payment" "."] name | "(" expression ")"
 *   literal    = ["-"] number | duration | text | "date" text | "true" | "false" | "null"
 */

const DATE = new RegExp(DATE_PATTERN);

/**
 * Reads what an expression says.
 *
 * @param subject whose it is, for messages: `feature 'amount'`.
 * @throws ExpressionError where it is outside the grammar or beyond a limit.
 */
export function parseExpression(text: string, subject: string): Syntax {
  const reader = new TokenReader(text, subject);
  const syntax = parseOr(reader);
  if (reader.peek().kind !== 'end') reader.unexpected('an operator or the end');
  return syntax;
}

function parseOr(reader: TokenReader): Syntax {
  let left = parseAnd(reader);
  for (let word = reader.takeKeyword('or'); word !== undefined; word = reader.takeKeyword('or')) {
    left = operator(reader, 'or', word.at, left, parseAnd(reader));
  }
  return left;
}

function parseAnd(reader: TokenReader): Syntax {
  let left = parseNot(reader);
  for (let word = reader.takeKeyword('and'); word !== undefined; word = reader.takeKeyword('and')) {
    left = operator(reader, 'and', word.at, left, parseNot(reader));
  }
  return left;
}

function parseNot(reader: TokenReader): Syntax {
  const word = reader.takeKeyword('not');
  if (word === undefined) return parseTest(reader);
  return operator(
    reader,
    'not',
    word.at,
    reader.nested(() => parseNot(reader)),
  );
}

function parseTest(reader: TokenReader): Syntax {
  const left = parseSum(reader);
  const { at } = reader.peek();
  const sign = COMPARISONS.find((comparison) => reader.takeSign(comparison) !== undefined);
  if (sign !== undefined) return parseComparison(reader, left, sign, at);
  if (reader.takeKeyword('is')) {
    const isNegated = reader.takeKeyword('not') !== undefined;
    if (!reader.takeKeyword('null')) reader.unexpected('null or not null');
    return operator(reader, isNegated ? 'is not null' : 'is null', at, left);
  }
  const isNegated = reader.isKeyword('not') && reader.isKeyword('in', 1);
  if (isNegated) reader.take();
  if (!reader.takeKeyword('in')) return left;
  return reader.node({ kind: 'in', at, operand: left, items: parseItems(reader), isNegated });
}

function parseComparison(reader: TokenReader, left: Syntax, sign: Operator, at: number): Syntax {
  if (reader.isSign('=')) reader.fail('equality is written with one =', at);
  const right = parseSum(reader);
  if (COMPARISONS.some((comparison) => reader.isSign(comparison))) {
    reader.fail('comparisons do not chain: write a < b and b < c', reader.peek().at);
  }
  return operator(reader, sign, at, left, right);
}

function parseItems(reader: TokenReader): readonly Literal[] {
  reader.expectSign('(');
  const items: Literal[] = [];
  do {
    items.push(parseLiteral(reader) ?? reader.unexpected('a value that is written out'));
  } while (reader.takeSign(','));
  reader.expectSign(')');
  return items;
}

function parseSum(reader: TokenReader): Syntax {
  let left = parseProduct(reader);
  for (;;) {
    const sign = reader.takeSign('+') ?? reader.takeSign('-');
    if (sign === undefined) return left;
    left = operator(reader, sign.text as Operator, sign.at, left, parseProduct(reader));
  }
}

function parseProduct(reader: TokenReader): Syntax {
  let left = parseSigned(reader);
  for (;;) {
    const sign = reader.takeSign('*') ?? reader.takeSign('/') ?? reader.takeSign('%');
    if (sign === undefined) return left;
    left = operator(reader, sign.text as Operator, sign.at, left, parseSigned(reader));
  }
}

function parseSigned(reader: TokenReader): Syntax {
  const literal = parseLiteral(reader);
  if (literal !== undefined) return reader.node(literal);
  const sign = reader.takeSign('-');
  if (sign === undefined) return parseOperand(reader);
  return operator(
    reader,
    '-',
    sign.at,
    reader.nested(() => parseSigned(reader)),
  );
}

function parseOperand(reader: TokenReader): Syntax {
  if (reader.takeSign('(')) {
    const inner = reader.nested(() => parseOr(reader));
    reader.expectSign(')');
    return inner;
  }
  const { kind, text: name, at } = reader.peek();
  if (kind !== 'word' || isKeyword(name)) return reader.unexpected('a value, a name or (');
  reader.take();
  if (reader.takeSign('(')) return reader.node({ kind: 'call', at, name, args: parseArguments(reader) });
  if (name !== 'payment' || !reader.takeSign('.')) return reader.node({ kind: 'name', at, name, ofPayment: false });
  const column = reader.peek();
  if (column.kind !== 'word') return reader.unexpected('a column of the payment');
  reader.take();
  return reader.node({ kind: 'name', at: column.at, name: column.text, ofPayment: true });
}

function parseArguments(reader: TokenReader): readonly Syntax[] {
  if (reader.takeSign(')')) return [];
  const args: Syntax[] = [];
  do {
    args.push(reader.nested(() => parseOr(reader)));
  } while (reader.takeSign(','));
  reader.expectSign(')');
  return args;
}

function operator(reader: TokenReader, name: Operator, at: number, ...args: readonly Syntax[]): Syntax {
  return reader.node({ kind: 'operator', at, name, args });
}

/** A value that is written out, a negative number too; undefined where something else begins. */
function parseLiteral(reader: TokenReader): Literal | undefined {
  const isNegative = reader.isSign('-') && reader.peek(1).kind === 'number';
  const { kind, text, at } = reader.peek(isNegative ? 1 : 0);
  if (kind === 'number') {
    if (isNegative) reader.take();
    reader.take();
    return numberLiteral(reader, text, at, isNegative);
  }
  if (kind === 'text') return literal(reader, 'string', text);
  if (kind === 'duration') return literal(reader, 'duration', micros(reader, text, at));
  if (reader.isKeyword('true')) return literal(reader, 'boolean', 1);
  if (reader.isKeyword('false')) return literal(reader, 'boolean', 0);
  if (reader.isKeyword('null')) return literal(reader, 'null', null);
  if (!reader.isKeyword('date')) return undefined;
  reader.take();
  if (reader.peek().kind !== 'text') return reader.unexpected("a date such as '2026-01-31'");
  const written = reader.peek().text;
  const days = DATE.test(written) ? daysOfDate(written) : undefined;
  if (days === undefined) reader.fail("this is no date: write one such as date '2026-01-31'", reader.peek().at);
  return { ...literal(reader, 'date', days), at };
}

function literal(reader: TokenReader, type: Literal['type'], value: Literal['value']): Literal {
  return { kind: 'literal', at: reader.take().at, type, value };
}

function numberLiteral(reader: TokenReader, text: string, at: number, isNegative: boolean): Literal {
  const value = Number(text);
  const isWhole = /^\d+$/.test(text);
  if (isWhole && !Number.isSafeInteger(value)) reader.fail('a whole number lies within ±9007199254740991', at);
  if (!Number.isFinite(value)) reader.fail('this number is too large', at);
  // 0 − value: there is no −0 in the language.
  return { kind: 'literal', at, type: isWhole ? 'long' : 'double', value: isNegative ? 0 - value : value };
}

function micros(reader: TokenReader, text: string, at: number): number {
  try {
    return durationMicros(text, 'span');
  } catch {
    return reader.fail('a span is a whole number above 0 of s, m, h or d, 3660d at most', at);
  }
}
