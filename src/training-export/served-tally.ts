import type { FeatureOutput } from '../features/feature-output.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import { FEATURE_STATUS, FEATURE_STATUS_NAMES } from '../features/feature-status.ts';

/** What was served of a feature, in whole numbers of decisions. */
export interface ServedFeature {
  readonly feature: string;
  /** Decisions in which it is not what is recomputed. */
  readonly differing: number;
  /** Decisions in which it had no value, by why. */
  readonly absent: Readonly<Record<string, number>>;
  /** Decisions whose entity was not found, so that the value was the feature's default. */
  readonly defaulted: number;
}

/** Counts what was served, decision by decision. */
export interface ServedTally {
  /** @param differing places of the vector that are not what is recomputed. */
  see(served: FeatureOutput, differing: readonly number[]): void;
  /** In the order of the vector. */
  features(): readonly ServedFeature[];
}

/** What a status is counted as that is none of ours: a vector of another length. */
const UNKNOWN = FEATURE_STATUS_NAMES.length;

/** Starts a tally of vectors of a set. */
export function servedTally({ names }: FeatureSet): ServedTally {
  const differ = new Uint32Array(names.length);
  const defaulted = new Uint32Array(names.length);
  const absent = names.map(() => new Uint32Array(UNKNOWN + 1));
  const increment = (counts: Uint32Array | undefined, at: number): void => {
    if (counts !== undefined) counts[at] = (counts[at] as number) + 1;
  };
  return {
    see({ values, status }, differing) {
      for (const place of differing) increment(differ, place);
      for (let place = 0; place < names.length; place += 1) {
        const why = Math.min(status[place] as number, UNKNOWN);
        if (Number.isNaN(values[place])) increment(absent[place], why);
        else if (why === FEATURE_STATUS.notFound) increment(defaulted, place);
      }
    },
    features: () =>
      names.map((feature, place) => {
        const counts = [...(absent[place] ?? [])].map((rows, why) => [FEATURE_STATUS_NAMES[why] ?? 'unknown', rows]);
        return {
          feature,
          differing: differ[place] as number,
          absent: Object.fromEntries(counts.filter(([, rows]) => rows !== 0)),
          defaulted: defaulted[place] as number,
        };
      }),
  };
}
