import type { FeatureOutput } from '../feature-output.ts';
import type { KindSpill } from './kind-spill.ts';
import { SpillChunk } from './spill-chunk.ts';
import type { SpillRoom } from './spill-place.ts';

/** Writes the values of one kind of entity on one thread, in any order of reads. */
export class SpillWriter {
  readonly #spill: KindSpill;
  readonly #outputs: Int32Array;
  readonly #room: SpillRoom;
  /** The chunk of each piece that is being filled; made when it is first needed, and used again. */
  readonly #chunks: (SpillChunk | null)[];

  /** @param outputs of the kind, in the order in which a record has them. */
  constructor(spill: KindSpill, outputs: Int32Array, room: SpillRoom) {
    this.#spill = spill;
    this.#outputs = outputs;
    this.#room = room;
    this.#chunks = Array.from({ length: spill.pieces }, () => null);
  }

  /** Takes the values of a read. @throws AppError as {@link SpillRoom.write}. */
  store(read: number, out: FeatureOutput): void {
    const { pieceReads, layout } = this.#spill;
    const piece = Math.floor(read / pieceReads);
    const chunk = this.#chunkOf(piece);
    const base = chunk.count * layout.width;
    for (let at = 0; at < layout.width; at += 1) {
      const output = this.#outputs[at] as number;
      chunk.values[base + at] = out.values[output] as number;
      chunk.status[base + at] = out.status[output] as number;
    }
    chunk.reads[chunk.count] = read;
    chunk.count += 1;
    if (chunk.count === layout.records) this.#write(piece, chunk);
  }

  /** Writes what is left in memory. @throws AppError as {@link SpillRoom.write}. */
  flush(): void {
    for (const [piece, chunk] of this.#chunks.entries())
      if (chunk !== null && chunk.count > 0) this.#write(piece, chunk);
  }

  #chunkOf(piece: number): SpillChunk {
    const known = this.#chunks[piece];
    if (known !== null && known !== undefined) return known;
    const made = new SpillChunk(this.#spill.layout);
    this.#chunks[piece] = made;
    return made;
  }

  #write(piece: number, chunk: SpillChunk): void {
    const { taken, pieceOf, counts, offset, layout } = this.#spill;
    const place = Atomics.add(taken, 0, 1);
    this.#room.write(chunk.bytes, offset + place * layout.sizeBytes);
    pieceOf[place] = piece;
    counts[place] = chunk.count;
    chunk.count = 0;
  }
}
