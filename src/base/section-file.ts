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

/** Where a file of sections is read from. It may be larger than a buffer can be; none of its sections is. */
export interface SectionSource {
  /** Bytes. */
  readonly size: number;
  /** The bytes from a place on; fewer where the file has become shorter. */
  read(at: number, length: number): Promise<Buffer>;
}

/** Reads a file, section by section. @throws what its source throws. */
export async function decodeSections({ magic, version }: SectionFormat, source: SectionSource): Promise<ReadSections> {
  const refused = (reason: string): ReadSections => ({ kind: 'refused', reason });
  const head = source.size < 16 ? EMPTY : await source.read(0, 16);
  if (head.length < 16 || head.toString('latin1', 0, 8) !== magic) return refused('it is no snapshot');
  if (head.readUInt32LE(8) !== version) return refused('it has another format');
  const json = await checkedPart(source, 16, head.readUInt32LE(12));
  if (json === undefined) return refused('its header is damaged');
  const whole = JSON.parse(json.toString('utf8')) as WholeHeader;
  const sections = new Map<string, Buffer>();
  let at = 16 + json.length + CHECKSUM_BYTES;
  for (const { name, bytes: length } of whole.sections) {
    const section = await checkedPart(source, at, length);
    if (section === undefined) return refused(`its section ${name} is damaged`);
    sections.set(name, section);
    at += length + CHECKSUM_BYTES;
  }
  return { kind: 'read', header: whole.header, sections };
}

const EMPTY = Buffer.alloc(0);
const CHECKSUM_BYTES = 4;

/** A part of a file that its checksum follows; undefined where it is not whole. */
async function checkedPart(source: SectionSource, at: number, length: number): Promise<Buffer | undefined> {
  if (at + length + CHECKSUM_BYTES > source.size) return undefined;
  const part = await source.read(at, length);
  const checksum = await source.read(at + length, CHECKSUM_BYTES);
  if (part.length < length || checksum.length < CHECKSUM_BYTES) return undefined;
  return crc32c(part) === checksum.readUInt32LE(0) ? part : undefined;
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
