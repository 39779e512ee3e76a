import { assert } from '../base/assert.ts';
import type { FeatureOutput } from '../features/feature-output.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import type { SpillPlace, SpillRoom } from '../features/spill/spill-place.ts';
import type { ColumnRead } from '../governance/lake-columns.ts';
import { readColumnChunks } from '../storage/scan/column-read.ts';
import type { ColumnData } from '../storage/types/column-data.ts';
import { servedVectors, VECTOR_COLUMNS } from './served-vectors.ts';

/** Decisions of a chunk that is read: 11 MB with the shipped set. */
const CHUNK_ROWS = 8192;
/** Vectors of a block, which is written and read as a whole: 97 KB with the shipped set. */
const BLOCK_VECTORS = 64;
/** Vectors of the first room; each room has as many as all before it. */
const FIRST_ROOM = 8192;
/** Blocks in memory: 25 MB with the shipped set. Rows are asked for nearly in the order of the decisions. */
const BLOCKS_KEPT = 256;

const everyDecision: ColumnRead = (snapshot, columns) => readColumnChunks(snapshot, { columns, chunkRows: CHUNK_ROWS });

/**
 * Vectors as decisions hold them, beside memory: with the shipped set a million of them are 1.5 GB. They are kept while
 * the other columns of the decisions are read, and come back by the decision's row.
 */
export class ServedSpill {
  readonly #count: number;
  readonly #place: SpillPlace;
  /** Doubles of a vector: its values, then its statuses, a byte each. */
  readonly #stride: number;
  readonly #rooms: SpillRoom[] = [];
  #written = 0;
  /** The last block, as far as it is filled. */
  readonly #last: Float64Array;
  /** Blocks by their number, the one that was used last behind all others. */
  readonly #kept = new Map<number, Float64Array>();
  readonly #out: FeatureOutput;

  /** @param place of the vectors. */
  constructor({ names }: FeatureSet, place: SpillPlace) {
    this.#count = names.length;
    this.#place = place;
    this.#stride = names.length + Math.ceil(names.length / 8);
    this.#last = new Float64Array(BLOCK_VECTORS * this.#stride);
    this.#out = { values: new Float64Array(this.#count), status: new Uint8Array(this.#count) };
  }

  /**
   * A read of decisions that keeps the vector of each row here. It is to be used once.
   *
   * @param read which rows; all unless told.
   */
  reading(read: ColumnRead = everyDecision): ColumnRead {
    const keep = this.#keep.bind(this);
    return async function* (snapshot, names) {
      const vectors = names.length;
      for await (const { rowCount, columns } of read(snapshot, [...names, ...VECTOR_COLUMNS])) {
        keep(columns.slice(vectors), rowCount);
        yield { rowCount, columns: columns.slice(0, vectors) };
      }
    };
  }

  /** The vector of a decision, by its row; the object is the same for every call. @throws AppError `storage_failed`. */
  vector(decision: number): FeatureOutput {
    const block = this.#blockOf(Math.floor(decision / BLOCK_VECTORS));
    const start = (decision % BLOCK_VECTORS) * this.#stride;
    const { values, status } = this.#out;
    for (let at = 0; at < values.length; at += 1) values[at] = block[start + at] as number;
    status.set(new Uint8Array(block.buffer, (start + this.#count) * 8, this.#count));
    return this.#out;
  }

  /** Gives the rooms back. */
  close(): void {
    for (const room of this.#rooms.splice(0)) room.close();
  }

  #keep(columns: readonly ColumnData[], rowCount: number): void {
    const data = (name: string): ColumnData => columns[VECTOR_COLUMNS.indexOf(name)] as ColumnData;
    const vectorAt = servedVectors({ data }, this.#count);
    const statuses = new Uint8Array(this.#last.buffer);
    for (let row = 0; row < rowCount; row += 1) {
      const { values, status } = vectorAt(row);
      const start = (this.#written % BLOCK_VECTORS) * this.#stride;
      this.#last.set(values, start);
      statuses.set(status, (start + this.#count) * 8);
      this.#written += 1;
      if (this.#written % BLOCK_VECTORS === 0) this.#write(this.#written / BLOCK_VECTORS - 1);
    }
  }

  #write(number: number): void {
    const { room, index, offset } = this.#roomOf(number);
    // A place may hand out memory: it is taken as it is needed, twice as much each time.
    if (this.#rooms.length === index) this.#rooms.push(this.#place.open(room * this.#stride * 8));
    this.#rooms[index]?.write(new Uint8Array(this.#last.buffer), offset);
  }

  #blockOf(number: number): Float64Array {
    if (number === Math.floor(this.#written / BLOCK_VECTORS)) return this.#last;
    let block = this.#kept.get(number);
    this.#kept.delete(number);
    if (block === undefined) {
      block = this.#freeBlock();
      const { index, offset } = this.#roomOf(number);
      const room = this.#rooms[index];
      assert(room !== undefined, 'a decision that was read has a vector');
      room.read(new Uint8Array(block.buffer), offset);
    }
    this.#kept.set(number, block);
    return block;
  }

  /** The block that was not used for longest, where there are enough. */
  #freeBlock(): Float64Array {
    const [oldest] = this.#kept;
    if (oldest === undefined || this.#kept.size < BLOCKS_KEPT) return new Float64Array(this.#last.length);
    this.#kept.delete(oldest[0]);
    return oldest[1];
  }

  /** Where a block lies: vectors of its room, the room's index, and bytes before the block in it. */
  #roomOf(block: number): { readonly room: number; readonly index: number; readonly offset: number } {
    const vector = block * BLOCK_VECTORS;
    const index = vector < FIRST_ROOM ? 0 : Math.floor(Math.log2(vector / FIRST_ROOM)) + 1;
    const first = index === 0 ? 0 : FIRST_ROOM * 2 ** (index - 1);
    return { room: Math.max(FIRST_ROOM, first), index, offset: (vector - first) * this.#stride * 8 };
  }
}
