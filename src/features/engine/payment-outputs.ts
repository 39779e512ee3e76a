import type { FeatureDefinition } from '../definition/definition.ts';
import { columnsOf, outputsOf } from '../expression/typed-expression.ts';
import type { FeatureOutput } from '../feature-output.ts';
import type { FeatureSet } from '../feature-set.ts';
import { FEATURE_STATUS } from '../feature-status.ts';

/**
 * Places in the vector of what cannot be known without a payment: windows that include it or compare with it,
 * expressions that read its columns, and those computed from either. Without one they are null, also where they speak of
 * statuses or have a value for what is missing: that a payment is not named does not say that it lacks a field.
 */
export function paymentOutputs({ definition, expressions }: FeatureSet): Int32Array {
  const places = new Set(
    definition.features.flatMap((feature, output) => (isOfPaymentWindow(feature) ? [output] : [])),
  );
  // Inputs come first in the order of `expressions`.
  for (const { expression, output } of expressions) {
    const isOfPayment = columnsOf(expression).size > 0 || outputsOf(expression).some((input) => places.has(input));
    if (isOfPayment) places.add(output);
  }
  return Int32Array.from(places);
}

function isOfPaymentWindow(feature: FeatureDefinition): boolean {
  return feature.kind === 'window' && (feature.current === 'include' || feature.aggregate === 'is_top');
}

/** Writes null in places of the vector. */
export function writeNulls(places: Int32Array, { values, status }: FeatureOutput): void {
  for (const place of places) {
    values[place] = Number.NaN;
    status[place] = FEATURE_STATUS.null;
  }
}
