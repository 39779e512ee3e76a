import type { TextCodes } from '../../base/coded-texts.ts';
import type { EntityKind } from '../../domain/entity-keys.ts';
import { HistoryBlock, historyWidth, placesOfKinds } from '../engine/history-block.ts';
import type { FeatureSet } from '../feature-set.ts';
import type { SpillRoom } from '../spill/spill-place.ts';
import type { SpillReader } from '../spill/spill-reader.ts';
import { AbsenceMarker } from './replay-absence.ts';
import type { ReadSequence } from './replay-input.ts';
import type { ReplayPiece } from './replay-piece.ts';

/** A piece of reads that was computed. */
export type ComputedPiece = Pick<ReplayPiece, 'rows' | 'values' | 'status'>;

/** What is left of a replay when all was computed: nothing of what was recorded, so that memory for it can go. */
export interface SpilledParts {
  readonly reads: ReadSequence;
  /** Row of the payment of each read. */
  readonly rows: Int32Array;
  /** Reads of a piece; the last one may have fewer. */
  readonly pieceReads: number;
  /** Entity of each payment by kind; −1 where it has none. */
  readonly entities: Readonly<Record<EntityKind, TextCodes>>;
  /** By the kinds that were computed. */
  readonly readers: ReadonlyMap<EntityKind, SpillReader>;
  readonly room: SpillRoom;
}

/** Values that were computed and spilled; they come back piece by piece. */
export class SpilledValues {
  readonly #set: FeatureSet;
  readonly #parts: SpilledParts;
  readonly #places: Readonly<Record<EntityKind, number>>;
  readonly #absence: AbsenceMarker;
  readonly #values: Float64Array;
  readonly #status: Uint8Array;
  readonly pieces: number;

  constructor(set: FeatureSet, parts: SpilledParts) {
    this.#set = set;
    this.#parts = parts;
    this.#places = placesOfKinds(set);
    this.#absence = new AbsenceMarker(set);
    const numbers = parts.pieceReads * historyWidth(set);
    this.#values = new Float64Array(numbers);
    this.#status = new Uint8Array(numbers);
    this.pieces = Math.ceil(parts.rows.length / parts.pieceReads);
  }

  /** The values of a piece; gone when the next one is asked for. @throws AppError as {@link SpillRoom.read}. */
  piece(piece: number): ComputedPiece {
    const { reads, pieceReads, entities, readers } = this.#parts;
    const from = piece * pieceReads;
    const to = Math.min(this.#parts.rows.length, from + pieceReads);
    const rows = this.#parts.rows.subarray(from, to);
    const block = new HistoryBlock(this.#set, this.#values, this.#status);
    for (const [kind, reader] of readers) {
      this.#absence.markAll(kind, rows, reads.saw(kind, from, to), entities[kind], block);
      reader.load(piece, block, this.#places[kind]);
    }
    return { rows, values: this.#values, status: this.#status };
  }

  /** Gives the room back. */
  close(): void {
    this.#parts.room.close();
  }
}
