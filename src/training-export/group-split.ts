import { boundedMemo } from '../base/bounded-memo.ts';
import { LIMITS } from '../base/limits.ts';
import type { IdColumn } from './entity-columns.ts';
import { hash48 } from './row-hash.ts';

/** Buckets that entities fall into: shares are in hundredths of a percent. */
export const GROUP_BUCKETS = 10_000;

/** A split by entity: all rows of one entity are in one split, and stay there in every export of the seed. */
export interface GroupSplit {
  readonly entity: IdColumn;
  /** Buckets of training, validation and test; together {@link GROUP_BUCKETS}. */
  readonly buckets: readonly [number, number, number];
  readonly seed: number;
}

/** Splits that a group can be in. */
export type GroupName = 'train' | 'validation' | 'test';

/** How groups are told, for people. */
export const GROUP_RULE =
  'first 48 bits of sha256("<seed>:<entity>") mod 10000: below the first share train, below the first two validation, else test; a row without the entity by its end_to_end_id';

/** Gives the split of a row by its entity; of a payment that names none by the payment's own id. */
export function groupReader({ buckets, seed }: GroupSplit): (entity: string | null, endToEndId: string) => GroupName {
  const [train, validation] = buckets;
  const groupOf = (text: string): GroupName => {
    const bucket = hash48(`${seed}:${text}`) % GROUP_BUCKETS;
    if (bucket < train) return 'train';
    return bucket < train + validation ? 'validation' : 'test';
  };
  const groupOfEntity = boundedMemo(LIMITS.rememberedIds, groupOf);
  return (entity, endToEndId) => (entity === null ? groupOf(endToEndId) : groupOfEntity(entity));
}
