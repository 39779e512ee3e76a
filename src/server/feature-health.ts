import { type MetricSample, metricText } from './metric-text.ts';

/** How far what was served of a feature is from what a model was trained on. */
export interface DriftSample {
  readonly feature: string;
  readonly psi: number;
  /** Null where one side has no value. */
  readonly ks: number | null;
}

/** What the lake's thread found of what was served; each part is undefined until it is known. */
export interface FeatureHealth {
  /** Known time of the newest row of each silver table, microseconds; a table without rows is left out. */
  readonly silverNewest?: Readonly<Record<string, number>>;
  /** Of the last 24 hours, in the order of the set. */
  readonly drift?: { readonly decisions: number; readonly features: readonly DriftSample[] };
}

/**
 * The metrics of it in Prometheus's text.
 *
 * @param mostFeatures how many features have series of their own, in the order of the set.
 */
export function healthText({ silverNewest, drift }: FeatureHealth, mostFeatures: number, nowMicros: number): string {
  const newest = Object.entries(silverNewest ?? {}).map(
    ([table, micros]): MetricSample => [`{table="${table}"}`, Math.max(0, (nowMicros - micros) / 1e6)],
  );
  const drifted = (drift?.features ?? []).slice(0, mostFeatures);
  const byFeature = (of: (sample: DriftSample) => number | null): MetricSample[] =>
    drifted.map((sample) => [`{feature="${sample.feature}"}`, of(sample) ?? Number.NaN]);
  return [
    metricText(
      'sentinela_silver_newest_seconds',
      'gauge',
      'Freshness of silver: age of the newest row of a table, by its known time',
      newest,
    ),
    metricText(
      'sentinela_feature_drift_decisions',
      'gauge',
      'Decisions of the last 24 hours that the figures of drift are of',
      drift === undefined ? [] : [['', drift.decisions]],
    ),
    metricText(
      'sentinela_feature_psi',
      'gauge',
      'Population stability index of what was served, against the training set',
      byFeature(({ psi }) => psi),
    ),
    metricText(
      'sentinela_feature_ks',
      'gauge',
      'Kolmogorov-Smirnov distance of the values that were served, against the training set',
      byFeature(({ ks }) => ks),
    ),
  ].join('');
}
