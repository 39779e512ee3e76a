import { AppError } from './errors.ts';
import { hash32OfBytes, token53, token53OfBytes } from './hash128.ts';
import type { TextColumn } from './text-column.ts';

/** Bytes and rows that are there, for {@link PackedColumn}. */
interface PackedRows {
  /** UTF-8 of all texts, one after another. */
  readonly bytes: Buffer;
  readonly length: number;
  /** Bytes of each text, where all have as many (a null none); else `ends` says where each ends. */
  readonly width: number;
  readonly ends: Uint32Array | null;
  /** 1 where a text is null; null where none is. */
  readonly nulls: Uint8Array | null;
}

/** Texts that are all different, such as ids, as bytes: 32 a row of a payment's id, where a string takes 64. */
export class PackedColumn implements TextColumn {
  readonly #rows: PackedRows;

  constructor(rows: PackedRows) {
    this.#rows = rows;
  }

  get length(): number {
    return this.#rows.length;
  }

  at(row: number): string | null | undefined {
    const { bytes, length, width, ends, nulls } = this.#rows;
    if (row < 0 || row >= length) return undefined;
    if (nulls !== null && nulls[row] === 1) return null;
    if (ends === null) return bytes.toString('utf8', row * width, (row + 1) * width);
    return bytes.toString('utf8', row === 0 ? 0 : ends[row - 1], ends[row]);
  }

  /** The token of a row's text, as `token53` gives it; that of the empty text where there is none. */
  token(row: number): number {
    const { bytes, width, ends } = this.#rows;
    const from = ends === null ? row * width : row === 0 ? 0 : (ends[row - 1] as number);
    const token = token53OfBytes(bytes, from, ends === null ? from + width : (ends[row] as number));
    return token < 0 ? token53(this.at(row) ?? '') : token;
  }

  *[Symbol.iterator](): Generator<string | null> {
    for (let row = 0; row < this.length; row += 1) yield this.at(row) ?? null;
  }
}

/** Bytes that a text takes until some are known. */
const FIRST_BYTES = 32;
/** By a quarter: of 10 M ids doubling would hold 300 MB that nobody needs. */
const GROWTH = 1.25;
/** Bytes of all texts: their ends are of 32 bits. It is 100 M ids, of which other columns take far more. */
const MOST_BYTES = 2 ** 32 - 1;

/** Gathers texts as bytes. */
export class PackedBuilder {
  readonly #expected: number;
  #bytes: Buffer;
  #used = 0;
  #length = 0;
  #width = -1;
  #ends: Uint32Array | null = null;
  #nulls: Uint8Array | null = null;

  /** @param expected rows, so that memory is taken once. */
  constructor(expected: number) {
    this.#expected = Math.max(1, expected);
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(MOST_BYTES, this.#expected * FIRST_BYTES));
  }

  /** @throws AppError `too_large` where all texts together take more than 4 GB. */
  push(text: string | null): void {
    const size = text === null ? 0 : Buffer.byteLength(text);
    if (this.#used + size > this.#bytes.length) this.#grow(this.#used + size);
    if (text !== null) this.#bytes.write(text, this.#used);
    this.#used += size;
    if (this.#width < 0) this.#width = size;
    if (this.#ends === null && size !== this.#width) this.#ends = this.#evenEnds();
    if (this.#ends !== null) this.#setEnd(this.#ends);
    if (text === null) this.#markNull();
    this.#length += 1;
  }

  /** Takes the last text out, which another row has too: a text of its size is there. */
  pop(): void {
    this.#used = this.#startOf(this.#length - 1);
    this.#length -= 1;
  }

  /** 32 bits of the bytes of a row's text. */
  hashAt(row: number): number {
    return hash32OfBytes(this.#bytes, this.#startOf(row), this.#startOf(row + 1));
  }

  /** Whether two rows have the same text. Of a null it says that it is the empty one. */
  areEqual(a: number, b: number): boolean {
    const bytes = this.#bytes;
    let at = this.#startOf(a);
    let other = this.#startOf(b);
    const end = this.#startOf(a + 1);
    if (end - at !== this.#startOf(b + 1) - other) return false;
    for (; at < end; at += 1, other += 1) if (bytes[at] !== bytes[other]) return false;
    return true;
  }

  #startOf(row: number): number {
    if (row === 0) return 0;
    return this.#ends === null ? row * this.#width : (this.#ends[row - 1] as number);
  }

  /** The column; nothing is pushed any more. */
  take(): PackedColumn {
    return new PackedColumn({
      bytes: this.#bytes,
      length: this.#length,
      width: this.#width,
      ends: this.#ends,
      nulls: this.#nulls,
    });
  }

  #evenEnds(): Uint32Array {
    const ends = new Uint32Array(Math.max(this.#expected, this.#length + 1));
    for (let row = 0; row < this.#length; row += 1) ends[row] = (row + 1) * this.#width;
    return ends;
  }

  #setEnd(ends: Uint32Array): void {
    if (this.#length < ends.length) {
      ends[this.#length] = this.#used;
      return;
    }
    const more = new Uint32Array(Math.ceil(ends.length * GROWTH));
    more.set(ends);
    more[this.#length] = this.#used;
    this.#ends = more;
  }

  #markNull(): void {
    if (this.#nulls === null || this.#length >= this.#nulls.length) {
      const more = new Uint8Array(Math.max(this.#expected, this.#length * 2));
      if (this.#nulls !== null) more.set(this.#nulls);
      this.#nulls = more;
    }
    this.#nulls[this.#length] = 1;
  }

  #grow(least: number): void {
    if (least > MOST_BYTES)
      throw new AppError('too_large', 'a column of texts takes more than 4 GB: read fewer rows of it');
    const grown = Buffer.allocUnsafeSlow(Math.min(MOST_BYTES, Math.max(least, Math.ceil(this.#bytes.length * GROWTH))));
    this.#bytes.copy(grown, 0, 0, this.#used);
    this.#bytes = grown;
  }
}
