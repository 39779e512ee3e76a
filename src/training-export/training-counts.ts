import type { FeatureSet } from '../features/feature-set.ts';
import type { ExportRow } from './export-rows.ts';
import { type FeatureCounts, type FeatureTally, featureTally } from './feature-counts.ts';
import { type FeatureHistogram, featureHistogram, HISTOGRAM_RULE } from './feature-histogram.ts';
import type { SplitName } from './time-split.ts';

/** Histograms of the training rows, by which later rows are told to be like them or not. */
export interface Histograms {
  /** The split that was counted: `train`, or `all` where there is none. */
  readonly split: SplitName;
  readonly rows: number;
  readonly rule: string;
  readonly features: readonly FeatureHistogram[];
}

/** Counts the training rows of an export. */
export interface TrainingCounts {
  /** Takes any row; those of other splits are passed over. */
  see(row: ExportRow): void;
  /** By place in the vector; empty where there is no training row. */
  counts(): readonly FeatureCounts[];
  /** Null where there is no training row. */
  histograms(): Histograms | null;
}

/** @param set whose vectors rows have. */
export function trainingCounts({ names }: FeatureSet): TrainingCounts {
  let tally: FeatureTally | undefined;
  let split: SplitName = 'all';
  let rows = 0;
  return {
    see(row) {
      if (row.split !== 'train' && row.split !== 'all') return;
      tally ??= featureTally(names.length);
      split = row.split;
      rows += 1;
      tally.add(row.vector(), row.label.label);
    },
    counts: () => tally?.counts ?? [],
    histograms() {
      if (tally === undefined) return null;
      const features = tally.counts.map((counts, at) => featureHistogram(names[at] ?? '', counts));
      return { split, rows, rule: HISTOGRAM_RULE, features };
    },
  };
}
