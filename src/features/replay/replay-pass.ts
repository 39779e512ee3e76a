import { byKind, ENTITY_KINDS, type EntityKind } from '../../domain/entity-keys.ts';
import { HistoryBlock, historyWidth, outputsOfKind, placesOfKinds } from '../engine/history-block.ts';
import type { FeatureSet } from '../feature-set.ts';
import { type KindChunks, kindChunks, kindSpill, type SpillCut } from '../spill/kind-spill.ts';
import type { SpillPlace, SpillRoom } from '../spill/spill-place.ts';
import { SpillReader } from '../spill/spill-reader.ts';
import { AbsenceMarker } from './replay-absence.ts';
import type { PreparedColumns } from './replay-columns.ts';
import type { ReadSequence } from './replay-input.ts';
import { type ReplayMemory, ReusedMemory } from './replay-memory.ts';
import type { ReplayPiece } from './replay-piece.ts';
import { groupReads } from './replay-reads.ts';
import { tasksOfKind } from './replay-tasks.ts';

/** A piece of reads that was computed. */
export type ComputedPiece = Pick<ReplayPiece, 'rows' | 'values' | 'status'>;

/**
 * A replay of more reads than memory has room for: kind of entity after kind of entity, each in one pass over all
 * reads, so that an event is fed once for each of its entities however many reads there are. Values go to a room
 * outside of memory, in chunks by piece of reads, and come back piece by piece. In memory are, beside the events' own
 * columns, 12 bytes a record and a read of one kind, a piece, and each thread's chunks.
 */
export class SpilledReplay {
  readonly #set: FeatureSet;
  readonly #prepared: PreparedColumns;
  readonly #reads: ReadSequence;
  readonly #memory: ReplayMemory;
  /** Of one pass after another. */
  readonly #passMemory: ReusedMemory;
  readonly #cut: SpillCut;
  readonly #chunks: Readonly<Record<EntityKind, KindChunks>>;
  readonly #offsets: Readonly<Record<EntityKind, number>>;
  readonly #places: Readonly<Record<EntityKind, number>>;
  readonly #absence: AbsenceMarker;
  readonly #rows: Int32Array;
  readonly #readers = new Map<EntityKind, SpillReader>();
  readonly #values: Float64Array;
  readonly #status: Uint8Array;
  readonly room: SpillRoom;
  /** Kinds of entity that are to be computed. */
  readonly kinds: readonly EntityKind[];
  readonly pieces: number;

  /** @throws AppError as {@link SpillPlace.open}. */
  constructor(
    set: FeatureSet,
    prepared: PreparedColumns,
    reads: ReadSequence,
    memory: ReplayMemory,
    {
      pieceReads,
      threads,
      place,
    }: { readonly pieceReads: number; readonly threads: number; readonly place: SpillPlace },
  ) {
    const count = reads.rows.length;
    this.#set = set;
    this.#prepared = prepared;
    this.#reads = reads;
    this.#memory = memory;
    this.#cut = { reads: count, pieceReads, threads };
    this.#chunks = byKind((kind) => kindChunks(outputsOfKind(set.kinds[kind]).length, this.#cut));
    this.#places = placesOfKinds(set);
    this.#absence = new AbsenceMarker(set);
    this.kinds = prepared.kinds;
    this.pieces = Math.ceil(count / pieceReads);
    let sizeBytes = 0;
    this.#offsets = byKind((kind) => {
      const { layout, most } = this.#chunks[kind];
      const offset = sizeBytes;
      if (this.kinds.includes(kind)) sizeBytes += layout.sizeBytes * most;
      return offset;
    });
    this.room = place.open(sizeBytes);
    this.#rows = memory.integers(count);
    this.#rows.set(reads.rows);
    this.#passMemory = new ReusedMemory(memory);
    const numbers = pieceReads * historyWidth(set);
    this.#values = new Float64Array(numbers);
    this.#status = new Uint8Array(numbers);
    for (let row = 0; row < prepared.columns.payments.times.length; row += 1) prepared.events.write(row);
  }

  /** All reads of a kind of entity. The pass before must be over. */
  pass(kind: EntityKind): ReplayPiece {
    this.#passMemory.again();
    const records = this.#prepared.recordsOf(kind, this.#passMemory);
    const of = { kind, entityOf: this.#prepared.entities[kind], count: records.start.length - 1 };
    const grouped = groupReads(of, this.#reads, this.#passMemory);
    const numbered = tasksOfKind(ENTITY_KINDS.indexOf(kind), grouped, records);
    const tasks = this.#memory.integers(numbered.length);
    tasks.set(numbered);
    return {
      rows: this.#rows,
      kinds: byKind((other) => (other === kind ? grouped : null)),
      tasks,
      taken: this.#memory.integers(1),
      values: new Float64Array(0),
      status: new Uint8Array(0),
      pass: {
        kind,
        records,
        spill: kindSpill(this.room.handle, this.#offsets[kind], this.#chunks[kind], this.#cut, this.#memory),
      },
    };
  }

  /** A pass is over: every thread is through with it. */
  passed({ pass }: ReplayPiece): void {
    if (pass !== null) this.#readers.set(pass.kind, new SpillReader(pass.spill, this.room));
  }

  /** The values of a piece, once every pass is over; gone when the next one is asked for. @throws AppError as {@link SpillRoom.read}. */
  piece(piece: number): ComputedPiece {
    const { pieceReads, reads } = this.#cut;
    const from = piece * pieceReads;
    const to = Math.min(reads, from + pieceReads);
    const rows = this.#rows.subarray(from, to);
    const block = new HistoryBlock(this.#set, this.#values, this.#status);
    for (const kind of this.kinds) {
      this.#absence.markAll(kind, rows, this.#reads.saw(kind, from, to), this.#prepared.entities[kind], block);
      this.#readers.get(kind)?.load(piece, block, this.#places[kind]);
    }
    return { rows, values: this.#values, status: this.#status };
  }
}
