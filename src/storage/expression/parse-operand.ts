import { type CaseBranch, type Expression, FUNCTIONS, type FunctionName } from './expression.ts';
import { numberLiteral, TYPED_LITERALS } from './parse-literal.ts';
import { parseCastType } from './parse-type.ts';
import type { TokenReader } from './token-reader.ts';
import type { Token } from './tokenize-expression.ts';

/** Reads an expression of the whole grammar: the parser's, handed in so that its files are no circle. */
type ParseExpression = (reader: TokenReader) => Expression;

/** Other names of functions, as Spark has them. */
const ALIASES: { readonly [name: string]: FunctionName | undefined } = {
  ceiling: 'ceil',
  dayofmonth: 'day',
  now: 'current_timestamp',
  substr: 'substring',
};
const FUNCTION_NAMES = [...Object.keys(FUNCTIONS), ...Object.keys(ALIASES)];
/** Functions that stand without parentheses, too. */
const BARE_FUNCTIONS: readonly string[] = ['CURRENT_DATE', 'CURRENT_TIMESTAMP'];

/** Keywords that are no columns unless in backticks. */
const RESERVED: ReadonlySet<string> = new Set([
  ...['AND', 'OR', 'NOT', 'IN', 'IS', 'LIKE', 'BETWEEN', 'DISTINCT', 'ESCAPE', 'CASE', 'WHEN', 'THEN', 'ELSE', 'END'],
  ...['NULL', 'TRUE', 'FALSE', 'SELECT', 'EXISTS', 'INTERVAL'],
]);
const OPERAND = 'a value, a column, a function or "("';

/** Whether a name must stand in backticks, or would be read as something else. */
export function needsBackticks(name: string): boolean {
  const word = name.toUpperCase();
  return !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || RESERVED.has(word) || BARE_FUNCTIONS.includes(word);
}

/** Reads an operand of the grammar, with the minus of a number. */
export function parseOperand(reader: TokenReader, parse: ParseExpression): Expression {
  const token = reader.peek();
  switch (token.kind) {
    case 'number':
      reader.take();
      return parseNumber(reader, token, token.text);
    case 'string':
      reader.take();
      return reader.count({ kind: 'literal', type: 'string', value: token.text }, token);
    case 'name':
      return parseColumn(reader);
    case 'word':
      return parseWord(reader, token, parse);
    case 'symbol':
      return parseSymbol(reader, token, parse);
    case 'end':
      throw reader.unexpected(OPERAND);
  }
}

function parseSymbol(reader: TokenReader, token: Token, parse: ParseExpression): Expression {
  if (reader.takeSymbol('-')) return parseNumber(reader, token, `-${reader.take().text}`);
  if (!reader.takeSymbol('(')) throw reader.unexpected(OPERAND);
  const inner = parse(reader);
  reader.expectSymbol(')');
  return inner;
}

function parseNumber(reader: TokenReader, token: Token, text: string): Expression {
  const literal = numberLiteral(text);
  if (literal === undefined) throw reader.refusedAt(token, 'a number that its type does not hold');
  return reader.count(literal, token);
}

function parseWord(reader: TokenReader, token: Token, parse: ParseExpression): Expression {
  const word = token.text.toUpperCase();
  if (reader.takeWord('NULL')) return reader.count({ kind: 'literal', type: 'void', value: null }, token);
  if (reader.takeWord('TRUE')) return reader.count({ kind: 'literal', type: 'boolean', value: true }, token);
  if (reader.takeWord('FALSE')) return reader.count({ kind: 'literal', type: 'boolean', value: false }, token);
  if (reader.takeWord('CASE')) return parseCase(reader, token, parse);
  const typed = reader.peek(1).kind === 'string' ? TYPED_LITERALS.get(word) : undefined;
  if (typed !== undefined) {
    reader.take();
    const string = reader.take();
    const literal = typed.read(string.text);
    if (literal === undefined) throw reader.refusedAt(token, `expected ${typed.form} after ${word}`);
    return reader.count(literal, token);
  }
  if (RESERVED.has(word)) throw reader.unexpected(OPERAND);
  if (reader.isSymbol('(', 1))
    return word === 'CAST' ? parseCast(reader, token, parse) : parseCall(reader, token, parse);
  const bare = BARE_FUNCTIONS.includes(word) ? functionOf(word) : undefined;
  if (bare === undefined) return parseColumn(reader);
  reader.take();
  return reader.count({ kind: 'call', name: bare, args: [] }, token);
}

function parseColumn(reader: TokenReader): Expression {
  const first = reader.take();
  const path = [first.text];
  while (reader.takeSymbol('.')) {
    const kind = reader.peek().kind;
    if (kind !== 'word' && kind !== 'name') throw reader.unexpected('the name of a field');
    path.push(reader.take().text);
  }
  return reader.count({ kind: 'column', path }, first);
}

function parseCast(reader: TokenReader, first: Token, parse: ParseExpression): Expression {
  reader.take();
  reader.expectSymbol('(');
  const operand = parse(reader);
  reader.expectWord('AS');
  const type = parseCastType(reader);
  reader.expectSymbol(')');
  return reader.count({ kind: 'cast', operand, type }, first);
}

function parseCase(reader: TokenReader, first: Token, parse: ParseExpression): Expression {
  const operand = reader.isWord('WHEN') ? undefined : parse(reader);
  const branches: CaseBranch[] = [];
  do {
    reader.expectWord('WHEN');
    const when = parse(reader);
    reader.expectWord('THEN');
    branches.push({ when, result: parse(reader) });
  } while (reader.isWord('WHEN'));
  const otherwise = reader.takeWord('ELSE') ? parse(reader) : undefined;
  reader.expectWord('END');
  return reader.count({ kind: 'case', operand, branches, otherwise }, first);
}

function parseCall(reader: TokenReader, token: Token, parse: ParseExpression): Expression {
  const name = functionOf(token.text);
  if (name === undefined) throw reader.unexpected('a function that there is', FUNCTION_NAMES);
  reader.take();
  reader.expectSymbol('(');
  const args: Expression[] = [];
  while (!reader.isSymbol(')') || args.length > 0) {
    args.push(parse(reader));
    if (!reader.takeSymbol(',')) break;
  }
  reader.expectSymbol(')');
  const [least, most] = FUNCTIONS[name];
  if (args.length < least || args.length > most) {
    const count = least === most ? `${least}` : `${least} to ${most}`;
    throw reader.refusedAt(token, `${name} takes ${count} argument${count === '1' ? '' : 's'}`);
  }
  return reader.count({ kind: 'call', name, args }, token);
}

function functionOf(word: string): FunctionName | undefined {
  const name = word.toLowerCase();
  return isFunctionName(name) ? name : ALIASES[name];
}

function isFunctionName(name: string): name is FunctionName {
  return Object.hasOwn(FUNCTIONS, name);
}
