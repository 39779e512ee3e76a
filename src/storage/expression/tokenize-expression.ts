import { type ExpressionOrigin, expressionRefused } from './expression-error.ts';
import { endOfQuoted, unescapeString } from './string-escapes.ts';

/*
 * The words of an expression's text:
 *
 *   word    = (letter | "_") {letter | digit | "_"}     letters and digits of Unicode
 *   name    = "`" {any | "``"} "`"
 *   string  = "'" {any | escape | "''"} "'" | '"' {any | escape | '""'} '"'
 *   number  = (digits ["." [digits]] | "." digits) [("e" | "E") ["+" | "-"] digits] [suffix]
 *   suffix  = "L" | "S" | "Y" | "D" | "F" | "BD"         of either case
 *   symbol  = "<=>" | "<>" | "<=" | ">=" | "!=" | "==" | "||" | "::" | one of ( ) , . + - * / % < > = !
 *
 * `--` and `/*` begin comments in SQL and are refused: read as operators they would mean something else.
 */

/** A word of a text. */
export interface Token {
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'symbol' | 'end';
  /** A name or string without its quotes and escapes, else as written. */
  readonly text: string;
  /** Where it begins and ends in the text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

const WORD = /[\p{L}_][\p{L}\p{N}_]*/uy;
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?:[bB][dD]|[lLsSyYdDfF])?/y;
const NUMBER_GOES_ON = /[\p{L}\p{N}_.]/uy;
const SYMBOL = /<=>|<>|<=|>=|!=|==|\|\||::|[(),.+\-*/%<>=!]/y;
const SPACE = /\s*/y;

/**
 * Cuts a text into tokens; the last is of kind `end`.
 *
 * @throws AppError of the origin's code where the text has what no token begins with.
 */
export function tokenizeExpression(text: string, origin: ExpressionOrigin): readonly Token[] {
  const tokens: Token[] = [];
  let at = match(SPACE, text, 0).length;
  while (at < text.length) {
    const token = tokenAt(text, at, tokens.at(-1), origin);
    tokens.push(token);
    at = token.end + match(SPACE, text, token.end).length;
  }
  tokens.push({ kind: 'end', text: '', start: text.length, end: text.length });
  return tokens;
}

function tokenAt(text: string, at: number, before: Token | undefined, origin: ExpressionOrigin): Token {
  const word = match(WORD, text, at);
  if (word !== '') return { kind: 'word', text: word, start: at, end: at + word.length };
  const char = text.charAt(at);
  if (char === "'" || char === '"' || char === '`') return quotedAt(text, at, char, origin);
  // After a name a point leads to a field.
  const isField = char === '.' && (before?.kind === 'word' || before?.kind === 'name') && before.end === at;
  const number = isField ? '' : match(NUMBER, text, at);
  if (number !== '') return numberAt(text, at, number, origin);
  const pair = text.slice(at, at + 2);
  if (pair === '--' || pair === '/*') throw refusedAt(at, 'comments are not taken', origin);
  const symbol = match(SYMBOL, text, at);
  if (symbol !== '') return { kind: 'symbol', text: symbol, start: at, end: at + symbol.length };
  throw refusedAt(at, 'no part of an expression begins with this character', origin);
}

function numberAt(text: string, at: number, number: string, origin: ExpressionOrigin): Token {
  const end = at + number.length;
  if (match(NUMBER_GOES_ON, text, end) !== '') {
    throw refusedAt(
      at,
      'a number is followed by a letter, digit or point; names that begin so stand in backticks',
      origin,
    );
  }
  return { kind: 'number', text: number, start: at, end };
}

function quotedAt(text: string, at: number, quote: "'" | '"' | '`', origin: ExpressionOrigin): Token {
  const end = endOfQuoted(text, at, quote !== '`');
  if (end === undefined) throw refusedAt(at, `a text begins with ${quote} and does not end`, origin);
  const inner = text.slice(at + 1, end - 1);
  if (quote === '`' && inner === '') throw refusedAt(at, 'a name is empty', origin);
  const value = quote === '`' ? inner.replaceAll('``', '`') : unescapeString(inner, quote);
  if (!value.isWellFormed()) throw refusedAt(at, 'half of a surrogate pair is no character', origin);
  return { kind: quote === '`' ? 'name' : 'string', text: value, start: at, end };
}

/** What a pattern matches at a place; empty where it does not. */
function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

function refusedAt(at: number, reason: string, origin: ExpressionOrigin): Error {
  return expressionRefused(origin, reason, at + 1);
}
