import { crc32 } from 'node:zlib';
import { assert } from '../../base/assert.ts';
import { corruptVector } from './corrupt-vector.ts';
import type { RowSet } from './row-set.ts';
import { encodeRowSet } from './row-set-codec.ts';
import { VECTOR_LIMITS } from './vector-limits.ts';

/*
 * A file of deletion vectors (PROTOCOL.md, "Deletion Vector File Storage Format"), big-endian:
 *
 *   file   = uint8 1, vector*
 *   vector = int32 size, size bytes, uint32 CRC-32 of these bytes
 *
 * A vector's `offset` in the log is where its size stands.
 */

const FORMAT_VERSION = 1;

/** Bytes around a vector: its size and its checksum. */
export const VECTOR_FRAME_BYTES = 8;

/** Where a vector lies in its file. */
export interface PlacedVector {
  readonly offset: number;
  readonly sizeInBytes: number;
  readonly cardinality: number;
}

/** A file and, in the order that they were given, where its vectors lie. */
export interface DeletionVectorFile {
  readonly bytes: Uint8Array;
  readonly vectors: readonly PlacedVector[];
}

/** A file of vectors, which are 2 GiB together at most. */
export function encodeDeletionVectorFile(sets: readonly RowSet[]): DeletionVectorFile {
  const encoded = sets.map((set) => encodeRowSet(set));
  const sizeBytes = encoded.reduce((sum, { length }) => sum + length + VECTOR_FRAME_BYTES, 1);
  assert(sizeBytes <= VECTOR_LIMITS.fileBytes, `a file of deletion vectors has no ${sizeBytes} bytes`);
  const bytes = Buffer.alloc(sizeBytes);
  bytes.writeUInt8(FORMAT_VERSION, 0);
  let at = 1;
  const vectors = encoded.map((data, index): PlacedVector => {
    const offset = at;
    bytes.writeInt32BE(data.length, at);
    bytes.set(data, at + 4);
    bytes.writeUInt32BE(crc32(data), at + 4 + data.length);
    at += data.length + VECTOR_FRAME_BYTES;
    return { offset, sizeInBytes: data.length, cardinality: sets[index]?.cardinality ?? 0 };
  });
  return { bytes, vectors };
}

/**
 * The data of a vector.
 *
 * @param framed its bytes with the size before and the checksum after them.
 * @throws AppError table_corrupt where the size is not `sizeInBytes` or the checksum is wrong.
 */
export function unframeVector(framed: Uint8Array, sizeInBytes: number): Uint8Array {
  if (framed.length !== sizeInBytes + VECTOR_FRAME_BYTES) throw corruptVector('its file ends before it does');
  const view = new DataView(framed.buffer, framed.byteOffset, framed.byteLength);
  const size = view.getInt32(0);
  if (size !== sizeInBytes) throw corruptVector(`its file says ${size} bytes and the log ${sizeInBytes}`);
  const data = framed.subarray(4, 4 + sizeInBytes);
  const expected = view.getUint32(4 + sizeInBytes);
  const actual = crc32(data);
  if (actual !== expected) throw corruptVector(`its CRC-32 is ${actual} and should be ${expected}`);
  return data;
}

/** @throws AppError table_corrupt for a file of another format. */
export function checkFormatVersion(version: number | undefined): void {
  if (version !== FORMAT_VERSION) {
    throw corruptVector(`its file is of format ${version}, and ${FORMAT_VERSION} is the one that there is`);
  }
}
