import { byKind, ENTITY_KINDS, type EntityKind } from '../../domain/entity-keys.ts';
import type { FeatureOutput } from '../feature-output.ts';
import type { FeatureSet } from '../feature-set.ts';
import { FEATURE_STATUS } from '../feature-status.ts';
import { HistoryBlock, historyWidth } from '../history-block.ts';
import { featureOutput, writeAbsent } from '../vector-engine.ts';
import type { PreparedColumns } from './replay-columns.ts';
import type { ReplayReads } from './replay-input.ts';
import { EPOCH_STEP, sortByKey } from './replay-items.ts';
import type { ReplayMemory } from './replay-memory.ts';

/** The reads of one kind of entity, by entity, each entity's in the order of what they saw. */
export interface KindReads {
  readonly entities: Int32Array;
  /** Reads of `entities[at]` lie from `start[at]` to below `start[at + 1]`. */
  readonly start: Int32Array;
  readonly reads: Int32Array;
  /** What each saw: `epoch · EPOCH_STEP + number`. */
  readonly keys: Float64Array;
}

/** Reads to compute, split into tasks that threads take one after another, and room for what comes of them. */
export interface ReplayPiece {
  /** Row of the payment of each read. */
  readonly rows: Int32Array;
  /** Null for a kind that no feature of the set is of. */
  readonly kinds: Readonly<Record<EntityKind, KindReads | null>>;
  /** Three numbers a task: the kind's place in ENTITY_KINDS; from which of its entities, to below which. */
  readonly tasks: Int32Array;
  /** How many tasks were taken, changed by atomic addition alone. */
  readonly taken: Int32Array;
  /** Of a {@link HistoryBlock}. */
  readonly values: Float64Array;
  readonly status: Uint8Array;
}

/** Records and reads of a task: at 1 to 10 µs each some milliseconds, so that threads end together. */
const TASK_WEIGHT = 4096;

/** What a piece is computed into. */
type PieceRoom = Pick<ReplayPiece, 'values' | 'status'>;

/** Makes pieces of reads, each in the room of one that is used up. */
export class PieceMaker {
  readonly #set: FeatureSet;
  readonly #prepared: PreparedColumns;
  readonly #memory: ReplayMemory;
  readonly #width: number;
  readonly #out: FeatureOutput;
  /** By entity: 1 + its place among those of the piece; all 0 between pieces. */
  readonly #placeOf: Readonly<Record<EntityKind, Int32Array>>;
  readonly #rooms: (PieceRoom | null)[];
  #turn = 0;

  /** @param rooms pieces that are there at once. */
  constructor(set: FeatureSet, prepared: PreparedColumns, memory: ReplayMemory, rooms: 1 | 2) {
    this.#set = set;
    this.#prepared = prepared;
    this.#memory = memory;
    this.#rooms = Array.from({ length: rooms }, () => null);
    this.#width = historyWidth(set);
    this.#out = featureOutput(set);
    const { kinds } = prepared.columns;
    this.#placeOf = byKind((kind) => new Int32Array((kinds[kind]?.start.length ?? 1) - 1));
  }

  /** Reads that come next, with the events that they may see written and what is absent marked. */
  piece(reads: ReplayReads): ReplayPiece {
    const rows = this.#memory.integers(reads.rows.length);
    rows.set(reads.rows);
    const room = this.#room(rows.length);
    const block = new HistoryBlock(this.#set, room.values, room.status);
    const kinds = byKind((kind) =>
      this.#prepared.columns.kinds[kind] === null ? null : this.#group(kind, reads, block),
    );
    if (!this.#prepared.events.isWhole) this.#writeEvents(rows, kinds);
    return { rows, kinds, tasks: this.#tasks(kinds), taken: this.#memory.integers(1), ...room };
  }

  /** Room that is free: every feature of every read is written, so what an earlier piece left does no harm. */
  #room(reads: number): PieceRoom {
    this.#turn = (this.#turn + 1) % this.#rooms.length;
    const numbers = reads * this.#width;
    const known = this.#rooms[this.#turn];
    if (known !== undefined && known !== null && known.status.length >= numbers) return known;
    const made = { values: this.#memory.doubles(numbers), status: this.#memory.bytes(numbers) };
    this.#rooms[this.#turn] = made;
    return made;
  }

  /** Groups the reads of a kind by entity; marks those that have no such entity, or saw nothing of it. */
  #group(kind: EntityKind, { rows, saw }: ReplayReads, block: HistoryBlock): KindReads {
    const { epochs, seqs } = saw[kind];
    const entityOf = this.#prepared.entities[kind];
    const placeOf = this.#placeOf[kind];
    const entities: number[] = [];
    const counts: number[] = [];
    for (let read = 0; read < rows.length; read += 1) {
      const entity = entityOf[rows[read] as number] as number;
      if (entity < 0 || (epochs[read] as number) <= 0) {
        this.#markAbsent(kind, entity < 0 ? FEATURE_STATUS.notFound : FEATURE_STATUS.unavailable, read, block);
        continue;
      }
      if (placeOf[entity] === 0) placeOf[entity] = entities.push(entity);
      const place = (placeOf[entity] as number) - 1;
      counts[place] = (counts[place] ?? 0) + 1;
    }
    const start = this.#memory.integers(entities.length + 1);
    for (const [at, count] of counts.entries()) start[at + 1] = (start[at] as number) + count;
    const total = start[entities.length] as number;
    const grouped = { reads: this.#memory.integers(total), keys: this.#memory.doubles(total) };
    const next = Int32Array.from(start);
    for (let read = 0; read < rows.length; read += 1) {
      const entity = entityOf[rows[read] as number] as number;
      if (entity < 0 || (epochs[read] as number) <= 0) continue;
      const place = (placeOf[entity] as number) - 1;
      const at = next[place] as number;
      next[place] = at + 1;
      grouped.reads[at] = read;
      grouped.keys[at] = (epochs[read] as number) * EPOCH_STEP + (seqs[read] as number);
    }
    for (let at = 0; at < entities.length; at += 1) {
      sortByKey(grouped.reads, grouped.keys, start[at] as number, start[at + 1] as number, (a, b) => a - b);
      placeOf[entities[at] as number] = 0;
    }
    const named = this.#memory.integers(entities.length);
    named.set(entities);
    return { entities: named, start, ...grouped };
  }

  #markAbsent(
    kind: EntityKind,
    status: typeof FEATURE_STATUS.notFound | typeof FEATURE_STATUS.unavailable,
    read: number,
    block: HistoryBlock,
  ): void {
    const plan = this.#set.kinds[kind];
    writeAbsent(plan, status, this.#out);
    block.store(read, plan.outputs, this.#out);
    block.store(read, plan.labelOutputs, this.#out);
  }

  #writeEvents(rows: Int32Array, kinds: Readonly<Record<EntityKind, KindReads | null>>): void {
    const { columns, events } = this.#prepared;
    for (const row of rows) events.write(row);
    for (const kind of ENTITY_KINDS) {
      const records = columns.kinds[kind];
      for (const entity of kinds[kind]?.entities ?? []) {
        const end = records?.start[entity + 1] ?? 0;
        for (let at = records?.start[entity] ?? 0; at < end; at += 1) {
          const item = records?.items[at] ?? -1;
          if (item >= 0) events.write(item);
        }
      }
    }
  }

  #tasks(kinds: Readonly<Record<EntityKind, KindReads | null>>): Int32Array {
    const tasks: number[] = [];
    for (const [kindPlace, kind] of ENTITY_KINDS.entries()) {
      const [reads, records] = [kinds[kind], this.#prepared.columns.kinds[kind]];
      if (reads === null || records === null) continue;
      let from = 0;
      let weight = 0;
      for (const [at, entity] of reads.entities.entries()) {
        weight += (reads.start[at + 1] as number) - (reads.start[at] as number);
        weight += (records.start[entity + 1] as number) - (records.start[entity] as number);
        if (weight < TASK_WEIGHT && at + 1 < reads.entities.length) continue;
        tasks.push(kindPlace, from, at + 1);
        from = at + 1;
        weight = 0;
      }
    }
    const made = this.#memory.integers(tasks.length);
    made.set(tasks);
    return made;
  }
}
