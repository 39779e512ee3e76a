import type { FeatureSet } from './feature-set.ts';
import { FEATURE_STATUS } from './feature-status.ts';
import type { FeatureOutput } from './window-engine.ts';

/**
 * Places in the vector of what cannot be known without a payment: features that are read off the
 * payment, and those computed from them. Without one they are null, also where their expression
 * speaks of statuses: that a payment is not named does not say that it lacks a field.
 */
export function paymentOutputs({ request, derived, indexOf }: FeatureSet): Int32Array {
  const places = new Set(request.map(({ output }) => output));
  // Inputs come first in the order of `derived`.
  for (const { feature, output } of derived) {
    if (feature.value.of.some((name) => places.has(indexOf(name)))) places.add(output);
  }
  return Int32Array.from(places);
}

/** Writes null in places of the vector. */
export function writeNulls(places: Int32Array, { values, status }: FeatureOutput): void {
  for (const place of places) {
    values[place] = Number.NaN;
    status[place] = FEATURE_STATUS.null;
  }
}
