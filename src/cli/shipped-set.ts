import { compileFeatureSet, type FeatureSet } from '../features/feature-set.ts';
import { PIX_CORE } from '../features/pix-core.ts';

/** The feature set that ships, checked and laid out. */
export function shippedSet(): FeatureSet {
  return compileFeatureSet(PIX_CORE);
}
