import { FEATURE_STATUS_NAMES } from '../features/feature-status.ts';
import type { FeatureCounts } from './feature-counts.ts';
import { fineEdge } from './float-bins.ts';

/** How the values of a feature are spread, in whole numbers of rows. */
export interface FeatureHistogram {
  readonly feature: string;
  /** Bin i holds values v with `edges[i − 1] ≤ v < edges[i]`; the first has no lower edge, the last no upper one. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  /** Rows without a value, by why. */
  readonly absent: Readonly<Record<string, number>>;
}

/** How histograms are made, for people. */
export const HISTOGRAM_RULE =
  'of the float32 values of every row of the split, before negatives are drawn: bins of about a twentieth of the rows, cut where sign, exponent or the first four bits of the mantissa change';

/** Bins of a histogram at most: PSI is usual over ten to twenty. */
const BINS = 20;

/** Puts fine bins together, from the least value on, until each holds its share of the rows. */
export function featureHistogram(feature: string, { all, absent }: FeatureCounts): FeatureHistogram {
  const present = all.reduce((sum, count) => sum + count, 0);
  const share = Math.ceil(present / BINS);
  const edges: number[] = [];
  const counts: number[] = [];
  for (const [bin, count] of all.entries()) {
    if (count === 0) continue;
    const last = counts.length - 1;
    if (last >= 0 && (counts[last] as number) < share) {
      counts[last] = (counts[last] as number) + count;
      continue;
    }
    if (last >= 0) edges.push(fineEdge(bin));
    counts.push(count);
  }
  const byStatus = [...absent.entries()].filter(([, rows]) => rows > 0);
  return {
    feature,
    edges,
    counts,
    absent: Object.fromEntries(byStatus.map(([status, rows]) => [FEATURE_STATUS_NAMES[status] ?? 'unknown', rows])),
  };
}
