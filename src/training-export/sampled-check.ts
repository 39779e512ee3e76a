import type { Clock } from '../base/clock.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import { type DuckDbLimits, openDuckDb } from '../storage/parquet/duckdb.ts';
import type { DataFile, Snapshot } from '../storage/scan/snapshot.ts';
import type { ObjectStore } from '../storage/store/object-store.ts';
import { openChecks, recordSample } from './record-check.ts';
import { compareSample, type SampledSkew, type SkewDraw } from './skew-sample.ts';
import { type SourceTables, sourceSnapshots } from './source-snapshots.ts';

/** What a sampled check works with. */
export interface SampledCheckPorts {
  /** The lake: what is found goes to its table gold/feature_checks. */
  readonly store: ObjectStore;
  readonly tables: SourceTables;
  readonly clock: Clock;
  readonly duckDb: DuckDbLimits;
}

/**
 * Compares a sample of the decisions that came to silver since the last sampled check of the set, and records it. How far
 * it came is in the commit of its rows: a check that was killed is done again as if it had not begun, and of several
 * servers one does it.
 *
 * @returns undefined where nothing came, or another has checked it.
 * @throws AppError as {@link compareSample} and {@link recordSample}.
 */
export async function checkSample(
  { store, tables, clock, duckDb }: SampledCheckPorts,
  set: FeatureSet,
  draw: Omit<SkewDraw, 'seed'>,
): Promise<SampledSkew | undefined> {
  const snapshots = await sourceSnapshots(tables, {});
  const decisions = snapshots['silver/decisions'];
  // The table's own id: where silver was made anew its versions begin again.
  const appId = `sampled-check/${set.name}@${set.version}/${decisions.metadata.id}`;
  const after = (await (await openChecks(store, clock)).snapshot()).transactionVersion(appId);
  if (after === decisions.version) return undefined;
  const files = await filesAfter(tables, decisions, after);
  const db = await openDuckDb(duckDb);
  try {
    // Another seed each time: over the days every entity has its turn.
    const seed = `${set.version} ${after ?? 'first'}`;
    const found = await compareSample(db, tables, snapshots, files, set, { ...draw, seed });
    const txn = { appId, version: decisions.version };
    const recorded = await recordSample(store, clock, found.report, draw.share, txn);
    return recorded === undefined ? undefined : found;
  } finally {
    db.close();
  }
}

/** Files with decisions that came after a version; where the log does not tell any more, all: the sample is bounded. */
async function filesAfter(
  tables: SourceTables,
  decisions: Snapshot,
  after: number | undefined,
): Promise<readonly DataFile[]> {
  const added = after === undefined ? undefined : await tables.table('silver/decisions').addedSince(after);
  if (added === undefined) return decisions.files;
  const keys = new Set(added.map(({ key }) => key));
  return decisions.files.filter(({ key }) => keys.has(key));
}
