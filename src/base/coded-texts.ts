import { PackedBuilder } from './packed-column.ts';
import type { TextColumn } from './text-column.ts';

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

/** So many texts and more are held as bytes: a third of what strings take, for 0.1 µs a text that is asked for. */
const PACKED_TEXTS = 65_536;

function packed(texts: readonly string[]): TextColumn<string> {
  const builder = new PackedBuilder(0);
  for (const text of texts) builder.push(text);
  return builder.take() as TextColumn as TextColumn<string>;
}

/** Gathers texts by their numbers, in as few bytes as these take. */
export class CodeBuilder {
  #codes: TextCodes;
  #length = 0;
  readonly #known = new Map<string, number>();
  readonly #texts: string[] = [];

  /** @param expected rows, so that memory is taken once. */
  constructor(expected: number) {
    this.#codes = new Int8Array(Math.max(1, expected));
  }

  get length(): number {
    return this.#length;
  }

  /** How many different texts there are. */
  get distinct(): number {
    return this.#texts.length;
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
    this.#known.clear();
    return new CodedTexts(this.#codes, this.#texts.length < PACKED_TEXTS ? this.#texts : packed(this.#texts));
  }

  #codeOf(text: string): number {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const code = this.#texts.push(text) - 1;
    this.#known.set(text, code);
    if (code > 127 && this.#codes instanceof Int8Array) this.#widen(new Int16Array(this.#codes.length));
    if (code > 32_767 && this.#codes instanceof Int16Array) this.#widen(new Int32Array(this.#codes.length));
    return code;
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
