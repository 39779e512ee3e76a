import type { ByteReader } from './byte-reader.ts';
import { ARRAY_LIMIT, BITMAP_WORDS, CHUNK_SIZE, type Container, cardinalityOf } from './container.ts';
import { bitsOf } from './container-algebra.ts';
import { corruptVector } from './corrupt-vector.ts';
import type { Chunk } from './row-set.ts';

/*
 * The 32-bit roaring bitmap (github.com/RoaringBitmap/RoaringFormatSpec), little-endian:
 *
 *   bitmap     = header descriptions [offsets] containers
 *   header     = uint32 12346, uint32 count                      no container is of runs
 *              | uint16 12347, uint16 count − 1, isRun           isRun: a bit a container, in whole bytes
 *   description= uint16 key, uint16 cardinality − 1
 *   offsets    = uint32 a container, from the header's start     unless isRun is there and count < 4
 *   container  = runs:   uint16 count, (uint16 first, uint16 length − 1)*
 *              | array:  uint16*                                 of a cardinality up to 4,096
 *              | bitmap: 1,024 uint64                            above
 *
 * Containers follow one another, so that their offsets say nothing new; as Java's reader does, ours
 * passes over them.
 */

const PLAIN_COOKIE = 12_346;
const RUN_COOKIE = 12_347;

/** With fewer containers, one of which is of runs, there are no offsets. */
const OFFSETS_FROM = 4;

/** How many containers there can be: keys have 16 bits. */
const CONTAINERS = 65_536;

/**
 * Reads one bitmap.
 *
 * @param keyBase what is added to each key: the bitmap's own key · 65,536.
 * @throws AppError table_corrupt.
 */
export function readRoaringBitmap(reader: ByteReader, keyBase: number): Chunk[] {
  const { count, isRun } = readHeader(reader);
  const descriptions = reader.uint16s(2 * count);
  if (isRun === undefined || count >= OFFSETS_FROM) reader.bytes(4 * count);
  const chunks: Chunk[] = [];
  let previous = -1;
  for (let at = 0; at < count; at += 1) {
    const key = descriptions[2 * at] ?? 0;
    if (key <= previous) throw corruptVector(`key ${key} of a container comes after ${previous}`);
    previous = key;
    const cardinality = (descriptions[2 * at + 1] ?? 0) + 1;
    const ofRuns = isRun !== undefined && ((isRun[at >>> 3] ?? 0) & (1 << (at & 7))) !== 0;
    chunks.push({ key: keyBase + key, container: readContainer(reader, cardinality, ofRuns) });
  }
  return chunks;
}

function readHeader(reader: ByteReader): { count: number; isRun: Uint8Array | undefined } {
  const cookie = reader.uint32();
  if ((cookie & 0xffff) === RUN_COOKIE) {
    const count = (cookie >>> 16) + 1;
    return { count, isRun: reader.bytes(Math.ceil(count / 8)) };
  }
  if (cookie !== PLAIN_COOKIE) throw corruptVector(`${cookie} starts no roaring bitmap`);
  const count = reader.uint32();
  if (count > CONTAINERS) throw corruptVector(`a roaring bitmap has at most ${CONTAINERS} containers, not ${count}`);
  return { count, isRun: undefined };
}

function readContainer(reader: ByteReader, cardinality: number, ofRuns: boolean): Container {
  if (ofRuns) return readRuns(reader, cardinality);
  if (cardinality <= ARRAY_LIMIT) {
    const values = reader.uint16s(cardinality);
    for (let at = 1; at < cardinality; at += 1) {
      if ((values[at] ?? 0) <= (values[at - 1] ?? 0)) throw corruptVector('the rows of a container are out of order');
    }
    return { kind: 'array', values };
  }
  const words = reader.uint32s(BITMAP_WORDS);
  let found = 0;
  for (let at = 0; at < BITMAP_WORDS; at += 1) found += bitsOf(words[at] ?? 0);
  if (found !== cardinality) throw corruptVector(`a container holds ${found} rows and says ${cardinality}`);
  return { kind: 'bitmap', words, cardinality };
}

function readRuns(reader: ByteReader, cardinality: number): Container {
  const runs = reader.uint16s(2 * reader.uint16());
  let found = 0;
  let end = 0;
  for (let at = 0; at < runs.length; at += 2) {
    const first = runs[at] ?? 0;
    if (first < end) throw corruptVector('the runs of a container are out of order');
    end = first + (runs[at + 1] ?? 0) + 1;
    found += end - first;
  }
  if (end > CHUNK_SIZE) throw corruptVector('a run of a container is too long');
  if (found !== cardinality) throw corruptVector(`a container holds ${found} rows and says ${cardinality}`);
  return { kind: 'run', runs, cardinality };
}

/** How many bytes {@link writeRoaringBitmap} writes. */
export function roaringBitmapBytes(chunks: readonly Chunk[]): number {
  return headerBytes(chunks) + chunks.reduce((sum, { container }) => sum + containerBytes(container), 0);
}

/**
 * Writes chunks, whose keys' lowest 16 bits become the containers' keys, at `from`.
 *
 * @returns where the bitmap ends.
 */
export function writeRoaringBitmap(chunks: readonly Chunk[], view: DataView, from: number): number {
  let at = from;
  if (hasRuns(chunks)) {
    view.setUint32(at, RUN_COOKIE | ((chunks.length - 1) << 16), true);
    at += 4;
    for (const [index, { container }] of chunks.entries()) {
      if (container.kind === 'run')
        view.setUint8(at + (index >>> 3), view.getUint8(at + (index >>> 3)) | (1 << (index & 7)));
    }
    at += Math.ceil(chunks.length / 8);
  } else {
    view.setUint32(at, PLAIN_COOKIE, true);
    view.setUint32(at + 4, chunks.length, true);
    at += 8;
  }
  for (const { key, container } of chunks) {
    view.setUint16(at, key % CONTAINERS, true);
    view.setUint16(at + 2, cardinalityOf(container) - 1, true);
    at += 4;
  }
  if (hasOffsets(chunks)) {
    let offset = headerBytes(chunks);
    for (const { container } of chunks) {
      view.setUint32(at, offset, true);
      offset += containerBytes(container);
      at += 4;
    }
  }
  for (const { container } of chunks) at = writeContainer(container, view, at);
  return at;
}

function writeContainer(container: Container, view: DataView, from: number): number {
  let at = from;
  if (container.kind === 'bitmap') {
    for (const word of container.words) {
      view.setUint32(at, word, true);
      at += 4;
    }
    return at;
  }
  const values = container.kind === 'array' ? container.values : container.runs;
  if (container.kind === 'run') {
    view.setUint16(at, values.length / 2, true);
    at += 2;
  }
  for (const value of values) {
    view.setUint16(at, value, true);
    at += 2;
  }
  return at;
}

function containerBytes(container: Container): number {
  switch (container.kind) {
    case 'array':
      return 2 * container.values.length;
    case 'bitmap':
      return 4 * BITMAP_WORDS;
    case 'run':
      return 2 + 2 * container.runs.length;
  }
}

function headerBytes(chunks: readonly Chunk[]): number {
  const start = hasRuns(chunks) ? 4 + Math.ceil(chunks.length / 8) : 8;
  return start + 4 * chunks.length + (hasOffsets(chunks) ? 4 * chunks.length : 0);
}

function hasRuns(chunks: readonly Chunk[]): boolean {
  return chunks.some(({ container }) => container.kind === 'run');
}

function hasOffsets(chunks: readonly Chunk[]): boolean {
  return !hasRuns(chunks) || chunks.length >= OFFSETS_FROM;
}
