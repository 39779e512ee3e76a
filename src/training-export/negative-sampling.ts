import { hashShare } from './row-hash.ts';
import type { RowSplit } from './split-plan.ts';

/** Which rows that are not fraud are kept. */
export interface NegativeSample {
  /** The share that is kept, above 0 and below 1. */
  readonly keep: number;
  readonly seed: number;
}

/** How rows are drawn, for people. */
export const SAMPLE_RULE =
  'of rows with label 0, but for those of test, kept where first 48 bits of sha256("<seed>:<end_to_end_id>:<side>") / 2^48 < keep, with weight 1/keep; all other rows have weight 1';

/**
 * The weight of a row: 0 where it is left out, 1/keep where it stands for those that are left out.
 * Rows without a label stay, as nothing can be estimated from them.
 */
export function sampleWeight(
  sample: NegativeSample | null,
  split: RowSplit,
  label: 1 | 0 | null,
  endToEndId: string,
  side: string,
): number {
  if (sample === null || label !== 0 || split === 'test') return 1;
  return hashShare(`${sample.seed}:${endToEndId}:${side}`) < sample.keep ? 1 / sample.keep : 0;
}
