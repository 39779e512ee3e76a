import { didYouMean } from '../../base/nearest-name.ts';
import type { Expression } from './expression.ts';
import { type ExpressionOrigin, expressionRefused, quoted } from './expression-error.ts';
import { EXPRESSION_LIMITS } from './expression-limits.ts';
import { placed } from './expression-position.ts';
import { type Token, tokenizeExpression } from './tokenize-expression.ts';

/** Parentheses and signs nest beside the nodes: as the text of an expression writes them, two to a level. */
const MAX_NESTING = 3 * EXPRESSION_LIMITS.depth;

/** A place in the tokens of a text, with the limits of what is made of them. */
export class TokenReader {
  readonly text: string;
  readonly origin: ExpressionOrigin;
  readonly #tokens: readonly Token[];
  #at = 0;
  #nesting = 0;
  #nodes = 0;

  /** @throws AppError of the origin's code for a text that is too long or has no tokens. */
  constructor(text: string, origin: ExpressionOrigin) {
    if (text.length > EXPRESSION_LIMITS.textLength) {
      throw expressionRefused(
        origin,
        `it has ${text.length} characters, and ${EXPRESSION_LIMITS.textLength} are the limit`,
      );
    }
    this.text = text;
    this.origin = origin;
    this.#tokens = tokenizeExpression(text, origin);
  }

  /** The next token, or one behind it; at the end the last again and again. */
  peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)];
    return token ?? { kind: 'end', text: '', start: this.text.length, end: this.text.length };
  }

  /** Takes the next token. */
  take(): Token {
    const token = this.peek();
    this.#at += 1;
    return token;
  }

  /** Whether a keyword comes, in upper case. */
  isWord(word: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'word' && token.text.toUpperCase() === word;
  }

  /** Takes a keyword if it comes. */
  takeWord(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.#at += 1;
    return true;
  }

  /** Takes a keyword. @throws AppError where another token comes. */
  expectWord(word: string): void {
    if (!this.takeWord(word)) throw this.unexpected(word, [word]);
  }

  /** Whether a symbol comes. */
  isSymbol(symbol: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'symbol' && token.text === symbol;
  }

  /** Takes a symbol if it comes. */
  takeSymbol(symbol: string): boolean {
    if (!this.isSymbol(symbol)) return false;
    this.#at += 1;
    return true;
  }

  /** Takes a symbol. @throws AppError where another token comes. */
  expectSymbol(symbol: string): void {
    if (!this.takeSymbol(symbol)) throw this.unexpected(`"${symbol}"`);
  }

  /**
   * Counts a node of the expression, and notes where it begins: at a token, else with its first
   * operand.
   *
   * @throws AppError beyond the limit.
   */
  count<T extends Expression>(node: T, first?: Token): T {
    this.#nodes += 1;
    if (this.#nodes > EXPRESSION_LIMITS.nodes) throw this.refused(`it has more than ${EXPRESSION_LIMITS.nodes} parts`);
    return placed(node, first === undefined ? undefined : first.start + 1);
  }

  /** Takes a count back: of a value in a list, which costs less than a node. */
  uncount(): void {
    this.#nodes -= 1;
  }

  /** Reads what lies a level deeper. @throws AppError beyond the limit. */
  nested<T>(read: () => T): T {
    this.#nesting += 1;
    if (this.#nesting > MAX_NESTING) throw this.tooDeep();
    const result = read();
    this.#nesting -= 1;
    return result;
  }

  /** The error of an expression that nests too deeply. */
  tooDeep(): Error {
    return this.refused(`it nests deeper than ${EXPRESSION_LIMITS.depth} levels`);
  }

  /** The error of a token that cannot stand here; `known` are the words that could. */
  unexpected(expected: string, known: readonly string[] = []): Error {
    const token = this.peek();
    const hint = token.kind === 'word' ? didYouMean(token.text, known) : '';
    return this.refusedAt(token, `expected ${expected}, found ${foundText(token)}${hint}`);
  }

  /** The error of what begins with a token. */
  refusedAt(token: Token, reason: string): Error {
    return expressionRefused(this.origin, reason, token.start + 1);
  }

  /** The error of the whole text. */
  refused(reason: string): Error {
    return expressionRefused(this.origin, reason);
  }
}

/** A token as errors name it: values are never shown. */
function foundText({ kind, text }: Token): string {
  switch (kind) {
    case 'word':
    case 'name':
    case 'symbol':
      return quoted(text);
    case 'string':
    case 'number':
      return `a ${kind}`;
    case 'end':
      return 'the end';
  }
}
