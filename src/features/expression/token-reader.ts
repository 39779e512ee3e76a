import { LIMITS } from '../../base/limits.ts';
import { didYouMean } from '../../base/nearest-name.ts';
import { ExpressionError } from './expression-error.ts';
import type { Syntax } from './syntax.ts';
import { type Token, tokenize } from './tokens.ts';

const KEYWORDS = ['and', 'or', 'not', 'in', 'is', 'null', 'true', 'false', 'date'] as const;
/** A word that cannot be a name. */
export type Keyword = (typeof KEYWORDS)[number];

/** Reads tokens one by one and counts what is made of them. */
export class TokenReader {
  readonly #subject: string;
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #next = 0;
  #nodes = 0;
  #depth = 0;

  /** @throws ExpressionError where the text is too long or holds no tokens. */
  constructor(text: string, subject: string) {
    this.#subject = subject;
    this.#text = text;
    if (text.length > LIMITS.expressionCharacters) {
      this.fail(`an expression has ${LIMITS.expressionCharacters} characters at most`, LIMITS.expressionCharacters + 1);
    }
    this.#tokens = tokenize(text, (problem, at) => this.fail(problem, at));
  }

  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)] as Token;
  }

  take(): Token {
    const token = this.peek();
    this.#next += 1;
    return token;
  }

  isSign(sign: string, ahead = 0): boolean {
    const { kind, text } = this.peek(ahead);
    return kind === 'sign' && text === sign;
  }

  isKeyword(word: Keyword, ahead = 0): boolean {
    const { kind, text } = this.peek(ahead);
    return kind === 'word' && text === word;
  }

  /** The next token where it is the sign. */
  takeSign(sign: string): Token | undefined {
    return this.isSign(sign) ? this.take() : undefined;
  }

  /** The next token where it is the word. */
  takeKeyword(word: Keyword): Token | undefined {
    return this.isKeyword(word) ? this.take() : undefined;
  }

  expectSign(sign: string): Token {
    return this.takeSign(sign) ?? this.unexpected(sign);
  }

  /** Counts a node. */
  node<T extends Syntax>(syntax: T): T {
    this.#nodes += 1;
    if (this.#nodes > LIMITS.expressionNodes) {
      this.fail(`an expression has ${LIMITS.expressionNodes} operations and operands at most`, syntax.at);
    }
    return syntax;
  }

  /** Reads a part one level deeper. */
  nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > LIMITS.expressionDepth) {
      this.fail(`an expression nests ${LIMITS.expressionDepth} levels deep at most`, this.peek().at);
    }
    const part = read();
    this.#depth -= 1;
    return part;
  }

  /** Ends with what was expected at the next token, and what stands there. */
  unexpected(expected: string): never {
    const { kind, text, at } = this.peek();
    const found = {
      end: 'the expression ends',
      text: 'a text stands there',
      number: 'a number stands there',
      duration: 'a span stands there',
      word: `${text} stands there`,
      sign: `${text} stands there`,
    }[kind];
    return this.fail(`expected ${expected}, but ${found}${kind === 'word' ? hintOf(text) : ''}`, at);
  }

  fail(problem: string, at: number): never {
    throw new ExpressionError(this.#subject, problem, this.#text, at);
  }
}

/** Whether a word is one of the language's. */
export function isKeyword(word: string): boolean {
  return KEYWORDS.some((keyword) => keyword === word);
}

function hintOf(word: string): string {
  return isKeyword(word) ? '' : didYouMean(word, KEYWORDS);
}
