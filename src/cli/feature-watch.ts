import { AppError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import type { JobPorts } from '../pipeline/job.ts';
import type { FeatureHealth, SkewCounts } from '../server/feature-health.ts';
import { localObjectStore } from '../storage/store/local-object-store.ts';
import type { SkewExample } from '../training-export/compare-served.ts';
import { type DriftWindow, newestKnown, openDriftWindow } from '../training-export/drift-window.ts';
import { checkSample } from '../training-export/sampled-check.ts';
import type { SampledSkew } from '../training-export/skew-sample.ts';

/** What the lake's thread looks at, beside the tables. */
export interface FeatureWatchParts {
  readonly set: FeatureSet;
  readonly ports: JobPorts;
  /** Folder of the export that drift is measured against; empty for none. */
  readonly driftExport: string;
  /** Share of the decisions that are recomputed; 0 for none. */
  readonly skewSample: number;
}

/** Follows what was served. Each part counts what came to silver since its last run; one that fails leaves its figures. */
export interface FeatureWatch {
  /** @throws AppError as storage. */
  seeFreshness(): Promise<void>;
  /** @throws AppError as `openDriftWindow`, and as storage. */
  seeDrift(): Promise<void>;
  /**
   * @returns what differs, where anything does.
   * @throws AppError as `checkSample`.
   */
  seeSkew(): Promise<SkewExample | null>;
  /** What is known by now. */
  health(): FeatureHealth;
}

const SILVER = ['transactions', 'decisions', 'labels'] as const;

/** Starts a watch; nothing is read before the first run. */
export function featureWatch({ set, ports, driftExport, skewSample }: FeatureWatchParts): FeatureWatch {
  const { lake, clock, temporaryFolder, memoryLimitMb = 256, threads = 1 } = ports;
  const duckDb = { memoryLimitMb, threads, temporaryFolder };
  const draw = { share: skewSample, mostDecisions: LIMITS.skewDecisions, mostEvents: LIMITS.skewEvents };
  let health: FeatureHealth = {};
  let window: DriftWindow | undefined;
  let skew: SkewCounts = { compared: 0, different: new Map(), leftOut: 0 };
  return {
    health: () => health,
    async seeFreshness() {
      const silverNewest: Record<string, number> = {};
      for (const table of SILVER) {
        const newest = newestKnown(await lake.table(`silver/${table}`).snapshot());
        if (newest !== undefined) silverNewest[table] = newest;
      }
      health = { ...health, silverNewest };
    },
    async seeDrift() {
      if (driftExport === '') return;
      window ??= await openDriftWindow(
        {
          decisions: lake.table('silver/decisions'),
          files: localObjectStore(driftExport),
          windowMicros: LIMITS.driftWindowMicros,
          mostDecisions: LIMITS.driftDecisions,
        },
        set,
      );
      const drift = (await window.advance(clock.nowMicros())) ?? { decisions: 0, features: [] };
      health = { ...health, drift };
    },
    async seeSkew() {
      if (skewSample === 0) return null;
      const found = await checkSample({ store: lake.store, tables: lake, clock, duckDb }, set, draw);
      if (found !== undefined) skew = addedUp(skew, found);
      health = { ...health, skew };
      return found?.report.first ?? null;
    },
  };
}

function addedUp({ compared, different, leftOut }: SkewCounts, found: SampledSkew): SkewCounts {
  const sum = new Map(different);
  for (const { feature, differing } of found.report.features) {
    if (differing > 0) sum.set(feature, (sum.get(feature) ?? 0) + differing);
  }
  return { compared: compared + found.report.comparedValues, different: sum, leftOut: leftOut + found.leftOut };
}

/** Refuses an export that drift cannot be measured against, before anything is served. @throws AppError as `openDriftWindow`. */
export async function requireDriftExport(
  folder: string,
  set: FeatureSet,
  ports: Pick<JobPorts, 'lake'>,
): Promise<void> {
  if (folder === '') return;
  const decisions = ports.lake.table('silver/decisions');
  const limits = { windowMicros: LIMITS.driftWindowMicros, mostDecisions: LIMITS.driftDecisions };
  try {
    await openDriftWindow({ decisions, files: localObjectStore(folder), ...limits }, set);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.code, `what drift is measured against, ${folder}: ${error.message}`, error.context, error);
  }
}
