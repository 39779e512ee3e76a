/** Where a split by time cuts: training before A, validation from A, test from B. */
export interface TimeSplit {
  readonly aMicros: number;
  readonly bMicros: number;
}

/** Names of splits; a row is in one. `all` where there is no split. */
export const SPLITS = ['all', 'train', 'embargo', 'validation', 'test'] as const;
/** A name of a split. */
export type SplitName = (typeof SPLITS)[number];

/**
 * The split of a row at `t`. A row before A whose label may come after A is in the embargo: with
 * it, training would know what happens in validation.
 */
export function splitOf(t: number, horizonMicros: number, split: TimeSplit | null): SplitName {
  if (split === null) return 'all';
  if (t >= split.bMicros) return 'test';
  if (t >= split.aMicros) return 'validation';
  return t + horizonMicros > split.aMicros ? 'embargo' : 'train';
}

/** Labels known at this instant or later are not seen by a row of the split. */
export function labelsBefore(name: SplitName, asOfMicros: number, split: TimeSplit | null): number {
  const training = name === 'train' || name === 'embargo';
  return split !== null && training ? Math.min(asOfMicros, split.aMicros) : asOfMicros;
}
