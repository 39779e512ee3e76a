import type { FeatureSet } from '../../features/feature-set.ts';

/** The feature sets that exports are made of, by name. */
export async function setsByName(): Promise<ReadonlyMap<string, FeatureSet>> {
  const { shippedSet } = await import('../shipped-set.ts');
  const set = shippedSet();
  return new Map([[set.name, set]]);
}
