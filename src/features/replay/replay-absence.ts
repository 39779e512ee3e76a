import type { TextCodes } from '../../base/coded-texts.ts';
import type { EntityKind } from '../../domain/entity-keys.ts';
import type { HistoryBlock } from '../engine/history-block.ts';
import { featureOutput, writeAbsent } from '../engine/vector-engine.ts';
import type { FeatureOutput } from '../feature-output.ts';
import type { FeatureSet } from '../feature-set.ts';
import { FEATURE_STATUS } from '../feature-status.ts';
import type { NumberColumns } from './replay-input.ts';

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

  /** Marks what is absent of reads that lie in a block from its beginning on. @param saw what they saw of the kind. @param entityOf entity of each payment; −1 where it has none. */
  markAll(kind: EntityKind, rows: Int32Array, saw: NumberColumns, entityOf: TextCodes, block: HistoryBlock): void {
    const { epochs } = saw;
    for (let read = 0; read < rows.length; read += 1) {
      const entity = entityOf[rows[read] as number] as number;
      if (!sawEntity(entity, epochs[read] as number)) this.#mark(kind, entity, read, block);
    }
  }

  #mark(kind: EntityKind, entity: number, read: number, block: HistoryBlock): void {
    const plan = this.#set.kinds[kind];
    writeAbsent(plan, entity < 0 ? FEATURE_STATUS.notFound : FEATURE_STATUS.unavailable, this.#out);
    block.store(read, plan.outputs, this.#out);
    block.store(read, plan.labelOutputs, this.#out);
  }
}
