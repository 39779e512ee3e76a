import type { FeatureOutput } from '../features/feature-output.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import { differingFeatures } from './served-vectors.ts';

/** How values that were served compare with those that are recomputed from the lake. */
export interface ServedReport {
  /** Rows of payments that no decision of this version of the set served: they are left out. */
  readonly notServed: number;
  readonly comparedValues: number;
  readonly differingValues: number;
  readonly differingRows: number;
  /** Values that differ, by feature. */
  readonly byFeature: Readonly<Record<string, number>>;
}

/** Compares row by row. */
export interface ServedComparison {
  see(served: FeatureOutput, recomputed: FeatureOutput): void;
  report(notServed: number): ServedReport;
}

/** Starts a comparison of vectors of a set: equal is equal in every bit, statuses too. */
export function servedComparison({ names }: FeatureSet): ServedComparison {
  const differing = new Map<number, number>();
  let rows = 0;
  let differingRows = 0;
  return {
    see(served, recomputed) {
      rows += 1;
      const places = differingFeatures(served, recomputed);
      if (places.length > 0) differingRows += 1;
      for (const place of places) differing.set(place, (differing.get(place) ?? 0) + 1);
    },
    report: (notServed) => ({
      notServed,
      comparedValues: rows * names.length,
      differingValues: [...differing.values()].reduce((sum, count) => sum + count, 0),
      differingRows,
      byFeature: Object.fromEntries(
        [...differing].sort(([a], [b]) => a - b).map(([place, count]) => [names[place] ?? '', count]),
      ),
    }),
  };
}
