import { assert } from '../base/assert.ts';
import { crc32c } from '../base/crc32c.ts';
import { AppError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';

/*
 * A journal is a folder of segments, `<first position, 16 digits>.journal`:
 *
 *   segment = header group*
 *   header  = "SNTJRNL1"  format:u32  uuid:16 bytes  first:f64  crc:u32           (40 bytes)
 *   group   = "GRP1"  bytes:u32  count:u32  first:f64  crc:u32  record{count}     (24 bytes + records)
 *   record  = bytes:u32  crc:u32  payload                                         (8 bytes + payload)
 *
 * Little-endian. Positions count records from 1 through all segments. A crc is CRC-32C of what
 * stands before it in its head, a record's of its payload. A group is what one fsync made durable:
 * only the last group of a segment can be torn, and then it is cut off whole.
 */

const SEGMENT_MAGIC = 'SNTJRNL1';
const GROUP_MAGIC = 0x31505247;
const FORMAT_VERSION = 4;

/** Size of a segment's header. */
export const SEGMENT_HEADER_BYTES = 40;
/** Size of a group's head. */
export const GROUP_HEADER_BYTES = 24;
/** Size of a record's head. */
export const RECORD_HEADER_BYTES = 8;

/** What a segment says of itself. */
export interface SegmentHeader {
  readonly journalId: string;
  readonly firstPosition: number;
}

/** Encodes a segment's header. */
export function encodeSegmentHeader({ journalId, firstPosition }: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  bytes.write(SEGMENT_MAGIC, 0, 'latin1');
  bytes.writeUInt32LE(FORMAT_VERSION, 8);
  bytes.write(journalId.replaceAll('-', ''), 12, 'hex');
  bytes.writeDoubleLE(firstPosition, 28);
  bytes.writeUInt32LE(crc32c(bytes, 0, 36), 36);
  return bytes;
}

/**
 * Decodes a segment's header; undefined where it is torn or none.
 *
 * @throws AppError `journal_corrupt` for a segment that another version wrote.
 */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES || bytes.toString('latin1', 0, 8) !== SEGMENT_MAGIC) return undefined;
  if (bytes.readUInt32LE(36) !== crc32c(bytes, 0, 36)) return undefined;
  const format = bytes.readUInt32LE(8);
  if (format !== FORMAT_VERSION) throw otherFormat(format);
  const hex = bytes.toString('hex', 12, 28);
  const journalId = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  return { journalId, firstPosition: bytes.readDoubleLE(28) };
}

function otherFormat(format: number): AppError {
  return new AppError(
    'journal_corrupt',
    `the journal is of format ${format}, this version reads ${FORMAT_VERSION}: stop the version that wrote it with SIGTERM, so that the lake has all of it, run its bronze-to-silver, and move the journal's folder away`,
    { format },
  );
}

/** The name of the segment that begins at a position. */
export function segmentName(firstPosition: number): string {
  return `${String(firstPosition).padStart(16, '0')}.journal`;
}

/** The first position that a segment's name gives; undefined for another file. */
export function positionOfSegmentName(name: string): number | undefined {
  return /^\d{16}\.journal$/.test(name) ? Number(name.slice(0, 16)) : undefined;
}

/** Encodes a group of payloads into one buffer. */
export function encodeGroup(firstPosition: number, payloads: readonly Uint8Array[]): Buffer {
  let recordBytes = payloads.length * RECORD_HEADER_BYTES;
  for (const payload of payloads) recordBytes += payload.length;
  const bytes = Buffer.allocUnsafe(GROUP_HEADER_BYTES + recordBytes);
  bytes.writeUInt32LE(GROUP_MAGIC, 0);
  bytes.writeUInt32LE(recordBytes, 4);
  bytes.writeUInt32LE(payloads.length, 8);
  bytes.writeDoubleLE(firstPosition, 12);
  bytes.writeUInt32LE(crc32c(bytes, 0, 20), 20);
  let at = GROUP_HEADER_BYTES;
  for (const payload of payloads) {
    bytes.writeUInt32LE(payload.length, at);
    bytes.set(payload, at + RECORD_HEADER_BYTES);
    bytes.writeUInt32LE(crc32c(bytes, at + RECORD_HEADER_BYTES, at + RECORD_HEADER_BYTES + payload.length), at + 4);
    at += RECORD_HEADER_BYTES + payload.length;
  }
  assert(at === bytes.length, 'a group has the size that its head says');
  return bytes;
}

/** One record of a decoded group. */
export interface GroupRecord {
  readonly position: number;
  /** Where the record's head begins, from the start of the decoded buffer. */
  readonly offset: number;
  readonly payload: Buffer;
}

/** What stands at an offset: a whole group, less than one, or what cannot be one. */
export type GroupAt =
  | {
      readonly kind: 'group';
      readonly records: readonly GroupRecord[];
      readonly endOffset: number;
      readonly lastPosition: number;
    }
  | { readonly kind: 'short'; readonly neededBytes: number }
  | { readonly kind: 'bad' };

/** Decodes the group at an offset of a buffer; payloads are views into it. */
export function decodeGroup(bytes: Buffer, offset: number): GroupAt {
  if (bytes.length - offset < GROUP_HEADER_BYTES) return { kind: 'short', neededBytes: GROUP_HEADER_BYTES };
  if (bytes.readUInt32LE(offset) !== GROUP_MAGIC) return { kind: 'bad' };
  if (bytes.readUInt32LE(offset + 20) !== crc32c(bytes, offset, offset + 20)) return { kind: 'bad' };
  const recordBytes = bytes.readUInt32LE(offset + 4);
  const count = bytes.readUInt32LE(offset + 8);
  const first = bytes.readDoubleLE(offset + 12);
  if (recordBytes > LIMITS.journalGroupBytes + LIMITS.journalRecordBytes * 2) return { kind: 'bad' };
  const endOffset = offset + GROUP_HEADER_BYTES + recordBytes;
  if (bytes.length < endOffset) return { kind: 'short', neededBytes: GROUP_HEADER_BYTES + recordBytes };
  const records: GroupRecord[] = [];
  let at = offset + GROUP_HEADER_BYTES;
  for (let index = 0; index < count; index += 1) {
    if (at + RECORD_HEADER_BYTES > endOffset) return { kind: 'bad' };
    const end = at + RECORD_HEADER_BYTES + bytes.readUInt32LE(at);
    if (end > endOffset || bytes.readUInt32LE(at + 4) !== crc32c(bytes, at + RECORD_HEADER_BYTES, end))
      return { kind: 'bad' };
    records.push({ position: first + index, offset: at, payload: bytes.subarray(at + RECORD_HEADER_BYTES, end) });
    at = end;
  }
  return at === endOffset ? { kind: 'group', records, endOffset, lastPosition: first + count - 1 } : { kind: 'bad' };
}

/** Whether a whole, sound group begins anywhere at or after an offset: then what is bad before it is not a torn end. */
export function hasGroupAfter(bytes: Buffer, offset: number): boolean {
  const magic = Buffer.alloc(4);
  magic.writeUInt32LE(GROUP_MAGIC, 0);
  for (let at = bytes.indexOf(magic, offset); at !== -1; at = bytes.indexOf(magic, at + 1)) {
    if (decodeGroup(bytes, at).kind === 'group') return true;
  }
  return false;
}
