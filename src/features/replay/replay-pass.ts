import { byKind, ENTITY_KINDS, type EntityKind } from '../../domain/entity-keys.ts';
import { outputsOfKind } from '../engine/history-block.ts';
import type { FeatureSet } from '../feature-set.ts';
import { type KindChunks, kindChunks, kindSpill, type SpillCut } from '../spill/kind-spill.ts';
import type { SpillPlace, SpillRoom } from '../spill/spill-place.ts';
import { SpillReader } from '../spill/spill-reader.ts';
import type { PreparedColumns } from './replay-columns.ts';
import type { ReadSequence } from './replay-input.ts';
import { type ReplayMemory, ReusedMemory } from './replay-memory.ts';
import type { ReplayPiece } from './replay-piece.ts';
import { groupReads } from './replay-reads.ts';
import { tasksOfKind } from './replay-tasks.ts';
import { SpilledValues } from './spilled-values.ts';

/**
 * A replay of more reads than memory has room for: kind of entity after kind of entity, each in one pass over all
 * reads, so that an event is fed once for each of its entities however many reads there are. Values go to a room
 * outside of memory, in chunks by piece of reads, and come back piece by piece. In memory are, beside the events' own
 * columns, 12 bytes a record and a read of one kind, and each thread's chunks; none of it when values come back.
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
  readonly #rows: Int32Array;
  readonly #readers = new Map<EntityKind, SpillReader>();
  readonly room: SpillRoom;
  /** Kinds of entity that are to be computed. */
  readonly kinds: readonly EntityKind[];

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
    this.kinds = prepared.kinds;
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
    for (let row = 0; row < prepared.columns.payments.count; row += 1) prepared.events.write(row);
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

  /** The values, once every pass is over. */
  values(): SpilledValues {
    return new SpilledValues(this.#set, {
      reads: this.#reads,
      rows: this.#rows,
      pieceReads: this.#cut.pieceReads,
      entities: this.#prepared.entities,
      readers: this.#readers,
      room: this.room,
    });
  }
}
