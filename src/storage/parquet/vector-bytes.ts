import { assert } from '../../base/assert.ts';
import type { ValidAt } from '../types/column-data.ts';

/*
 * DuckDB's string, 16 bytes: length:u32, then 12 bytes of text where it has no more than these,
 * else prefix:u32 pointer:u64. The library copies what each pointer leads to by a call of its own, 1.3 µs; here all
 * that a vector's pointers lead to is copied in few pieces, 20 ns a text.
 */
const STRING_BYTES = 16;
const INLINE_BYTES = 12;
const INLINE_AT = 4;
/** Memory is mapped by pages of so many bytes, or more: of a page in which one byte can be read all can. */
const PAGE_BYTES = 4096;

interface Piece {
  readonly address: number;
  readonly bytes: Buffer;
}

/** The bytes of a vector's texts, one row at a time: `bytes` from `start` to `end`, after {@link seek}. */
export class VectorBytes {
  bytes: Buffer;
  start = 0;
  end = 0;
  readonly #words: Int32Array;
  readonly #inline: Buffer;
  readonly #pieces: readonly Piece[];
  #piece: Piece | undefined;

  /** @param strings DuckDB's strings of the rows. They must live while this is built; their number is `rows`. */
  constructor(strings: DataView, rows: number, validAt: ValidAt) {
    this.#words = new Int32Array(strings.buffer, strings.byteOffset, rows * 4);
    this.#inline = Buffer.from(strings.buffer as ArrayBuffer, strings.byteOffset, rows * STRING_BYTES);
    this.bytes = this.#inline;
    this.#pieces = piecesOf(pagesOf(this.#words, rows, validAt));
  }

  /** Goes to a row, which is not null. */
  seek(row: number): void {
    const length = this.#words[row * 4] as number;
    if (length <= INLINE_BYTES) {
      this.bytes = this.#inline;
      this.start = row * STRING_BYTES + INLINE_AT;
    } else {
      const address = addressAt(this.#words, row);
      const piece = this.#pieceOf(address);
      this.bytes = piece.bytes;
      this.start = address - piece.address;
    }
    this.end = this.start + length;
  }

  #pieceOf(address: number): Piece {
    const last = this.#piece;
    if (last !== undefined && address >= last.address && address < last.address + last.bytes.length) return last;
    let low = 0;
    let high = this.#pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#pieces[middle] as Piece).address <= address) low = middle;
      else high = middle - 1;
    }
    this.#piece = this.#pieces[low] as Piece;
    return this.#piece;
  }
}

/** Addresses have 48 bits. */
function addressAt(words: Int32Array, row: number): number {
  return ((words[row * 4 + 2] as number) >>> 0) + (words[row * 4 + 3] as number) * 2 ** 32;
}

/** The pages in which long texts lie, ascending; a page may be there twice. */
function pagesOf(words: Int32Array, rows: number, validAt: ValidAt): ArrayLike<number> {
  const pages: number[] = [];
  let last = -1;
  let isAscending = true;
  for (let row = 0; row < rows; row += 1) {
    const length = words[row * 4] as number;
    if (length <= INLINE_BYTES || (validAt !== undefined && !validAt(row))) continue;
    const address = addressAt(words, row);
    const end = Math.floor((address + length - 1) / PAGE_BYTES);
    for (let page = Math.floor(address / PAGE_BYTES); page <= end; page += 1) {
      if (page === last) continue;
      isAscending &&= page > last;
      pages.push(page);
      last = page;
    }
  }
  return isAscending ? pages : Float64Array.from(pages).sort();
}

/** Copies of pages, those that follow one another as one piece. */
function piecesOf(pages: ArrayLike<number>): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < pages.length; ) {
    const first = pages[at] as number;
    let end = first;
    while (at < pages.length && (pages[at] as number) <= end) {
      end = (pages[at] as number) + 1;
      at += 1;
    }
    pieces.push({ address: first * PAGE_BYTES, bytes: copyOf(first * PAGE_BYTES, (end - first) * PAGE_BYTES) });
  }
  return pieces;
}

let bytesOfString: ((strings: DataView, offset: number) => Uint8Array) | undefined;

/** Loads what of the library copies memory, and lets texts be what they are. */
export async function readyVectorBytes(): Promise<void> {
  const { default: accessors } = await import('@duckdb/node-api/lib/vectors/dataAccessors.js');
  bytesOfString = accessors.getStringBytes;
  // The library's decoder takes a U+FEFF at the start of a text for a mark and drops it: then the text is another one.
  Object.assign(accessors, { textDecoder: new TextDecoder('utf-8', { ignoreBOM: true }) });
}

/** A copy of memory, which the library makes of a string's bytes. */
function copyOf(address: number, bytes: number): Buffer {
  const string = new DataView(new ArrayBuffer(STRING_BYTES));
  string.setUint32(0, bytes, true);
  string.setBigUint64(8, BigInt(address), true);
  assert(bytesOfString !== undefined, 'the library is loaded where there is a vector');
  const copy = bytesOfString(string, 0);
  return Buffer.from(copy.buffer as ArrayBuffer, copy.byteOffset, copy.byteLength);
}
