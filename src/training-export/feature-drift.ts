import { AppError } from '../base/errors.ts';
import { instantOfMicros } from '../domain/instant.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import type { ObjectStore } from '../storage/store/object-store.ts';
import { chanceIndex, kolmogorovDistance, stabilityIndex } from './drift-figures.ts';
import { MANIFEST_FILE } from './export-format.ts';
import type { FeatureHistogram } from './feature-histogram.ts';
import { setOfManifest } from './manifest-set.ts';
import { readManifest } from './read-manifest.ts';
import { countServed, type ServedCounts } from './served-counts.ts';
import type { SourceTables } from './source-snapshots.ts';
import type { Histograms } from './training-counts.ts';

/** What a stability index means, by the thresholds that credit scoring has long used. */
export type DriftVerdict = 'stable' | 'moved' | 'shifted';

/** Shares of rows without a value, 0 to 1, by why. */
export interface AbsenceRates {
  readonly null: number;
  readonly notFound: number;
  readonly truncated: number;
  /** All other reasons: too late, overflow, unavailable, expired. */
  readonly other: number;
}

/** How far what is served of a feature is from what a model was trained on. */
export interface FeatureDrift {
  readonly feature: string;
  /** Over the training set's bins, and one more for rows without a value. */
  readonly psi: number;
  readonly verdict: DriftVerdict;
  /** What the index is on average where nothing has moved: it falls with the number of rows. */
  readonly chance: number;
  /** Of the values that are there; null where one side has none. */
  readonly ks: number | null;
  readonly trained: AbsenceRates;
  readonly served: AbsenceRates;
}

/** A comparison of decisions with a training set. */
export interface DriftReport {
  readonly featureSet: { readonly name: string; readonly version: string };
  /** Which rows of the export were counted. */
  readonly split: Histograms['split'];
  readonly trainingRows: number;
  /** Version of silver/decisions. */
  readonly decisionsVersion: number;
  readonly since: string | null;
  readonly decisions: number;
  /** Decisions in the window that were made with other sets: they are left out. */
  readonly otherDecisions: number;
  readonly firstDecision: string;
  readonly lastDecision: string;
  /** The largest index first. */
  readonly features: readonly FeatureDrift[];
}

/** What a comparison works with. */
export interface DriftPorts {
  readonly tables: SourceTables;
  /** The folder of the export. */
  readonly files: ObjectStore;
  /** Told how many of the table's decisions were read, and how many it has where that is known. */
  readonly onRead?: (rows: number, all: number | undefined) => void;
}

/** From which index on a feature has moved, and from which it has shifted. */
const MOVED = 0.1;
const SHIFTED = 0.25;

/**
 * Compares the features that decisions were made with, from an instant on, with the histograms of a training set.
 *
 * @param sinceMicros decisions known before it are left out; null takes all.
 * @throws AppError `not_found` where the folder holds no export or the window no decision; `feature_not_found` where its
 * decisions were made with other sets; `invalid_file` where the export has no histograms; `export_mismatch`; those of storage.
 */
export async function featureDrift(ports: DriftPorts, sinceMicros: number | null): Promise<DriftReport> {
  const manifest = await readManifest(ports.files);
  const set = setOfManifest(manifest);
  const histograms = checkedHistograms(manifest.histograms, set);
  const snapshot = await ports.tables.table('silver/decisions').snapshot();
  const edges = histograms.features.map((histogram) => histogram.edges);
  const counts = await countServed(snapshot, set, edges, sinceMicros, (rows) =>
    ports.onRead?.(rows, snapshot.rowCount),
  );
  const since = sinceMicros === null ? null : instantOfMicros(sinceMicros);
  const { firstMicros, lastMicros } = counts;
  if (firstMicros === null || lastMicros === null) throw nothingServed(counts, set, since);
  return {
    featureSet: { name: set.name, version: set.version },
    split: histograms.split,
    trainingRows: histograms.rows,
    decisionsVersion: snapshot.version,
    since,
    decisions: counts.decisions,
    otherDecisions: otherDecisions(counts),
    firstDecision: instantOfMicros(firstMicros),
    lastDecision: instantOfMicros(lastMicros),
    features: driftFigures(histograms, counts).sort((a, b) => b.psi - a.psi || (a.feature < b.feature ? -1 : 1)),
  };
}

/** The figures of each feature, in the order of the set. @param counts over the edges of the histograms. */
export function driftFigures(
  { features, rows }: Histograms,
  counts: Pick<ServedCounts, 'decisions' | 'bins' | 'absent'>,
): FeatureDrift[] {
  return features.map((histogram, at) => driftOf(histogram, rows, counts, at));
}

function driftOf(
  histogram: FeatureHistogram,
  rows: number,
  counts: Pick<ServedCounts, 'decisions' | 'bins' | 'absent'>,
  at: number,
): FeatureDrift {
  const { feature } = histogram;
  // A feature that no training row had has no bin: what is served of it is in one.
  const trained = histogram.counts.length === 0 ? [0] : histogram.counts;
  const served = counts.bins[at] ?? [];
  const absent = counts.absent[at] ?? {};
  const withAbsent = (bins: readonly number[], why: Readonly<Record<string, number>>): readonly number[] => [
    ...bins,
    sumOf(Object.values(why)),
  ];
  const [expected, actual] = [withAbsent(trained, histogram.absent), withAbsent(served, absent)];
  const psi = stabilityIndex(expected, actual);
  const used = expected.filter((count, bin) => count > 0 || (actual[bin] ?? 0) > 0).length;
  return {
    feature,
    psi,
    verdict: psi < MOVED ? 'stable' : psi < SHIFTED ? 'moved' : 'shifted',
    chance: chanceIndex(used, rows, counts.decisions),
    ks: kolmogorovDistance(trained, served),
    trained: ratesOf(histogram.absent, rows),
    served: ratesOf(absent, counts.decisions),
  };
}

function ratesOf(absent: Readonly<Record<string, number>>, rows: number): AbsenceRates {
  const { null: none = 0, not_found: notFound = 0, truncated = 0, ...others } = absent;
  return {
    null: none / rows,
    notFound: notFound / rows,
    truncated: truncated / rows,
    other: sumOf(Object.values(others)) / rows,
  };
}

/**
 * Histograms that have the set's features, and count every row once: figures of others would be of nothing.
 *
 * @throws AppError `invalid_file` where they are not.
 */
export function checkedHistograms(histograms: Histograms | null | undefined, { names }: FeatureSet): Histograms {
  if (histograms === null || histograms === undefined) {
    throw new AppError(
      'invalid_file',
      `${MANIFEST_FILE} has no histograms, as no row of the export is a training row: make an export that has some`,
    );
  }
  const isWhole =
    histograms.rows > 0 &&
    histograms.features.length === names.length &&
    histograms.features.every(
      ({ feature, edges, counts, absent }, at) =>
        feature === names[at] &&
        edges.length === Math.max(0, counts.length - 1) &&
        sumOf(counts) + sumOf(Object.values(absent)) === histograms.rows,
    );
  if (isWhole) return histograms;
  throw new AppError('invalid_file', `the histograms in ${MANIFEST_FILE} are not whole: make the export again`);
}

function nothingServed(counts: ServedCounts, { name, version }: FeatureSet, since: string | null): AppError {
  const window = since === null ? 'silver/decisions' : `silver/decisions from ${since} on`;
  if (counts.others.size === 0) {
    const hint =
      since === null ? 'score payments, then run the job bronze-to-silver' : 'name an earlier date by --since';
    return new AppError('not_found', `there is no decision in ${window}: ${hint}`);
  }
  const made = [...counts.others].sort(([, a], [, b]) => b - a).map(([set, rows]) => `${set} (${rows})`);
  return new AppError(
    'feature_not_found',
    `the export is of ${name}@${version}, and decisions in ${window} were made with ${made.join(', ')}: take an export of that set`,
  );
}

function otherDecisions({ others }: ServedCounts): number {
  return sumOf([...others.values()]);
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
