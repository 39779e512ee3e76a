import type { FeatureOutput } from '../features/feature-output.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../features/feature-status.ts';
import type { LakeColumns } from '../governance/lake-columns.ts';
import type { SilverSource } from './silver-source.ts';

/** Columns of decisions that say which set was served. */
export const SERVED_BY_COLUMNS: readonly string[] = ['feature_set', 'feature_set_version'];

/** Columns of decisions that hold what was served of it. */
export const VECTOR_COLUMNS: readonly string[] = ['features', 'feature_status'];

/** Whether a row of the payments has a decision that was made with this version of a set. */
export function servedBy(
  { decisions, decisionOf }: SilverSource,
  { name, version }: FeatureSet,
): (row: number) => boolean {
  const names = decisions.texts('feature_set');
  const versions = decisions.texts('feature_set_version');
  return (row) => {
    const decision = decisionOf[row] as number;
    return decision >= 0 && names.at(decision) === name && versions.at(decision) === version;
  };
}

/** Places of features that differ, in a bit of their value or in their status. */
export function differingFeatures(served: FeatureOutput, recomputed: FeatureOutput): number[] {
  const differing: number[] = [];
  for (let at = 0; at < recomputed.values.length; at += 1) {
    const same = Object.is(served.values[at], recomputed.values[at]) && served.status[at] === recomputed.status[at];
    if (!same) differing.push(at);
  }
  return differing;
}

/** A value of a vector; null where absent. */
export function cellOf({ values }: FeatureOutput, at: number): number | null {
  const value = values[at] ?? Number.NaN;
  return Number.isNaN(value) ? null : value;
}

/** The name of a status in a vector. */
export function statusOf({ status }: FeatureOutput, at: number): string {
  return FEATURE_STATUS_NAMES[status[at] ?? 255] ?? 'unknown';
}

/** Vectors as columns of decisions hold them; the object is the same for every call. A vector of another length has no value at all. */
export function servedVectors(
  decisions: Pick<LakeColumns, 'data'>,
  count: number,
): (decision: number) => FeatureOutput {
  const features = decisions.data('features');
  const statuses = decisions.data('feature_status');
  if (features.kind !== 'list' || features.child.kind !== 'float64' || statuses.kind !== 'binary') {
    throw new Error('assertion failed: features are lists of doubles, statuses bytes');
  }
  const { offsets, child } = features;
  const values = new Float64Array(count);
  const status = new Uint8Array(count);
  return (decision) => {
    values.fill(Number.NaN);
    status.fill(255);
    const start = offsets[decision] as number;
    if ((offsets[decision + 1] as number) - start !== count) return { values, status };
    for (let at = 0; at < count; at += 1) {
      values[at] = child.nulls?.[start + at] === 1 ? Number.NaN : (child.values[start + at] as number);
    }
    status.set(statuses.values[decision]?.subarray(0, count) ?? []);
    return { values, status };
  };
}
