import type { HistoryBlock } from '../engine/history-block.ts';
import type { KindSpill } from './kind-spill.ts';
import { SpillChunk } from './spill-chunk.ts';
import type { SpillRoom } from './spill-place.ts';

/** Reads values of one kind of entity back, piece by piece, once all are written. */
export class SpillReader {
  readonly #spill: KindSpill;
  readonly #room: SpillRoom;
  /** Chunks of piece p are `#chunks` from `#start[p]` to below `#start[p + 1]`. */
  readonly #chunks: Int32Array;
  readonly #start: Int32Array;
  readonly #chunk: SpillChunk;

  constructor(spill: KindSpill, room: SpillRoom) {
    this.#spill = spill;
    this.#room = room;
    this.#chunk = new SpillChunk(spill.layout);
    const count = spill.taken[0] as number;
    this.#start = new Int32Array(spill.pieces + 1);
    this.#chunks = new Int32Array(count);
    const pieceOf = spill.pieceOf.subarray(0, count);
    for (const piece of pieceOf) this.#start[piece + 1] = (this.#start[piece + 1] as number) + 1;
    for (let at = 0; at < spill.pieces; at += 1)
      this.#start[at + 1] = (this.#start[at + 1] as number) + (this.#start[at] as number);
    const next = Int32Array.from(this.#start);
    for (const [chunk, piece] of pieceOf.entries()) {
      this.#chunks[next[piece] as number] = chunk;
      next[piece] = (next[piece] as number) + 1;
    }
  }

  /**
   * Puts the values of a piece into a block. @param place of the kind's first output in it.
   *
   * @throws AppError as {@link SpillRoom.read}.
   */
  load(piece: number, block: HistoryBlock, place: number): void {
    const { offset, layout, counts, pieceReads } = this.#spill;
    const { bytes, reads, values, status } = this.#chunk;
    const end = this.#start[piece + 1] as number;
    for (let at = this.#start[piece] as number; at < end; at += 1) {
      const chunk = this.#chunks[at] as number;
      this.#room.read(bytes, offset + chunk * layout.sizeBytes);
      for (let record = 0; record < (counts[chunk] as number); record += 1) {
        const read = (reads[record] as number) - piece * pieceReads;
        block.put(read, place, values, status, record * layout.width, layout.width);
      }
    }
  }
}
