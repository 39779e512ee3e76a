import { AppError } from '../../base/errors.ts';
import { VARIANT_LIMITS } from './variant-format.ts';

/**
 * What a JSON text is made of. A number is its text, because its choice of type in a variant is by
 * its text (`1.0` is a decimal, `1e0` a double), and `JSON.parse` would also hide repeated names.
 */
export type JsonToken =
  | { readonly kind: '{' | '}' | '[' | ']' | ',' | ':' | 'end' }
  | { readonly kind: 'literal'; readonly value: null | boolean }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'string'; readonly text: string };

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERAL = /true|false|null/y;

/** Reads a JSON text (RFC 8259) token by token. */
export class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    if (text.length > VARIANT_LIMITS.textLength) {
      throw new AppError('too_large', `A variant's JSON has at most ${VARIANT_LIMITS.textLength} characters`);
    }
    this.#text = text;
  }

  /** The next token, `end` after the last. @throws AppError invalid_json. */
  next(): JsonToken {
    this.#match(SPACE);
    const char = this.#text.charAt(this.#at);
    switch (char) {
      case '{':
      case '}':
      case '[':
      case ']':
      case ',':
      case ':':
        this.#at += 1;
        return { kind: char };
      case '"':
        return { kind: 'string', text: this.#string() };
      case '':
        return { kind: 'end' };
      default:
        return this.#word();
    }
  }

  /** The fault of a text that is no JSON, or holds what a variant cannot. */
  invalid(what: string): AppError {
    return new AppError('invalid_json', `A variant's JSON is wrong before character ${this.#at}: ${what}`);
  }

  #word(): JsonToken {
    const literal = this.#match(LITERAL);
    if (literal !== '') return { kind: 'literal', value: literal === 'null' ? null : literal === 'true' };
    const text = this.#match(NUMBER);
    if (text === '') throw this.invalid('a value was expected');
    if (text.length > VARIANT_LIMITS.numberLength) {
      throw this.invalid(`a number has more than ${VARIANT_LIMITS.numberLength} characters`);
    }
    return { kind: 'number', text };
  }

  #string(): string {
    const start = this.#at;
    let end = this.#text.indexOf('"', start + 1);
    while (end !== -1 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1);
    if (end === -1) throw this.invalid('a text does not end');
    this.#at = end + 1;
    let text: unknown;
    try {
      text = JSON.parse(this.#text.slice(start, end + 1));
    } catch {
      throw this.invalid('a text holds a wrong escape or a control character');
    }
    if (typeof text !== 'string' || !text.isWellFormed()) throw this.invalid('a text holds half a surrogate pair');
    return text;
  }

  /** Whether an odd number of backslashes stands before a quote. */
  #isEscaped(quote: number): boolean {
    let at = quote;
    while (this.#text.charAt(at - 1) === '\\') at -= 1;
    return (quote - at) % 2 === 1;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }
}
