import { LIMITS } from '../../base/limits.ts';
import type { ReplayMemory } from '../replay/replay-memory.ts';
import { type ChunkLayout, chunkLayout } from './spill-chunk.ts';
import type { SpillHandle } from './spill-place.ts';

/** Where the values of one kind of entity are put, in chunks by piece of reads: what threads share while they write. */
export interface KindSpill {
  readonly room: SpillHandle;
  readonly layout: ChunkLayout;
  /** Reads of a piece; the last one may have fewer. */
  readonly pieceReads: number;
  readonly pieces: number;
  /** Where the first chunk lies; the others follow it. */
  readonly offset: number;
  /** How many chunks were taken, changed by atomic addition alone. */
  readonly taken: Int32Array;
  /** By chunk: its piece, and how many of its records count. */
  readonly pieceOf: Int32Array;
  readonly counts: Int32Array;
}

/** How reads are cut, and by how many threads their values are written. */
export interface SpillCut {
  readonly reads: number;
  readonly pieceReads: number;
  readonly threads: number;
}

/** The chunks of a kind: of what form, and how many there may be. */
export interface KindChunks {
  readonly layout: ChunkLayout;
  readonly most: number;
}

/**
 * Chunks for values of so many outputs. Each thread has one chunk of each piece in memory, so chunks are smaller the
 * more pieces there are; and may leave each of those half full in the end.
 */
export function kindChunks(width: number, { reads, pieceReads, threads }: SpillCut): KindChunks {
  const pieces = Math.ceil(reads / pieceReads);
  const layout = chunkLayout(width, Math.min(LIMITS.spillChunkBytes, Math.floor(LIMITS.spillBufferBytes / pieces)));
  return { layout, most: Math.ceil(reads / layout.records) + pieces * threads };
}

/** @param offset where the first of the chunks is to lie. */
export function kindSpill(
  room: SpillHandle,
  offset: number,
  { layout, most }: KindChunks,
  { reads, pieceReads }: SpillCut,
  memory: ReplayMemory,
): KindSpill {
  return {
    room,
    layout,
    pieceReads,
    pieces: Math.ceil(reads / pieceReads),
    offset,
    taken: memory.integers(1),
    pieceOf: memory.integers(most),
    counts: memory.integers(most),
  };
}
