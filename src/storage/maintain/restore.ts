import { AppError } from '../../base/errors.ts';
import { forEachAtOnce } from '../../base/for-each-at-once.ts';
import type { AddFile } from '../log/actions.ts';
import { versionAt } from '../log/commit-time.ts';
import { vectorId } from '../log/file-table.ts';
import type { TableLog } from '../log/table-log.ts';
import type { TableState } from '../log/table-state.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { type CommitOutcome, checkTakesRemoves, commitWork } from '../transaction/commit-loop.ts';
import { READ_NOTHING, removeOf, type TransactionContext, type Work } from '../transaction/work.ts';
import { parseStatistics } from '../types/statistics.ts';
import { liveAdds } from './live-files.ts';
import { objectsOf } from './named-objects.ts';
import { checkNoOpenVacuum } from './open-vacuum.ts';
import { mergedProtocol, restoredDomains, restoredMetadata } from './restored-table.ts';
import { isSame } from './same-action.ts';

/** Where a table shall go back to: one of both is told. */
export interface RestoreRequest {
  readonly version?: number;
  /** The newest version at or before it, in milliseconds since 1970. */
  readonly timestampMs?: number;
  /** Leaves out files that were vacuumed, with their rows; without it they refuse the whole. */
  readonly ignoreMissingFiles?: boolean;
  /** Goes on though a VACUUM began and did not end, as it does where it died. */
  readonly besideVacuum?: boolean;
}

/**
 * Makes a table what it was, in a new commit (Delta Spark, RESTORE): files of then that are not live
 * come back, those that came since go; a file is what its path and its deletion vector are. Later
 * versions stay readable. Whoever commits meanwhile makes it a conflict: what he wrote would be lost unseen; so
 * does a VACUUM that begins.
 *
 * @throws AppError version_not_found, invalid_request, table_corrupt naming a file that was vacuumed,
 * table_unsupported for an append-only table, commit_conflict where a VACUUM is under way.
 */
export async function restoreTable(context: TransactionContext, request: RestoreRequest): Promise<CommitOutcome> {
  const now = await context.snapshot();
  const version = await versionOf(context.log, now, request);
  const then = await context.snapshot(version);
  const plan = planRestore(context.log, now.state, then.state);
  if (plan.removes.length > 0) checkTakesRemoves(now);
  if (plan.adds.length > 0 && request.besideVacuum !== true) await checkNoOpenVacuum(context, now);
  const { adds, missing } = await availableOf(context.log, plan.adds);
  if (missing.length > 0 && request.ignoreMissingFiles !== true) throw gone(now.table, version, missing);
  const nowMs = context.nowMs();
  const work: Work = {
    operation: 'RESTORE',
    parameters: parametersOf(request),
    metrics: metricsOf(then.state, adds, plan.removes, plan.adds),
    reads: { ...READ_NOTHING, wholeTable: true },
    isolation: 'Serializable',
    adds: adds.map((add) => ({ ...add, dataChange: true })),
    removes: plan.removes.map((add) => removeOf(add, nowMs, true)),
    domains: restoredDomains(now.state, then.state),
    keepsRowIds: true,
    revivesFiles: adds.length > 0,
    ...changedTable(now.state, then.state),
  };
  if (isEmpty(work)) return { kind: 'nothing', version: now.version };
  const outcome = await commitWork(context, now, work);
  return outcome.kind === 'committed' ? { ...outcome, files: adds.length, rows: rowsOf(adds) } : outcome;
}

async function versionOf(log: TableLog, now: Snapshot, { version, timestampMs }: RestoreRequest): Promise<number> {
  if ((version === undefined) === (timestampMs === undefined)) {
    throw new AppError('invalid_request', 'RESTORE takes a version or a timestamp, one of both');
  }
  if (timestampMs !== undefined) return await versionAt(log, now, timestampMs);
  if (version !== undefined && version <= now.version) return version;
  throw new AppError(
    'version_not_found',
    `The table ${log.table} has no version ${version}; the newest is ${now.version}`,
  );
}

interface RestorePlan {
  readonly adds: readonly AddFile[];
  readonly removes: readonly AddFile[];
}

/** Live files of the one state that the other lacks, and the other way round, by path and deletion vector. */
function planRestore(log: Pick<TableLog, 'keyOf'>, now: TableState, then: TableState): RestorePlan {
  const nameOf = ({ path, deletionVector }: AddFile): string => `${log.keyOf(path)}\n${vectorId(deletionVector)}`;
  const current = new Map<string, AddFile>();
  for (const add of liveAdds(now)) current.set(nameOf(add), add);
  const adds: AddFile[] = [];
  for (const add of liveAdds(then)) {
    // What is left at the end was not there then.
    if (!current.delete(nameOf(add))) adds.push(add);
  }
  return { adds, removes: [...current.values()] };
}

/** Files of which data and vector are there, and the keys of what is not. */
async function availableOf(
  log: TableLog,
  adds: readonly AddFile[],
): Promise<{ readonly adds: readonly AddFile[]; readonly missing: readonly string[] }> {
  const missing = new Map<AddFile, string>();
  await forEachAtOnce(adds, async (add) => {
    for (const key of objectsOf(log, add)) {
      const first = await log.store.get(key, { start: 0, end: 1 });
      if (first === undefined) missing.set(add, key);
    }
  });
  return { adds: adds.filter((add) => !missing.has(add)), missing: [...missing.values()].sort() };
}

function gone(table: string, version: number, missing: readonly string[]): AppError {
  const [first = ''] = missing;
  const others = missing.length === 1 ? '' : ` and ${missing.length - 1} more`;
  return new AppError(
    'table_corrupt',
    `The table ${table} cannot be restored to version ${version}: ${first}${others} is gone, most likely vacuumed. ` +
      'Restore a later version, or leave out what is gone (ignoreMissingFiles)',
    { table, version, key: first },
  );
}

function changedTable(now: TableState, then: TableState): Pick<Work, 'metadata' | 'protocol'> {
  const metadata = restoredMetadata(now.metadata, then.metadata);
  const protocol = mergedProtocol(now.protocol, then.protocol);
  return {
    ...(isSame(metadata, now.metadata) ? {} : { metadata }),
    ...(isSame(protocol, now.protocol) ? {} : { protocol }),
  };
}

function isEmpty({ adds = [], removes = [], domains = [], metadata, protocol }: Work): boolean {
  return adds.length + removes.length + domains.length === 0 && metadata === undefined && protocol === undefined;
}

function parametersOf({ version, timestampMs }: RestoreRequest): Readonly<Record<string, string>> {
  if (timestampMs !== undefined) return { timestamp: new Date(timestampMs).toISOString() };
  return { version: String(version) };
}

function metricsOf(
  then: TableState,
  adds: readonly AddFile[],
  removes: readonly AddFile[],
  planned: readonly AddFile[],
): Readonly<Record<string, string>> {
  const sizeOf = (files: readonly AddFile[]): number => files.reduce((sum, { size }) => sum + Number(size), 0);
  return {
    tableSizeAfterRestore: String(then.sizeBytes - sizeOf(planned) + sizeOf(adds)),
    numOfFilesAfterRestore: String(then.fileCount - planned.length + adds.length),
    numRemovedFiles: String(removes.length),
    numRestoredFiles: String(adds.length),
    removedFilesSize: String(sizeOf(removes)),
    restoredFilesSize: String(sizeOf(adds)),
  };
}

function rowsOf(adds: readonly AddFile[]): number {
  return adds.reduce((sum, { stats, deletionVector }) => {
    const records = stats === undefined ? 0 : (parseStatistics(stats)?.numRecords ?? 0);
    return sum + records - (deletionVector?.cardinality ?? 0);
  }, 0);
}
