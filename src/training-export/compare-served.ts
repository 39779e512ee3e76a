import type { FeatureOutput } from '../features/feature-output.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import { type ReplayPorts, replayPieces } from '../features/replay/replay.ts';
import { MEMORY_SPILL } from '../features/spill/memory-spill.ts';
import type { ColumnRead } from '../governance/lake-columns.ts';
import { ServedSpill } from './served-spill.ts';
import { type ServedFeature, servedTally } from './served-tally.ts';
import { cellOf, differingFeatures, SERVED_BY_COLUMNS, servedBy, statusOf } from './served-vectors.ts';
import { readsOf } from './silver-reads.ts';
import { readSilver, replayRecords, type SilverSource } from './silver-source.ts';
import type { SourceTables, SourceVersions } from './source-snapshots.ts';

/** A feature that was served with one value and is recomputed with another. */
export interface SkewExample {
  readonly endToEndId: string;
  readonly side: string;
  readonly feature: string;
  /** Null where absent. */
  readonly served: number | null;
  readonly servedStatus: string;
  readonly recomputed: number | null;
  readonly recomputedStatus: string;
}

/** What a comparison of served and recomputed features found. */
export interface SkewReport {
  readonly featureSet: { readonly name: string; readonly version: string };
  readonly versions: SilverSource['versions'];
  readonly decisions: number;
  /** Decisions made with another version of the set: they cannot be compared. */
  readonly otherVersions: number;
  readonly comparedValues: number;
  readonly differingValues: number;
  readonly differingDecisions: number;
  /** Known time of the newest decision that was compared, microseconds; null where there is none. */
  readonly newestDecisionMicros: number | null;
  readonly first: SkewExample | null;
  /** What was served of each feature, in the order of the set. */
  readonly features: readonly ServedFeature[];
}

/**
 * Computes the features of every decision in silver again and compares them with what was served:
 * value by value, bit by bit, statuses too.
 *
 * @param wanted versions of the tables; the newest unless told.
 * @param read some of the decisions, with everything that happened to their entities; all unless told.
 * @param ports what features are computed with.
 * @throws AppError as storage and {@link replayPieces}.
 */
export async function compareServed(
  tables: SourceTables,
  set: FeatureSet,
  wanted: SourceVersions = {},
  read?: ColumnRead,
  ports: ReplayPorts = {},
): Promise<SkewReport> {
  const served = new ServedSpill(set, ports.spill ?? MEMORY_SPILL);
  try {
    const reading = (of?: ColumnRead): ColumnRead => served.reading(of);
    const columns = { decisions: [...SERVED_BY_COLUMNS, 'known_time'], reading };
    return await compareAll(await readSilver(tables, set, wanted, columns, read), set, served, ports);
  } finally {
    served.close();
  }
}

async function compareAll(
  source: SilverSource,
  set: FeatureSet,
  vectors: ServedSpill,
  ports: ReplayPorts,
): Promise<SkewReport> {
  const { payments, sides, decisions, decisionOf } = source;
  const isOurs = servedBy(source, set);
  const decided = decisionOf.reduce((count, decision) => (decision >= 0 ? count + 1 : count), 0);
  const rows = Int32Array.from({ length: payments.count }, (_, row) => row).filter(isOurs);
  const knownTimes = decisions.numbers('known_time');
  const tally = servedTally(set);
  let newest: number | null = null;
  let differingValues = 0;
  let differingDecisions = 0;
  let first: SkewExample | null = null;
  const compare = (row: number, out: FeatureOutput): void => {
    const decision = decisionOf[row] as number;
    const served = vectors.vector(decision);
    newest = Math.max(newest ?? Number.NEGATIVE_INFINITY, knownTimes[decision] as number);
    const differing = differingFeatures(served, out);
    tally.see(served, differing);
    if (differing.length === 0) return;
    differingDecisions += 1;
    differingValues += differing.length;
    const at = differing[0] ?? 0;
    first ??= {
      endToEndId: payments.ids.at(row) ?? '',
      side: sides.at(row) ?? '',
      feature: set.names[at] ?? '',
      served: cellOf(served, at),
      servedStatus: statusOf(served, at),
      recomputed: cellOf(out, at),
      recomputedStatus: statusOf(out, at),
    };
  };
  let compared = 0;
  for await (const { count, vector } of replayPieces(set, replayRecords(source), readsOf(source, rows), ports)) {
    for (let read = 0; read < count; read += 1) compare(rows[compared + read] as number, vector(read));
    compared += count;
  }
  return {
    featureSet: { name: set.name, version: set.version },
    versions: source.versions,
    decisions: rows.length,
    otherVersions: decided - rows.length,
    comparedValues: rows.length * set.names.length,
    differingValues,
    differingDecisions,
    newestDecisionMicros: newest,
    first,
    features: tally.features(),
  };
}
