import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { type DuckDb, openDuckDb } from '../storage/parquet/duckdb.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import type { CommitOutcome } from '../storage/transaction/commit-loop.ts';
import type { Lake } from './lake.ts';

/** What a job of the lake works with. */
export interface JobPorts {
  readonly lake: Lake;
  readonly clock: Clock;
  /** Where DuckDB spills what does not fit its memory. */
  readonly temporaryFolder: string;
  /** DuckDB's memory; 512 MB unless told. */
  readonly memoryLimitMb?: number;
  /** DuckDB's threads; two unless told. */
  readonly threads?: number;
}

/** What a job did. */
export interface JobFigures {
  /** Rows that were looked at. */
  readonly read: number;
  readonly written: number;
  /** Rows that were there already, or twice in what was read. */
  readonly duplicates: number;
  /** Rows that went to quarantine. */
  readonly quarantined: number;
  /** Quarantined rows by the code of the expectation. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Versions of the tables that the job writes, after it. */
  readonly versions: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
}

/** What a job did with one table. */
export type TableFigures = Pick<JobFigures, 'read' | 'written' | 'quarantined' | 'reasons' | 'versions'>;

/** A table changed between plan and commit: the job plans anew. */
export class PlanOutdated extends Error {}

/** Turns a lost race into a new plan. @throws PlanOutdated. */
export function requireCommitted(outcome: CommitOutcome): number {
  if (outcome.kind === 'conflict') throw new PlanOutdated(outcome.reason);
  return outcome.version;
}

/** Names a table that a job made another from: one that was made anew is another, whose versions begin again. */
export function sourceId({ table, metadata }: Pick<Snapshot, 'table' | 'metadata'>): string {
  return `${table}@${metadata.id}`;
}

/** Plans after which a job gives up: another job keeps changing what it writes. */
const MAX_PLANS = 5;

/**
 * Runs a job with a DuckDB of its own, from the plan on again where another writer won the race.
 *
 * @throws AppError commit_conflict after some plans.
 */
export async function runJob<T>(ports: JobPorts, attempt: (db: DuckDb) => Promise<T>): Promise<T> {
  for (let plan = 1; ; plan += 1) {
    const { memoryLimitMb = 512, threads = 2, temporaryFolder } = ports;
    const db = await openDuckDb({ memoryLimitMb, threads, temporaryFolder });
    try {
      return await attempt(db);
    } catch (error) {
      if (!(error instanceof PlanOutdated)) throw error;
      if (plan === MAX_PLANS) {
        throw new AppError(
          'commit_conflict',
          `Another writer changed the tables during ${plan} plans (${error.message}); run the job again`,
        );
      }
    } finally {
      db.close();
    }
  }
}
