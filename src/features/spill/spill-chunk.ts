/**
 * How values of one kind of entity lie in a chunk, little-endian as memory has them:
 *
 *     chunk  = values reads status padding
 *     values = records × width doubles, a record after another
 *     reads  = records × int32: the number of each record's read
 *     status = records × width bytes
 *
 * A chunk is always written whole; how many of its records count is known beside it.
 */
export interface ChunkLayout {
  /** Values of a record. */
  readonly width: number;
  readonly records: number;
  /** A multiple of 8. */
  readonly sizeBytes: number;
}

/** The layout of chunks that are not larger than so many bytes, or hold one record. */
export function chunkLayout(width: number, mostBytes: number): ChunkLayout {
  const recordBytes = 9 * width + Int32Array.BYTES_PER_ELEMENT;
  const records = Math.max(1, Math.floor(mostBytes / recordBytes));
  return { width, records, sizeBytes: Math.ceil((records * recordBytes) / 8) * 8 };
}

/** A chunk in memory. */
export class SpillChunk {
  readonly bytes: Uint8Array;
  readonly values: Float64Array;
  readonly reads: Int32Array;
  readonly status: Uint8Array;
  /** Records that count. */
  count = 0;

  constructor({ width, records, sizeBytes }: ChunkLayout) {
    const buffer = new ArrayBuffer(sizeBytes);
    this.bytes = new Uint8Array(buffer);
    this.values = new Float64Array(buffer, 0, records * width);
    this.reads = new Int32Array(buffer, this.values.byteLength, records);
    this.status = new Uint8Array(buffer, this.values.byteLength + this.reads.byteLength, records * width);
  }
}
