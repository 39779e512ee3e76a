import { AppError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import type { JobPorts } from '../pipeline/job.ts';
import type { FeatureHealth } from '../server/feature-health.ts';
import { localObjectStore } from '../storage/store/local-object-store.ts';
import { type DriftWindow, newestKnown, openDriftWindow } from '../training-export/drift-window.ts';

/** What the lake's thread looks at, beside the tables. */
export interface FeatureWatchParts {
  readonly set: FeatureSet;
  readonly ports: JobPorts;
  /** Folder of the export that drift is measured against; empty for none. */
  readonly driftExport: string;
}

/** Follows what was served, run by run. */
export interface FeatureWatch {
  /** Looks at what came to silver since the last run. @throws AppError as storage, and as `openDriftWindow`. */
  look(): Promise<FeatureHealth>;
}

const SILVER = ['transactions', 'decisions', 'labels'] as const;

/** Starts a watch; nothing is read before the first run. */
export function featureWatch({ set, ports, driftExport }: FeatureWatchParts): FeatureWatch {
  const { lake, clock } = ports;
  let window: DriftWindow | undefined;
  return {
    async look() {
      const silverNewest: Record<string, number> = {};
      for (const table of SILVER) {
        const newest = newestKnown(await lake.table(`silver/${table}`).snapshot());
        if (newest !== undefined) silverNewest[table] = newest;
      }
      if (driftExport === '') return { silverNewest };
      window ??= await openDriftWindow(
        {
          decisions: lake.table('silver/decisions'),
          files: localObjectStore(driftExport),
          windowMicros: LIMITS.driftWindowMicros,
          mostDecisions: LIMITS.driftDecisions,
        },
        set,
      );
      const drift = await window.advance(clock.nowMicros());
      return drift === undefined ? { silverNewest } : { silverNewest, drift };
    },
  };
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
    throw new AppError(error.code, `SENTINELA_DRIFT_EXPORT ${folder}: ${error.message}`, error.context, error);
  }
}
