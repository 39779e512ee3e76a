import { type MetricSample, metricText } from './metric-text.ts';

/** How far what was served of a feature is from what a model was trained on. */
export interface DriftSample {
  readonly feature: string;
  readonly psi: number;
  /** Null where one side has no value. */
  readonly ks: number | null;
}

/** What checks of samples found since the server started. */
export interface SkewCounts {
  /** Values that were recomputed and compared. */
  readonly compared: number;
  /** Of these the ones that differ, by feature; only features that have any. */
  readonly different: ReadonlyMap<string, number>;
  /** Decisions that were drawn and not compared, as their entities have too many events. */
  readonly leftOut: number;
}

/** What the lake's thread found of what was served; each part is undefined until it is known. */
export interface FeatureHealth {
  /** Known time of the newest row of each silver table, microseconds; a table without rows is left out. */
  readonly silverNewest?: Readonly<Record<string, number>>;
  /** Of the last 24 hours, in the order of the set. */
  readonly drift?: { readonly decisions: number; readonly features: readonly DriftSample[] };
  readonly skew?: SkewCounts;
}

/**
 * The metrics of it in Prometheus's text.
 *
 * @param mostFeatures how many features have series of their own, in the order of the set.
 */
export function healthText(health: FeatureHealth, mostFeatures: number, nowMicros: number): string {
  const { silverNewest, drift, skew } = health;
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
    skew === undefined ? '' : skewText(skew, mostFeatures),
  ].join('');
}

function skewText({ compared, different, leftOut }: SkewCounts, mostFeatures: number): string {
  const differing = [...different].slice(0, mostFeatures);
  const others = [...different.values()].slice(mostFeatures).reduce((sum, count) => sum + count, 0);
  const samples = differing.map(([feature, count]): MetricSample => [`{feature="${feature}"}`, count]);
  // There from the first check on, so that an alert on its growth sees the first value that differs.
  samples.push(['{feature="others"}', others]);
  return [
    metricText(
      'sentinela_feature_skew_compared_total',
      'counter',
      'Served values that were recomputed from silver and compared, of samples',
      [['', compared]],
    ),
    metricText(
      'sentinela_feature_skew_different_total',
      'counter',
      'Of these the ones that differ, in a bit of the value or in the status',
      samples,
    ),
    metricText(
      'sentinela_feature_skew_left_out_total',
      'counter',
      'Decisions that were drawn and not compared, as their entities have more events than one check may read',
      [['', leftOut]],
    ),
  ].join('');
}
