/** Writes little-endian values one after another into a buffer that grows. */
export class ByteWriter {
  #buffer: Buffer;
  #at = 0;

  /** @param capacityBytes a guess of the size; a right one saves a copy. */
  constructor(capacityBytes: number) {
    this.#buffer = Buffer.allocUnsafe(capacityBytes);
  }

  u8(value: number): void {
    this.#need(1);
    this.#at = this.#buffer.writeUInt8(value, this.#at);
  }

  u16(value: number): void {
    this.#need(2);
    this.#at = this.#buffer.writeUInt16LE(value, this.#at);
  }

  u32(value: number): void {
    this.#need(4);
    this.#at = this.#buffer.writeUInt32LE(value, this.#at);
  }

  f64(value: number): void {
    this.#need(8);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  f64Array(values: Float64Array): void {
    this.raw(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }

  /** Bytes whose number the reader knows. */
  raw(bytes: Uint8Array): void {
    this.#need(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Bytes after their number (u32). */
  bytes(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.raw(bytes);
  }

  /** UTF-8 after its number of bytes (u16). */
  text(text: string): void {
    this.#need(2 + text.length * 3);
    const written = this.#buffer.write(text, this.#at + 2, 'utf8');
    this.#buffer.writeUInt16LE(written, this.#at);
    this.#at += 2 + written;
  }

  /** What was written. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  #need(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }
}

/**
 * Reads what {@link ByteWriter} wrote; every read past the end is a RangeError. A class, not
 * closures: a dozen of them for each record took a third of the time of a start. Numbers are read
 * in place: a view for each took a tenth of the consumer's.
 */
export class ByteReader {
  readonly #buffer: Buffer;
  #at = 0;

  /** @param buffer what to read, from its start. */
  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  /** Whether everything is read. */
  get isAtEnd(): boolean {
    return this.#at === this.#buffer.length;
  }

  u8(): number {
    return this.#buffer.readUInt8(this.skip(1));
  }

  u16(): number {
    return this.#buffer.readUInt16LE(this.skip(2));
  }

  u32(): number {
    return this.#buffer.readUInt32LE(this.skip(4));
  }

  f64(): number {
    return this.#buffer.readDoubleLE(this.skip(8));
  }

  f64Array(count: number): Float64Array {
    const values = new Float64Array(count);
    const start = this.skip(count * 8);
    this.#buffer.copy(new Uint8Array(values.buffer), 0, start, start + count * 8);
    return values;
  }

  /** A view of bytes whose number the writer did not write. */
  raw(count: number): Uint8Array {
    const start = this.skip(count);
    return this.#buffer.subarray(start, start + count);
  }

  bytes(): Uint8Array {
    return this.raw(this.u32());
  }

  /** A view of what is left. */
  rest(): Uint8Array {
    return this.raw(this.#buffer.length - this.#at);
  }

  text(): string {
    const length = this.u16();
    const start = this.skip(length);
    return this.#buffer.toString('utf8', start, start + length);
  }

  /** Passes over bytes; gives where they begin. */
  skip(count: number): number {
    const start = this.#at;
    if (start + count > this.#buffer.length) throw new RangeError('the bytes end too early');
    this.#at = start + count;
    return start;
  }
}
