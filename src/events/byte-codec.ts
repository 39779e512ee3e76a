/** Writes little-endian values one after another into a buffer that grows. */
export interface ByteWriter {
  u8(value: number): void;
  u16(value: number): void;
  u32(value: number): void;
  f64(value: number): void;
  f64Array(values: Float64Array): void;
  /** Bytes whose number the reader knows. */
  raw(bytes: Uint8Array): void;
  /** Bytes after their number (u32). */
  bytes(bytes: Uint8Array): void;
  /** UTF-8 after its number of bytes (u16). */
  text(text: string): void;
  /** What was written. */
  finish(): Buffer;
}

/** @param capacityBytes a guess of the size; a right one saves a copy. */
export function byteWriter(capacityBytes: number): ByteWriter {
  let buffer = Buffer.allocUnsafe(capacityBytes);
  let at = 0;
  const need = (bytes: number): void => {
    if (at + bytes <= buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + bytes));
    buffer.copy(grown, 0, 0, at);
    buffer = grown;
  };
  const raw = (bytes: Uint8Array): void => {
    need(bytes.length);
    buffer.set(bytes, at);
    at += bytes.length;
  };
  return {
    u8(value) {
      need(1);
      at = buffer.writeUInt8(value, at);
    },
    u16(value) {
      need(2);
      at = buffer.writeUInt16LE(value, at);
    },
    u32(value) {
      need(4);
      at = buffer.writeUInt32LE(value, at);
    },
    f64(value) {
      need(8);
      at = buffer.writeDoubleLE(value, at);
    },
    f64Array: (values) => raw(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
    raw,
    bytes(bytes) {
      need(4);
      at = buffer.writeUInt32LE(bytes.length, at);
      raw(bytes);
    },
    text(text) {
      need(2 + text.length * 3);
      const written = buffer.write(text, at + 2, 'utf8');
      buffer.writeUInt16LE(written, at);
      at += 2 + written;
    },
    finish: () => buffer.subarray(0, at),
  };
}

/** Reads what a {@link ByteWriter} wrote; byte parts are views. Throws a RangeError past the end. */
export interface ByteReader {
  u8(): number;
  u16(): number;
  u32(): number;
  f64(): number;
  f64Array(count: number): Float64Array;
  raw(count: number): Uint8Array;
  /** Passes over bytes. */
  skip(count: number): void;
  bytes(): Uint8Array;
  text(): string;
}

/** @param buffer what to read, from its start. Numbers are read in place: a view for each took a tenth of the consumer's time. */
export function byteReader(buffer: Buffer): ByteReader {
  let at = 0;
  const skip = (count: number): number => {
    const start = at;
    if (start + count > buffer.length) throw new RangeError('the bytes end too early');
    at = start + count;
    return start;
  };
  const u32 = (): number => buffer.readUInt32LE(skip(4));
  const u16 = (): number => buffer.readUInt16LE(skip(2));
  const raw = (count: number): Uint8Array => {
    const start = skip(count);
    return buffer.subarray(start, start + count);
  };
  return {
    u8: () => buffer.readUInt8(skip(1)),
    u16,
    u32,
    f64: () => buffer.readDoubleLE(skip(8)),
    f64Array(count) {
      const values = new Float64Array(count);
      const start = skip(count * 8);
      buffer.copy(new Uint8Array(values.buffer), 0, start, start + count * 8);
      return values;
    },
    raw,
    skip: (count) => void skip(count),
    bytes: () => raw(u32()),
    text() {
      const length = u16();
      const start = skip(length);
      return buffer.toString('utf8', start, start + length);
    },
  };
}
