import { corruptVector } from './corrupt-vector.ts';

/** Reads little-endian integers one after another and never beyond the end. */
export class ByteReader {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** How many bytes were read. */
  get at(): number {
    return this.#at;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#view.byteLength - this.#at;
  }

  /** @throws AppError table_corrupt, as the others do, where fewer bytes are left. */
  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A 64-bit count; one beyond 2^53 is rounded, which no comparison with what is left notices. */
  uint64(): number {
    const low = this.uint32();
    return this.uint32() * 0x1_0000_0000 + low;
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  /** `length` 16-bit integers, in an array that is made only if their bytes are there. */
  uint16s(length: number): Uint16Array {
    const from = this.#take(2 * length);
    const values = new Uint16Array(length);
    for (let at = 0; at < length; at += 1) values[at] = this.#view.getUint16(from + 2 * at, true);
    return values;
  }

  /** `length` 32-bit integers. */
  uint32s(length: number): Uint32Array {
    const from = this.#take(4 * length);
    const values = new Uint32Array(length);
    for (let at = 0; at < length; at += 1) values[at] = this.#view.getUint32(from + 4 * at, true);
    return values;
  }

  bytes(length: number): Uint8Array {
    const from = this.#take(length);
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + from, length);
  }

  #take(length: number): number {
    if (length > this.left) throw corruptVector(`it ends ${length - this.left} bytes too early`);
    const from = this.#at;
    this.#at += length;
    return from;
  }
}
