import type { TextColumn } from './text-column.ts';
import { TextNumbers } from './text-numbers.ts';

/** Numbers of texts; −1 where there is none. */
export type TextCodes = Int8Array | Int16Array | Int32Array;

/** Texts that come again and again: each once, in the order in which they are first seen, and a number a row. */
export class CodedTexts implements TextColumn {
  readonly codes: TextCodes;
  /** Each text, by its number. */
  readonly texts: TextColumn<string>;

  constructor(codes: TextCodes, texts: TextColumn<string>) {
    this.codes = codes;
    this.texts = texts;
  }

  get length(): number {
    return this.codes.length;
  }

  at(row: number): string | null | undefined {
    const code = this.codes[row];
    return code === undefined ? undefined : code < 0 ? null : this.texts.at(code);
  }

  *[Symbol.iterator](): Generator<string | null> {
    for (let row = 0; row < this.length; row += 1) yield this.at(row) ?? null;
  }
}

/**
 * So many texts and more are held as bytes and found by a table of their numbers: of 3 M account numbers that is 0.1 GB
 * where a map of strings takes 0.4, for 0.1 µs a text that is asked for.
 */
const PACKED_TEXTS = 65_536;

/** Gathers texts by their numbers, in as few bytes as these take. */
export class CodeBuilder {
  #codes: TextCodes;
  #length = 0;
  /** Each text and its number, until there are many. */
  readonly #known = new Map<string, number>();
  #many: TextNumbers | null = null;

  /** @param expected rows, so that memory is taken once. */
  constructor(expected: number) {
    this.#codes = new Int8Array(Math.max(1, expected));
  }

  push(text: string | null): void {
    if (this.#length === this.#codes.length) this.#grow(this.#length * 2);
    // First the code: it may put wider ones in the place of the codes.
    const code = text === null ? -1 : this.#codeOf(text);
    this.#codes[this.#length] = code;
    this.#length += 1;
  }

  /** The column; nothing is pushed any more. */
  take(): CodedTexts {
    if (this.#length < this.#codes.length) this.#grow(this.#length);
    const texts = this.#many === null ? [...this.#known.keys()] : this.#many.take();
    this.#known.clear();
    return new CodedTexts(this.#codes, texts as TextColumn as TextColumn<string>);
  }

  #codeOf(text: string): number {
    if (this.#many !== null) return this.#many.numberOf(text);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const code = this.#known.size;
    this.#known.set(text, code);
    if (code > 127 && this.#codes instanceof Int8Array) this.#widen(new Int16Array(this.#codes.length));
    if (code > 32_767 && this.#codes instanceof Int16Array) this.#widen(new Int32Array(this.#codes.length));
    if (code >= PACKED_TEXTS) this.#pack();
    return code;
  }

  #pack(): void {
    this.#many = new TextNumbers(PACKED_TEXTS * 2);
    for (const text of this.#known.keys()) this.#many.numberOf(text);
    this.#known.clear();
  }

  #widen(wider: TextCodes): void {
    wider.set(this.#codes.subarray(0, this.#length));
    this.#codes = wider;
  }

  #grow(size: number): void {
    const make = this.#codes.constructor as new (length: number) => TextCodes;
    const grown = new make(Math.max(size, this.#length));
    grown.set(this.#codes.subarray(0, this.#length));
    this.#codes = grown;
  }
}
