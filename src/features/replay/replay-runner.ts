import { assert } from '../../base/assert.ts';
import { ENTITY_KINDS, type EntityKind } from '../../domain/entity-keys.ts';
import { HistoryBlock, outputsOfKind } from '../engine/history-block.ts';
import type { FeatureSet } from '../feature-set.ts';
import type { SpillRoom } from '../spill/spill-place.ts';
import { SpillWriter } from '../spill/spill-writer.ts';
import type { ReplayColumns } from './replay-columns.ts';
import { EntityReplay, type EntityReplayContext, replayContext } from './replay-entity.ts';
import type { ReplayPass, ReplayPiece } from './replay-piece.ts';

/** Replays entities on one thread, as many as it gets hold of: others may take from the same pieces. */
export class ReplayRunner {
  readonly #context: EntityReplayContext;
  readonly #replays = new Map<EntityKind, EntityReplay>();

  constructor(set: FeatureSet, columns: ReplayColumns) {
    this.#context = replayContext(set, columns);
  }

  /**
   * Takes tasks of a piece until none is left. Others may still be at theirs. Where it fails, none is left for them.
   *
   * @param room of values that are spilled. @param onTask told after each task how many were taken.
   * @throws AppError `table_corrupt` where numbers name an epoch that no record opens; as {@link SpillRoom.write}.
   */
  run(piece: ReplayPiece, room: SpillRoom | null = null, onTask: (taken: number) => void = () => {}): void {
    const context = this.#context;
    context.piece = piece;
    context.block = new HistoryBlock(context.set, piece.values, piece.status);
    context.spill = this.#writerOf(piece, room);
    if (piece.pass !== null) this.#begin(piece.pass);
    const { tasks, taken } = piece;
    const count = tasks.length / 3;
    try {
      for (let task = Atomics.add(taken, 0, 1); task < count; task = Atomics.add(taken, 0, 1)) {
        this.#runTask(piece, task);
        onTask(Math.min(count, Atomics.load(taken, 0)));
      }
      context.spill?.flush();
    } catch (error) {
      Atomics.store(taken, 0, count);
      throw error;
    } finally {
      context.spill = null;
    }
  }

  #runTask({ tasks, kinds }: ReplayPiece, task: number): void {
    const kind = ENTITY_KINDS[tasks[task * 3] as number] as EntityKind;
    const to = tasks[task * 3 + 2] as number;
    const replay = this.#replayOf(kind);
    const reads = kinds[kind];
    assert(replay !== null && reads !== null, 'a task is of a kind that has features');
    for (let at = tasks[task * 3 + 1] as number; at < to; at += 1) replay.run(reads, at);
  }

  #writerOf({ pass }: ReplayPiece, room: SpillRoom | null): SpillWriter | null {
    if (pass === null) return null;
    assert(room !== null, 'values that are spilled have a room');
    return new SpillWriter(pass.spill, outputsOfKind(this.#context.set.kinds[pass.kind]), room);
  }

  /** The records of a pass are its own; those of the pass before are let go. */
  #begin({ kind, records }: ReplayPass): void {
    this.#replays.clear();
    this.#replays.set(kind, new EntityReplay(kind, records, this.#context));
  }

  #replayOf(kind: EntityKind): EntityReplay | null {
    const records = this.#context.columns.kinds[kind];
    const known = this.#replays.get(kind);
    if (known !== undefined || records === null) return known ?? null;
    const made = new EntityReplay(kind, records, this.#context);
    this.#replays.set(kind, made);
    return made;
  }
}
