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
  'of the float32 values of every row of the split, before negatives are drawn: bins of about a twentieth of the rows, cut where sign, exponent or the first four bits of the mantissa change; what alone has a twentieth is a bin of its own; nothing is below the first edge, nor above the last one but values of the largest floats';

/** Which share of the rows fills a bin: PSI is usual over ten to twenty. */
const FULL = 20;

/**
 * Puts fine bins together, from the least value on, until each holds its share of the rows. A fine bin that fills one
 * alone is not put to those below it: of a flag that is nearly always true the rest would not be seen to grow. For the
 * same reason the outer bins are empty: what later lies beyond all that was counted is in them.
 */
export function featureHistogram(feature: string, { all, absent }: FeatureCounts): FeatureHistogram {
  const present = all.reduce((sum, count) => sum + count, 0);
  const share = Math.ceil(present / FULL);
  const edges: number[] = [];
  const counts: number[] = present === 0 ? [] : [0];
  let greatest = 0;
  for (const [bin, count] of all.entries()) {
    if (count === 0) continue;
    greatest = bin;
    const last = counts.length - 1;
    const filled = counts[last] as number;
    if (last > 0 && filled < share && count < share) {
      counts[last] = filled + count;
      continue;
    }
    edges.push(fineEdge(bin));
    counts.push(count);
  }
  const end = fineEdge(greatest + 1);
  if (present > 0 && Number.isFinite(end)) {
    edges.push(end);
    counts.push(0);
  }
  const byStatus = [...absent.entries()].filter(([, rows]) => rows > 0);
  return {
    feature,
    edges,
    counts,
    absent: Object.fromEntries(byStatus.map(([status, rows]) => [FEATURE_STATUS_NAMES[status] ?? 'unknown', rows])),
  };
}
