import { AppError } from '../base/errors.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import type { DataFile, Snapshot } from '../storage/scan/snapshot.ts';
import type { ObjectStore } from '../storage/store/object-store.ts';
import type { DeltaTable } from '../storage/table.ts';
import { checkedHistograms, driftFigures, type FeatureDrift } from './feature-drift.ts';
import { readManifest } from './read-manifest.ts';
import { countServed, filesSince, type ServedCounts } from './served-counts.ts';

/** The figures of drift of what was served lately. */
export interface WindowDrift {
  readonly decisions: number;
  /** In the order of the set. */
  readonly features: readonly FeatureDrift[];
}

/** What a window works with. */
export interface DriftWindowPorts {
  /** silver/decisions. */
  readonly decisions: DeltaTable;
  /** The folder of the export. */
  readonly files: ObjectStore;
  /** How far it looks back. */
  readonly windowMicros: number;
  /** Decisions that one call counts at most, the newest ones. */
  readonly mostDecisions: number;
}

/** Follows drift: each call counts only what came to silver since the one before. */
export interface DriftWindow {
  /**
   * Undefined where no decision of the set is in the window.
   *
   * @throws AppError as storage; what was counted before stays, and what was not is counted by the next call.
   */
  advance(nowMicros: number): Promise<WindowDrift | undefined>;
}

/** Counts are kept by the hour of the newest decision of a file, and leave the window with it. */
const HOUR_MICROS = 3_600_000_000;

type Counts = Pick<ServedCounts, 'decisions' | 'bins' | 'absent'>;

/**
 * Opens a window over what is served, against the training rows of an export.
 *
 * @throws AppError as `featureDrift`; `export_mismatch` where the export is of another set than the one that is served.
 */
export async function openDriftWindow(ports: DriftWindowPorts, set: FeatureSet): Promise<DriftWindow> {
  const { decisions, files, windowMicros, mostDecisions } = ports;
  const { featureSet, histograms: said } = await readManifest(files);
  if (featureSet.sha256 !== set.hash) {
    throw new AppError(
      'export_mismatch',
      `the export is of ${featureSet.name}@${featureSet.version}, served is ${set.name}@${set.version}: name an export of that set`,
    );
  }
  const histograms = checkedHistograms(said, set);
  const edges = histograms.features.map((histogram) => histogram.edges);
  let counted = -1;
  const hours = new Map<number, Counts>();
  return {
    async advance(nowMicros) {
      const sinceMicros = nowMicros - windowMicros;
      const snapshot = await decisions.snapshot();
      const added = counted < 0 ? undefined : await decisions.addedSince(counted);
      // A log that was cleaned does not tell what came since: the window is counted anew.
      if (added === undefined) hours.clear();
      const wanted = newestFiles(filesSince(snapshot, sinceMicros, added ?? snapshot.files), mostDecisions);
      const fresh = new Map<number, Counts>();
      for (const [hour, group] of byHour(wanted)) {
        fresh.set(hour, await countServed(snapshot, set, edges, sinceMicros, () => {}, group));
      }
      counted = snapshot.version;
      for (const [hour, counts] of fresh) hours.set(hour, sumOf([hours.get(hour), counts]));
      for (const at of hours.keys()) if ((at + 1) * HOUR_MICROS <= sinceMicros) hours.delete(at);
      const all = sumOf([...hours.values()]);
      return all.decisions === 0 ? undefined : { decisions: all.decisions, features: driftFigures(histograms, all) };
    },
  };
}

/** Files from the newest back, until they hold as many rows; always one. */
function newestFiles(files: readonly DataFile[], mostRows: number): DataFile[] {
  const taken: DataFile[] = [];
  let rows = 0;
  for (const file of files.toSorted((a, b) => timeOf(b) - timeOf(a))) {
    rows += file.statistics()?.numRecords ?? 0;
    if (taken.length > 0 && rows > mostRows) break;
    taken.push(file);
  }
  return taken;
}

function byHour(files: readonly DataFile[]): Map<number, DataFile[]> {
  const groups = new Map<number, DataFile[]>();
  for (const file of files) {
    const hour = Math.floor(timeOf(file) / HOUR_MICROS);
    groups.set(hour, [...(groups.get(hour) ?? []), file]);
  }
  return groups;
}

function sumOf(all: readonly (Counts | undefined)[]): Counts {
  const [first, ...others] = all.filter((counts) => counts !== undefined);
  if (first === undefined) return { decisions: 0, bins: [], absent: [] };
  return others.reduce(
    (sum, { decisions, bins, absent }) => ({
      decisions: sum.decisions + decisions,
      bins: sum.bins.map((counts, at) => counts.map((count, bin) => count + (bins[at]?.[bin] ?? 0))),
      absent: sum.absent.map((counts, at) => addedUp(counts, absent[at] ?? {})),
    }),
    first,
  );
}

function addedUp(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sum: Record<string, number> = { ...a };
  for (const [why, rows] of Object.entries(b)) sum[why] = (sum[why] ?? 0) + rows;
  return sum;
}

/** Known time of the newest row of a table by the statistics of its files, microseconds; undefined where none says. */
export function newestKnown({ files }: Pick<Snapshot, 'files'>): number | undefined {
  const known = files.map(newestOf).filter((micros) => micros !== undefined);
  return known.length === 0 ? undefined : known.reduce((newest, micros) => Math.max(newest, micros));
}

function timeOf(file: DataFile): number {
  return newestOf(file) ?? file.modifiedMs * 1000;
}

function newestOf(file: DataFile): number | undefined {
  const text = file.statistics()?.maxValues.known_time;
  const millis = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(millis) ? undefined : millis * 1000;
}
