import type { FeatureOutput } from '../features/feature-output.ts';
import { FEATURE_STATUS_NAMES } from '../features/feature-status.ts';
import { FINE_BINS, fineBin } from './float-bins.ts';

/** How often each value of a feature comes in training rows, by label. 64 KB a feature. */
export interface FeatureCounts {
  readonly rows: number;
  /** By fine bin: all rows, those of fraud, those that are not. */
  readonly all: Uint32Array;
  readonly fraud: Uint32Array;
  readonly notFraud: Uint32Array;
  /** Rows without a value, by status, in the order of {@link FEATURE_STATUS_NAMES}. */
  readonly absent: Uint32Array;
  readonly absentFraud: number;
  readonly absentNotFraud: number;
  /** Values below 0. */
  readonly negative: number;
}

/** Counts the features of training rows. */
export interface FeatureTally {
  add(vector: FeatureOutput, label: 1 | 0 | null): void;
  /** Counts by place in the vector. */
  readonly counts: readonly FeatureCounts[];
}

/** @param width how many features there are. */
export function featureTally(width: number): FeatureTally {
  const counts = Array.from({ length: width }, () => ({
    rows: 0,
    all: new Uint32Array(FINE_BINS),
    fraud: new Uint32Array(FINE_BINS),
    notFraud: new Uint32Array(FINE_BINS),
    absent: new Uint32Array(FEATURE_STATUS_NAMES.length),
    absentFraud: 0,
    absentNotFraud: 0,
    negative: 0,
  }));
  return {
    counts,
    add({ values, status }, label) {
      for (const [at, count] of counts.entries()) {
        const value = values[at] as number;
        count.rows += 1;
        if (Number.isNaN(value)) {
          increment(count.absent, status[at] as number);
          if (label === 1) count.absentFraud += 1;
          else if (label === 0) count.absentNotFraud += 1;
          continue;
        }
        const bin = fineBin(value);
        increment(count.all, bin);
        if (label === 1) increment(count.fraud, bin);
        else if (label === 0) increment(count.notFraud, bin);
        if (value < 0) count.negative += 1;
      }
    },
  };
}

function increment(counts: Uint32Array, at: number): void {
  counts[at] = (counts[at] as number) + 1;
}
