import { assert } from '../../base/assert.ts';
import { ENTITY_KINDS, type EntityKind } from '../../domain/entity-keys.ts';
import type { FeatureSet } from '../feature-set.ts';
import { HistoryBlock } from '../history-block.ts';
import type { ReplayColumns } from './replay-columns.ts';
import { EntityReplay, type EntityReplayContext, replayContext } from './replay-entity.ts';
import type { ReplayPiece } from './replay-piece.ts';

/** Replays entities on one thread, as many as it gets hold of: others may take from the same pieces. */
export class ReplayRunner {
  readonly #context: EntityReplayContext;
  readonly #replays = new Map<EntityKind, EntityReplay>();

  constructor(set: FeatureSet, columns: ReplayColumns) {
    this.#context = replayContext(set, columns);
  }

  /**
   * Takes tasks of a piece until none is left. Others may still be at theirs.
   *
   * @throws AppError `table_corrupt` where numbers name an epoch that no record opens; tasks that were not taken stay.
   */
  run(piece: ReplayPiece): void {
    this.#context.piece = piece;
    this.#context.block = new HistoryBlock(this.#context.set, piece.values, piece.status);
    const { tasks, taken, kinds } = piece;
    const count = tasks.length / 3;
    for (let task = Atomics.add(taken, 0, 1); task < count; task = Atomics.add(taken, 0, 1)) {
      const kind = ENTITY_KINDS[tasks[task * 3] as number] as EntityKind;
      const to = tasks[task * 3 + 2] as number;
      const replay = this.#replayOf(kind);
      const reads = kinds[kind];
      assert(replay !== null && reads !== null, 'a task is of a kind that has features');
      for (let at = tasks[task * 3 + 1] as number; at < to; at += 1) replay.run(reads, at);
    }
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
