const CHUNK_BYTES = 1 << 20;

/**
 * Texts by number, as UTF-8 in blocks of 1 MiB after a byte that says their length: 26 bytes for
 * an account where a string in a map takes 100. Numbers count from 0.
 */
export class KeyArena {
  readonly #chunks: Buffer[] = [];
  readonly #places: Uint32Array;
  #count = 0;
  #at = CHUNK_BYTES;

  /** @param capacity texts. */
  constructor(capacity: number) {
    this.#places = new Uint32Array(capacity);
  }

  /** Adds the next text; of one over 255 bytes only the first 255 are kept. */
  add(text: string): void {
    if (this.#at + 256 > CHUNK_BYTES) {
      this.#chunks.push(Buffer.allocUnsafe(CHUNK_BYTES));
      this.#at = 0;
    }
    const chunk = this.#chunks.length - 1;
    const buffer = this.#chunks[chunk] as Buffer;
    const length = buffer.write(text, this.#at + 1, 255, 'utf8');
    buffer[this.#at] = length;
    this.#places[this.#count] = chunk * CHUNK_BYTES + this.#at;
    this.#count += 1;
    this.#at += 1 + length;
  }

  /** The text of a number. */
  get(number: number): string {
    const place = this.#places[number] as number;
    const buffer = this.#chunks[Math.floor(place / CHUNK_BYTES)] as Buffer;
    const at = place % CHUNK_BYTES;
    return buffer.toString('utf8', at + 1, at + 1 + (buffer[at] as number));
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#chunks.length * CHUNK_BYTES + this.#count * 4;
  }

  /** All texts in the order of their numbers, each after a byte that says its length. */
  texts(): Uint8Array {
    const parts: Buffer[] = [];
    for (let number = 0; number < this.#count; number += 1) {
      const place = this.#places[number] as number;
      const at = place % CHUNK_BYTES;
      const buffer = this.#chunks[Math.floor(place / CHUNK_BYTES)] as Buffer;
      parts.push(buffer.subarray(at, at + 1 + (buffer[at] as number)));
    }
    return Buffer.concat(parts);
  }

  /** Fills an empty arena with what {@link texts} gave. */
  restoreTexts(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += 1 + (bytes[at] as number)) {
      this.add(bytes.toString('utf8', at + 1, at + 1 + (bytes[at] as number)));
    }
  }
}
