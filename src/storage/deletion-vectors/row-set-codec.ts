import { ByteReader } from './byte-reader.ts';
import { CHUNK_SIZE } from './container.ts';
import { compact } from './container-algebra.ts';
import { corruptVector } from './corrupt-vector.ts';
import { readRoaringBitmap, roaringBitmapBytes, writeRoaringBitmap } from './roaring-bitmap.ts';
import { type Chunk, RowSet } from './row-set.ts';
import { VECTOR_LIMITS } from './vector-limits.ts';

/*
 * A set of rows as bytes (PROTOCOL.md, "Deletion Vector Format"), little-endian:
 *
 *   portable = uint32 1681511377, uint64 count, (uint32 key, bitmap)*     by ascending key
 *   native   = uint32 1681511376, uint32 count, (uint32 size, bitmap)*    the n-th has key n
 *
 * A bitmap holds the lower 32 bits of the rows whose upper 32 are its key. The specification has
 * the portable form alone; Delta Spark reads the native one too, which its first releases wrote.
 */

const PORTABLE_MAGIC = 1_681_511_377;
const NATIVE_MAGIC = 1_681_511_376;

/** Chunks of one bitmap: 32 bits less 16. */
const CHUNKS_PER_BITMAP = 65_536;

/** Keys of bitmaps whose rows are safe integers. */
const KEYS = 2 ** 21;

/** The bytes of a set, in the portable form; equal sets have equal bytes. */
export function encodeRowSet(set: RowSet): Uint8Array {
  const bitmaps: { key: number; chunks: Chunk[] }[] = [];
  for (const { key, container } of set.chunks) {
    const bitmapKey = Math.floor(key / CHUNKS_PER_BITMAP);
    if (bitmaps.at(-1)?.key !== bitmapKey) bitmaps.push({ key: bitmapKey, chunks: [] });
    bitmaps.at(-1)?.chunks.push({ key, container: compact(container) });
  }
  const bytes = new Uint8Array(12 + bitmaps.reduce((sum, { chunks }) => sum + 4 + roaringBitmapBytes(chunks), 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, PORTABLE_MAGIC, true);
  view.setUint32(4, bitmaps.length, true);
  let at = 12;
  for (const { key, chunks } of bitmaps) {
    view.setUint32(at, key, true);
    at = writeRoaringBitmap(chunks, view, at + 4);
  }
  return bytes;
}

/**
 * The set of which bytes are either form. What it allocates is bounded by the bytes, whatever
 * counts they claim; a set of runs may still hold 10,000 times as many rows.
 *
 * @throws AppError table_corrupt.
 */
export function decodeRowSet(bytes: Uint8Array): RowSet {
  const reader = new ByteReader(bytes);
  const magic = reader.uint32();
  if (magic !== PORTABLE_MAGIC && magic !== NATIVE_MAGIC) throw corruptVector(`it starts with ${magic}`);
  const chunks = magic === PORTABLE_MAGIC ? readPortable(reader) : readNative(reader);
  if (reader.left > 0) throw corruptVector(`${reader.left} bytes follow its end`);
  return new RowSet(chunks);
}

function readPortable(reader: ByteReader): Chunk[] {
  const count = reader.uint64();
  const chunks: Chunk[] = [];
  let previous = -1;
  for (let index = 0; index < count; index += 1) {
    const key = reader.uint32();
    if (key <= previous) throw corruptVector(`key ${key} of a bitmap comes after ${previous}`);
    previous = key;
    readBitmap(reader, key, chunks);
  }
  return chunks;
}

function readNative(reader: ByteReader): Chunk[] {
  const count = reader.uint32();
  const chunks: Chunk[] = [];
  for (let key = 0; key < count; key += 1) {
    const end = reader.uint32() + reader.at;
    readBitmap(reader, key, chunks);
    if (reader.at !== end) throw corruptVector(`bitmap ${key} ends at ${reader.at}, not at ${end}`);
  }
  return chunks;
}

function readBitmap(reader: ByteReader, key: number, chunks: Chunk[]): void {
  for (const chunk of readRoaringBitmap(reader, key * CHUNKS_PER_BITMAP)) {
    if (key >= KEYS) {
      throw corruptVector(
        `it holds rows from ${key * CHUNKS_PER_BITMAP * CHUNK_SIZE} on, beyond ${VECTOR_LIMITS.rowIndexes}`,
      );
    }
    chunks.push(chunk);
  }
}
