import { type CheckpointEnvironment, writeCheckpoint } from '../log/checkpoint-write.ts';
import { cleanUpLog } from '../log/log-cleanup.ts';
import { writeCompaction } from '../log/log-compaction.ts';
import type { TableLog } from '../log/table-log.ts';
import { checkpointInterval, isDisabled } from '../log/table-properties.ts';
import type { TableState } from '../log/table-state.ts';
import { checksumError, verifyChecksum, writeChecksum } from '../log/version-checksum.ts';
import type { Work } from '../transaction/work.ts';
import type { AutoCompaction } from './auto-compaction.ts';

/*
 * What a writer does for readers after its commit: none of it decides whether the commit stands, so
 * none of it may fail the commit. In this order: the checksum, the compaction, the checkpoint, the clean-up.
 */

/** What tending a log needs from outside. */
export interface LogTending {
  readonly log: TableLog;
  readonly nowMs: () => number;
  readonly newUuid: () => string;
  /**
   * Commits that are written once more in one file; none without it. A reader without a fresh
   * checkpoint then makes one request where it made as many, at the price of writing every action twice: right
   * for an object store and many small commits. Divide the checkpoint interval by it: a compaction that begins at
   * or before a checkpoint is of no use after it.
   */
  readonly compactionInterval?: number | undefined;
  /** Told of what failed. */
  readonly onFault?: ((error: unknown) => void) | undefined;
}

/**
 * What follows a commit of ours, in this order: its log is tended, then its files are compacted where that is due.
 *
 * @param before as {@link tendLog} takes it.
 */
export async function followUp(
  tending: LogTending,
  compaction: AutoCompaction,
  { version, work, before }: { readonly version: number; readonly work: Work; readonly before: TableState | undefined },
): Promise<void> {
  await tendLog(tending, version, before);
  // The commit that compaction makes comes here before the one that called for it has ended.
  await compaction.after(work, before).catch((error: unknown) => tending.onFault?.(error));
}

/**
 * Tends the log after a commit of ours.
 *
 * @param before the state that the commit was made from, where it is still at hand: its checksum may be another writer's.
 */
export async function tendLog(tending: LogTending, version: number, before: TableState | undefined): Promise<void> {
  const guarded = async (act: () => Promise<unknown>): Promise<void> => {
    await act().catch((error: unknown) => tending.onFault?.(error));
  };
  await guarded(async () => {
    const state = await tending.log.newest();
    const isDue = version > 0 && version % checkpointInterval(state.metadata) === 0;
    // Where others went on already the state of our version costs reading the table: they write their own checksums.
    if (state.version === version) await guarded(() => checksum(tending, state));
    if (isDue) await guarded(() => checkpointAndCleanUp(tending, version, before));
    else await guarded(() => compact(tending, version));
  });
}

async function checksum({ log }: LogTending, state: TableState): Promise<void> {
  const txnId = state.commitInfo?.txnId;
  await writeChecksum(log.store, log.table, state, typeof txnId === 'string' ? txnId : undefined);
}

async function compact({ log, compactionInterval }: LogTending, version: number): Promise<void> {
  if (compactionInterval === undefined || compactionInterval < 2 || version === 0) return;
  if (version % compactionInterval === 0) await writeCompaction(log, version - compactionInterval + 1, version);
}

async function checkpointAndCleanUp(
  tending: LogTending,
  version: number,
  before: TableState | undefined,
): Promise<void> {
  const { log, nowMs } = tending;
  if (before !== undefined && before.version < version) await checkAgainstChecksum(log, before);
  const state = await log.at(version);
  await checkpointAt(tending, state);
  if (isDisabled(state.metadata, 'delta.enableExpiredLogCleanup')) return;
  await cleanUpLog(log, state, nowMs());
}

/**
 * Writes the checkpoint of a state, if it is what its checksum says: every reader after it would build on
 * what is wrong.
 *
 * @throws AppError table_corrupt with both values.
 */
export async function checkpointAt({ log, nowMs, newUuid }: LogTending, state: TableState): Promise<void> {
  await checkAgainstChecksum(log, state);
  const environment: CheckpointEnvironment = { store: log.store, table: log.table, nowMs: nowMs(), newUuid };
  await writeCheckpoint(environment, state);
}

async function checkAgainstChecksum({ store, table }: TableLog, state: TableState): Promise<void> {
  const mismatches = await verifyChecksum(store, table, state);
  if (mismatches !== undefined && mismatches.length > 0) throw checksumError(table, state.version, mismatches);
}
