import type { EntityKind } from '../../domain/entity-keys.ts';
import type { HistoryBlock } from '../engine/history-block.ts';
import { featureOutput, writeAbsent } from '../engine/vector-engine.ts';
import type { FeatureOutput } from '../feature-output.ts';
import type { FeatureSet } from '../feature-set.ts';
import { FEATURE_STATUS } from '../feature-status.ts';

/** Whether a read has an entity whose state it saw; others are answered without it. @param entity, epoch as replay has them. */
export function sawEntity(entity: number, epoch: number): boolean {
  return entity >= 0 && epoch > 0;
}

/** Marks what is absent because a read has no such entity, or saw nothing of it. */
export class AbsenceMarker {
  readonly #set: FeatureSet;
  readonly #out: FeatureOutput;

  constructor(set: FeatureSet) {
    this.#set = set;
    this.#out = featureOutput(set);
  }

  /** @param entity −1 where there is none. */
  mark(kind: EntityKind, entity: number, read: number, block: HistoryBlock): void {
    const plan = this.#set.kinds[kind];
    writeAbsent(plan, entity < 0 ? FEATURE_STATUS.notFound : FEATURE_STATUS.unavailable, this.#out);
    block.store(read, plan.outputs, this.#out);
    block.store(read, plan.labelOutputs, this.#out);
  }
}
