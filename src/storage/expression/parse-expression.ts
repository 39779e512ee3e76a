import { type ArithmeticOperator, type ComparisonOperator, DEFAULT_ESCAPE, type Expression } from './expression.ts';
import type { ExpressionOrigin } from './expression-error.ts';
import { EXPRESSION_LIMITS, isTooDeep } from './expression-limits.ts';
import { patternCharacters } from './like-pattern.ts';
import { parseOperand } from './parse-operand.ts';
import { parseCastType } from './parse-type.ts';
import { TokenReader } from './token-reader.ts';

/*
 * The grammar, a part of Spark SQL's; what is outside it is refused, never guessed. Keywords are of
 * either case. Tokens are in `tokenize-expression.ts`, literals in `parse-literal.ts`.
 *
 *   expression = and {"OR" and}
 *   and        = not {"AND" not}
 *   not        = ("NOT" | "!") not | test
 *   test       = comparison
 *              | comparison "IS" ["NOT"] ("NULL" | "TRUE" | "FALSE" | "UNKNOWN")
 *              | comparison "IS" ["NOT"] "DISTINCT" "FROM" comparison
 *              | comparison ["NOT"] "BETWEEN" comparison "AND" comparison
 *              | comparison ["NOT"] "IN" "(" expression {"," expression} ")"
 *              | comparison ["NOT"] "LIKE" string ["ESCAPE" string]
 *   comparison = sum {("=" | "==" | "<>" | "!=" | "<" | "<=" | ">" | ">=" | "<=>") sum}
 *   sum        = product {("+" | "-" | "||") product}
 *   product    = unary {("*" | "/" | "%" | "DIV") unary}
 *   unary      = ("-" | "+") unary | operand {"::" type}
 *   operand    = ["-"] number | string | typed | "NULL" | "TRUE" | "FALSE"
 *              | "CAST" "(" expression "AS" type ")"
 *              | "CASE" [expression] {"WHEN" expression "THEN" expression} ["ELSE" expression] "END"
 *              | function "(" [expression {"," expression}] ")"
 *              | "CURRENT_DATE" | "CURRENT_TIMESTAMP"
 *              | column
 *              | "(" expression ")"
 *   typed      = ("DATE" | "TIMESTAMP" | "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" | "X") string
 *   column     = (word | name) {"." (word | name)}
 */

const COMPARISONS: ReadonlyMap<string, ComparisonOperator> = new Map<string, ComparisonOperator>([
  ['=', '='],
  ['==', '='],
  ['<>', '<>'],
  ['!=', '<>'],
  ['<', '<'],
  ['<=', '<='],
  ['>', '>'],
  ['>=', '>='],
  ['<=>', '<=>'],
]);
/** What may go on after a whole expression. */
const FOLLOWERS = ['AND', 'OR', 'NOT', 'IN', 'IS', 'LIKE', 'BETWEEN', 'DIV'];

/**
 * The expression of a text.
 *
 * @param origin whose text it is: how errors begin, and their code.
 * @throws AppError of the origin's code where the text is outside the grammar or beyond a limit of
 *   `expression-limits.ts`; it says where and what was expected, and quotes no literal.
 */
export function parseExpression(text: string, origin: ExpressionOrigin): Expression {
  const reader = new TokenReader(text, origin);
  const expression = parseOr(reader);
  if (reader.peek().kind !== 'end') throw reader.unexpected('an operator or the end', FOLLOWERS);
  if (isTooDeep(expression)) throw reader.tooDeep();
  return expression;
}

function parseOr(reader: TokenReader): Expression {
  return reader.nested(() => parseChain(reader, 'or', parseAnd));
}

function parseAnd(reader: TokenReader): Expression {
  return parseChain(reader, 'and', parseNot);
}

function parseChain(reader: TokenReader, kind: 'and' | 'or', parse: (reader: TokenReader) => Expression): Expression {
  const first = parse(reader);
  const operands = [first];
  while (reader.takeWord(kind.toUpperCase())) operands.push(parse(reader));
  return operands.length === 1 ? first : reader.count({ kind, operands });
}

function parseNot(reader: TokenReader): Expression {
  const first = reader.peek();
  if (!reader.takeWord('NOT') && !reader.takeSymbol('!')) return parseTest(reader);
  return reader.count({ kind: 'not', operand: reader.nested(() => parseNot(reader)) }, first);
}

function parseTest(reader: TokenReader): Expression {
  const operand = parseComparison(reader);
  if (reader.takeWord('IS')) return parseIs(reader, operand, reader.takeWord('NOT'));
  const isNegated = reader.isWord('NOT') && ['BETWEEN', 'IN', 'LIKE'].some((word) => reader.isWord(word, 1));
  if (isNegated) reader.take();
  const test = parseMembership(reader, operand);
  return test === undefined ? operand : negatedIf(reader, isNegated, test);
}

function negatedIf(reader: TokenReader, isNegated: boolean, operand: Expression): Expression {
  return isNegated ? reader.count({ kind: 'not', operand }) : operand;
}

function parseIs(reader: TokenReader, operand: Expression, isNegated: boolean): Expression {
  if (reader.takeWord('NULL')) return negatedIf(reader, isNegated, reader.count({ kind: 'isNull', operand }));
  for (const truth of ['true', 'false', 'unknown'] as const) {
    if (!reader.takeWord(truth.toUpperCase())) continue;
    return negatedIf(reader, isNegated, reader.count({ kind: 'isTruth', operand, truth }));
  }
  const expected = ['NULL', 'TRUE', 'FALSE', 'UNKNOWN', 'DISTINCT'];
  if (!reader.takeWord('DISTINCT')) throw reader.unexpected('NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM', expected);
  reader.expectWord('FROM');
  const right = parseComparison(reader);
  return negatedIf(reader, !isNegated, reader.count({ kind: 'comparison', op: '<=>', left: operand, right }));
}

function parseMembership(reader: TokenReader, operand: Expression): Expression | undefined {
  if (reader.takeWord('BETWEEN')) {
    const low = parseComparison(reader);
    reader.expectWord('AND');
    return reader.count({ kind: 'between', operand, low, high: parseComparison(reader) });
  }
  if (reader.takeWord('IN')) {
    reader.expectSymbol('(');
    return reader.count({ kind: 'in', operand, items: parseItems(reader) });
  }
  if (reader.takeWord('LIKE')) return reader.count(parsePattern(reader, operand));
  return undefined;
}

function parseItems(reader: TokenReader): readonly Expression[] {
  const items: Expression[] = [];
  do {
    const item = parseOr(reader);
    if (item.kind === 'literal') reader.uncount();
    items.push(item);
    if (items.length > EXPRESSION_LIMITS.inItems) {
      throw reader.refused(`a list of IN has more than ${EXPRESSION_LIMITS.inItems} values`);
    }
  } while (reader.takeSymbol(','));
  reader.expectSymbol(')');
  return items;
}

function parsePattern(reader: TokenReader, operand: Expression): Expression {
  if (reader.peek().kind !== 'string') throw reader.unexpected('a pattern as a string');
  const token = reader.take();
  let escapeCharacter = DEFAULT_ESCAPE;
  if (reader.takeWord('ESCAPE')) {
    const isCharacter = reader.peek().kind === 'string' && [...reader.peek().text].length === 1;
    if (!isCharacter) throw reader.unexpected('a string of one character');
    escapeCharacter = reader.take().text;
  }
  if (patternCharacters(token.text, escapeCharacter) === undefined) {
    throw reader.refusedAt(token, 'only %, _ and the escape itself may follow the escape of a pattern');
  }
  return { kind: 'like', operand, pattern: token.text, escape: escapeCharacter };
}

function parseComparison(reader: TokenReader): Expression {
  let left = parseSum(reader);
  for (;;) {
    const op = reader.peek().kind === 'symbol' ? COMPARISONS.get(reader.peek().text) : undefined;
    if (op === undefined) return left;
    reader.take();
    left = reader.count({ kind: 'comparison', op, left, right: parseSum(reader) });
  }
}

function parseSum(reader: TokenReader): Expression {
  let left = parseProduct(reader);
  for (;;) {
    if (reader.isSymbol('||')) {
      const operands = [left];
      while (reader.takeSymbol('||')) operands.push(parseProduct(reader));
      left = reader.count({ kind: 'concat', operands });
      continue;
    }
    const op = reader.takeSymbol('+') ? '+' : reader.takeSymbol('-') ? '-' : undefined;
    if (op === undefined) return left;
    left = reader.count({ kind: 'arithmetic', op, left, right: parseProduct(reader) });
  }
}

function parseProduct(reader: TokenReader): Expression {
  let left = parseUnary(reader);
  for (;;) {
    const op = takeProductOperator(reader);
    if (op === undefined) return left;
    left = reader.count({ kind: 'arithmetic', op, left, right: parseUnary(reader) });
  }
}

function takeProductOperator(reader: TokenReader): ArithmeticOperator | undefined {
  if (reader.takeWord('DIV')) return 'div';
  return (['*', '/', '%'] as const).find((symbol) => reader.takeSymbol(symbol));
}

function parseUnary(reader: TokenReader): Expression {
  // The minus of a number belongs to it: -128Y is a byte, and 128Y is none.
  if (reader.isSymbol('-') && reader.peek(1).kind !== 'number') {
    const first = reader.take();
    return reader.count({ kind: 'negate', operand: reader.nested(() => parseUnary(reader)) }, first);
  }
  if (reader.takeSymbol('+')) return reader.nested(() => parseUnary(reader));
  let operand = parseOperand(reader, parseOr);
  while (reader.takeSymbol('::')) operand = reader.count({ kind: 'cast', operand, type: parseCastType(reader) });
  return operand;
}
