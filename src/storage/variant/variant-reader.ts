import { isUtf8 } from 'node:buffer';
import { corruptVariant } from './variant-format.ts';

/** Reads at any place of a variant's bytes, and never beyond their end. */
export class VariantReader {
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** @throws AppError table_corrupt, as the others do, where the bytes end before. */
  unsigned(at: number, size: 1 | 2 | 3 | 4 | number): number {
    this.check(at, size);
    return this.#bytes.readUIntLE(at, size);
  }

  signed(at: number, size: 1 | 2 | 4): number {
    this.check(at, size);
    return this.#bytes.readIntLE(at, size);
  }

  int64(at: number): bigint {
    this.check(at, 8);
    return this.#bytes.readBigInt64LE(at);
  }

  int128(at: number): bigint {
    this.check(at, 16);
    return (this.#bytes.readBigInt64LE(at + 8) << 64n) | this.#bytes.readBigUInt64LE(at);
  }

  float(at: number): number {
    this.check(at, 4);
    return this.#bytes.readFloatLE(at);
  }

  double(at: number): number {
    this.check(at, 8);
    return this.#bytes.readDoubleLE(at);
  }

  utf8(at: number, size: number): string {
    const bytes = this.slice(at, size);
    if (!isUtf8(bytes)) throw corruptVariant('a text is not UTF-8');
    return bytes.toString('utf8');
  }

  slice(at: number, size: number): Buffer {
    this.check(at, size);
    return this.#bytes.subarray(at, at + size);
  }

  check(at: number, size: number): void {
    if (at + size > this.#bytes.length) {
      throw corruptVariant(`it ends at ${this.#bytes.length} and holds something up to ${at + size}`);
    }
  }
}
