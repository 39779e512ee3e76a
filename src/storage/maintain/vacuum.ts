import { AppError } from '../../base/errors.ts';
import { forEachAtOnce } from '../../base/for-each-at-once.ts';
import { tablePrefix } from '../log/log-names.ts';
import { checkWritable } from '../log/table-features.ts';
import { deletedFileRetentionMs } from '../log/table-properties.ts';
import type { TableState } from '../log/table-state.ts';
import { commitWork, conflictError } from '../transaction/commit-loop.ts';
import { READ_NOTHING, type TransactionContext, VACUUM_END, VACUUM_START, type Work } from '../transaction/work.ts';
import { writeLastVacuum } from './last-vacuum.ts';
import { LONGEST_DELETING_MS } from './open-vacuum.ts';
import { commitsToVacuum, newestExpired, type UnneededFile, unneededOfListing, unneededOfLog } from './vacuum-files.ts';
import { cutOffOf, type Retention, vacuumRules } from './vacuum-plan.ts';

/** How a vacuum goes about. */
export interface VacuumRequest extends Retention {
  /** `full` lists the whole folder; `lite` only looks into the commits since the last vacuum. `full` unless told. */
  readonly mode?: 'full' | 'lite';
  /** Tells what would go, and deletes nothing. */
  readonly dryRun?: boolean;
}

/** What a vacuum took, or would take. */
export interface VacuumReport {
  readonly files: number;
  readonly sizeBytes: number;
  /** The first keys, in the order in which they were found: {@link MAX_LISTED_FILES} at most. */
  readonly keys: readonly string[];
  /** Files that were written, or left the table, at or after it were kept, in milliseconds since 1970. */
  readonly cutOffMs: number;
  /** The versions of its commits, START and END; none after a dry run. */
  readonly versions: readonly number[];
}

/** Keys that a report names, as Spark's does: a table may have millions of them. */
export const MAX_LISTED_FILES = 1000;

/** After it a file that is being written is taken for one that a crash left, however short the retention is. */
const LONGEST_WRITING_MS = 86_400_000;

/** Tries of a commit that says only that a vacuum began or ended. */
const MAX_TRIES = 10;

/**
 * Deletes the files that no version needs which is within the retention: those of expired tombstones, and
 * those that never were committed (PROTOCOL.md, "VACUUM Protocol Check"; Delta Spark, VacuumCommand). The
 * log tells of it in two commits without actions, VACUUM START and VACUUM END.
 *
 * Versions from before the retention cannot be read any more, nor can be what reads such a file since it was
 * cloned. Always checks whether we may write the table at all: features rule over what files are needed.
 *
 * @throws AppError invalid_request for too short a retention, table_unsupported, commit_conflict, storage_failed.
 */
export async function vacuumTable(context: TransactionContext, request: VacuumRequest = {}): Promise<VacuumReport> {
  const { table, protocol, metadata, state } = await context.snapshot();
  checkWritable(table, protocol, metadata);
  const cutOffMs = cutOffOf(metadata, request, context.nowMs());
  const planned = await totalOf(await unneeded(context, request, state, cutOffMs));
  if (request.dryRun === true) return { ...planned, cutOffMs, versions: [] };
  const started = await note(context, startOf(request, state, planned));
  let done: Deleted;
  try {
    done = await deleteUnneeded(context, request, { started, cutOffMs });
  } catch (error) {
    // Whatever it was: a RESTORE waits for the end.
    const failed: Work = { operation: VACUUM_END, parameters: { status: 'FAILED' }, reads: READ_NOTHING };
    await note(context, failed).catch(() => undefined);
    throw error;
  }
  const ended = await note(context, endOf(done.total));
  // Only saves a lite vacuum from looking into the same commits again.
  const expired = await newestExpired(context.log, done.state, cutOffMs);
  await writeLastVacuum(context.log.store, table, expired).catch(() => undefined);
  return { ...done.total, cutOffMs, versions: [started, ended] };
}

interface Deleted {
  readonly total: Total;
  /** The table that was gone by. */
  readonly state: TableState;
}

async function deleteUnneeded(
  context: TransactionContext,
  request: VacuumRequest,
  { started, cutOffMs }: { readonly started: number; readonly cutOffMs: number },
): Promise<Deleted> {
  const { store, table } = context.log;
  const endMs = context.nowMs() + LONGEST_DELETING_MS;
  // What came back since it was planned, by RESTORE, is kept.
  const state = await stateSince(context, started);
  checkWritable(table, state.protocol, state.metadata);
  const total = await deleteAll(context, await unneeded(context, request, state, cutOffMs), endMs);
  if (request.mode !== 'lite') {
    await store.discardUnfinished?.(tablePrefix(table), Math.min(cutOffMs, context.nowMs() - LONGEST_WRITING_MS));
  }
  return { total, state };
}

/** The table at a version or a later one: a store may answer as it was a moment ago. */
async function stateSince(context: TransactionContext, version: number): Promise<TableState> {
  for (let attempt = 1; ; attempt += 1) {
    const { state } = await context.snapshot();
    if (state.version >= version) return state;
    if (attempt >= MAX_TRIES) {
      throw new AppError('storage_failed', `The store does not show version ${version} of ${context.log.table} yet`);
    }
  }
}

async function unneeded(
  { log, nowMs }: TransactionContext,
  { mode }: VacuumRequest,
  state: TableState,
  cutOffMs: number,
): Promise<AsyncIterable<UnneededFile>> {
  const rules = await vacuumRules(log, state, cutOffMs, nowMs());
  if (mode !== 'lite') return unneededOfListing(log, rules);
  const expired = await newestExpired(log, state, cutOffMs);
  return unneededOfLog(log, await commitsToVacuum(log, state, expired), rules);
}

type Total = Pick<VacuumReport, 'files' | 'sizeBytes' | 'keys'>;

async function totalOf(files: AsyncIterable<UnneededFile>): Promise<Total> {
  const total = { files: 0, sizeBytes: 0, keys: [] as string[] };
  for await (const file of files) count(total, file);
  return total;
}

function count(total: { files: number; sizeBytes: number; keys: string[] }, { key, sizeBytes }: UnneededFile): void {
  total.files += 1;
  total.sizeBytes += sizeBytes;
  if (total.keys.length < MAX_LISTED_FILES) total.keys.push(key);
}

/** Files that are deleted before the listing goes on. */
const BATCH = 256;

/** @throws AppError storage_failed at the time at which others may take it for dead. */
async function deleteAll(
  { log, nowMs }: TransactionContext,
  files: AsyncIterable<UnneededFile>,
  endMs: number,
): Promise<Total> {
  const total = { files: 0, sizeBytes: 0, keys: [] as string[] };
  let batch: UnneededFile[] = [];
  const flush = async (): Promise<void> => {
    if (nowMs() > endMs) {
      throw new AppError(
        'storage_failed',
        `VACUUM of ${log.table} took too long and stopped: run it again, it goes on`,
      );
    }
    await forEachAtOnce(batch, ({ key }) => log.store.delete(key));
    for (const file of batch) count(total, file);
    batch = [];
  };
  for await (const file of files) {
    batch.push(file);
    if (batch.length >= BATCH) await flush();
  }
  await flush();
  return total;
}

function startOf(request: VacuumRequest, { metadata }: TableState, { files, sizeBytes }: Total): Work {
  return {
    operation: VACUUM_START,
    parameters: {
      retentionCheckEnabled: String(request.allowShortRetention !== true),
      defaultRetentionMillis: String(deletedFileRetentionMs(metadata)),
      ...(request.retentionMs === undefined ? {} : { specifiedRetentionMillis: String(request.retentionMs) }),
    },
    metrics: { numFilesToDelete: String(files), sizeOfDataToDelete: String(sizeBytes) },
    reads: READ_NOTHING,
  };
}

function endOf({ files }: Total): Work {
  return {
    operation: VACUUM_END,
    parameters: { status: 'COMPLETED' },
    // An object store has no folders that could be left empty.
    metrics: { numDeletedFiles: String(files), numVacuumedDirectories: '0' },
    reads: READ_NOTHING,
  };
}

/** Commits what only tells something: whatever others did, it can follow them. */
async function note(context: TransactionContext, work: Work): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const snapshot = await context.snapshot();
    const outcome = await commitWork(context, snapshot, work);
    if (outcome.kind !== 'conflict') return outcome.version;
    if (attempt >= MAX_TRIES) throw conflictError(snapshot.table, outcome);
  }
}
