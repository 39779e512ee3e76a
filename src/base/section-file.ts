import { crc32c } from './crc32c.ts';

/*
 * A file of named parts, each with a checksum, little-endian:
 *
 *   magic:8 bytes  format:u32  length:u32 header:JSON crc:u32  section{…}
 *   section = bytes crc:u32, in the order and with the lengths that the header names
 *
 * Checksums are CRC-32C. It is for caches: one that is not whole is passed over by its reader.
 */

/** A named part of a file. */
export interface Section {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What kind of file it is: eight ASCII characters, and the version of its parts. */
export interface SectionFormat {
  readonly magic: string;
  readonly version: number;
}

/** What became of reading a file. */
export type ReadSections =
  | { readonly kind: 'read'; readonly header: unknown; readonly sections: ReadonlyMap<string, Buffer> }
  | { readonly kind: 'refused'; readonly reason: string };

interface WholeHeader {
  readonly sections: readonly { readonly name: string; readonly bytes: number }[];
  /** The caller's own. */
  readonly header: unknown;
}

/**
 * The file in pieces, to be written one after another. Sections may be views of what is live:
 * nothing may touch it before the last piece is written.
 *
 * @param header anything that JSON can hold.
 */
export function* encodeSections(
  { magic, version }: SectionFormat,
  header: unknown,
  sections: readonly Section[],
): Generator<Uint8Array> {
  const whole: WholeHeader = { sections: sections.map(({ name, bytes }) => ({ name, bytes: bytes.length })), header };
  const json = Buffer.from(JSON.stringify(whole));
  yield Buffer.concat([Buffer.from(magic, 'latin1'), u32(version), u32(json.length), json, u32(crc32c(json))]);
  for (const { bytes } of sections) {
    yield bytes;
    yield u32(crc32c(bytes));
  }
}

/** Reads a file; its sections are views of the bytes. */
export function decodeSections({ magic, version }: SectionFormat, bytes: Buffer): ReadSections {
  const refused = (reason: string): ReadSections => ({ kind: 'refused', reason });
  if (bytes.length < 16 || bytes.toString('latin1', 0, 8) !== magic) return refused('it is no snapshot');
  if (bytes.readUInt32LE(8) !== version) return refused('it has another format');
  const end = 16 + bytes.readUInt32LE(12);
  const json = bytes.subarray(16, end);
  if (end + 4 > bytes.length || crc32c(json) !== bytes.readUInt32LE(end)) return refused('its header is damaged');
  const whole = JSON.parse(json.toString('utf8')) as WholeHeader;
  const sections = new Map<string, Buffer>();
  let at = end + 4;
  for (const { name, bytes: length } of whole.sections) {
    const section = bytes.subarray(at, at + length);
    at += length + 4;
    if (at > bytes.length || crc32c(section) !== bytes.readUInt32LE(at - 4))
      return refused(`its section ${name} is damaged`);
    sections.set(name, section);
  }
  return { kind: 'read', header: whole.header, sections };
}

/** The bytes of numbers, not copied. */
export function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** The numbers of a section, copied to where they may begin. */
export function numbersOf<T>(type: new (buffer: ArrayBufferLike) => T, bytes: Uint8Array | undefined): T {
  return new type(Uint8Array.from(bytes ?? []).buffer);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}
