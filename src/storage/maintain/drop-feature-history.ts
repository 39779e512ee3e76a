import { AppError } from '../../base/errors.ts';
import { commitTimeOf, fileTimes } from '../log/commit-time.ts';
import { cleanUpLog } from '../log/log-cleanup.ts';
import { listLog } from '../log/log-segment.ts';
import { commitInfoOf } from '../log/read-commit.ts';
import { intervalMs } from '../log/table-properties.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import type { TransactionContext } from '../transaction/work.ts';
import { checkpointAt } from './after-commit.ts';
import { alterTable } from './alter-table.ts';
import { isNeededBy } from './drop-feature-traces.ts';

/*
 * Versions before a reader's feature was dropped need it still. Either they stay, behind checkpoints that a
 * client without the feature never goes past (checkpointProtection), or they are cleaned up first.
 */

/** Readers that cannot read a checkpoint try so many more before it. */
const BARRIER_CHECKPOINTS = 3;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Commits nothing, and a checkpoint of that: what is read from it needs no version before it. */
export async function commitCheckpoint(context: TransactionContext): Promise<void> {
  await alterTable(context, () => ({ operation: 'Empty Commit', parameters: {} }));
  await checkpointAt(context, await context.log.newest());
}

/** Checkpoints, one after another, that stand between a table's old versions and those without the feature. */
export async function raiseBarrier(context: TransactionContext): Promise<void> {
  for (let count = 0; count < BARRIER_CHECKPOINTS; count += 1) await commitCheckpoint(context);
}

/** How old commits are that go when history is truncated: longer than any transaction takes. */
export function truncationMs({ metadata }: Pick<Snapshot, 'metadata'>): number {
  return intervalMs(metadata.configuration['delta.dropFeatureTruncateHistory.retentionDuration']) ?? DAY_MS;
}

/** Cleans up every commit that is older than the truncation's retention, by the minute. */
export async function truncateHistory(context: TransactionContext): Promise<void> {
  const snapshot = await context.snapshot();
  const rule = { retentionMs: truncationMs(snapshot), granularityMs: MINUTE_MS };
  await cleanUpLog(context.log, snapshot.state, context.nowMs(), rule);
}

/**
 * Refuses where a version that can still be read needs a feature: one of the commits, or the state that the
 * oldest of them starts from. Tombstones of that state do not count: no reader reads them.
 *
 * @throws AppError invalid_request, saying when to try again.
 */
export async function checkHistory(context: TransactionContext, snapshot: Snapshot, feature: string): Promise<void> {
  const { log } = context;
  let needed: number | undefined;
  let oldest: number | undefined;
  for await (const { version, timestampMs } of fileTimes(log, snapshot.version)) {
    const actions = (await log.commit(version)) ?? [];
    const isFirst = oldest === undefined;
    oldest ??= version;
    const needs =
      actions.some((action) => isNeededBy(feature, action)) || (isFirst && (await startNeeds(log, version, feature)));
    if (needs) needed = commitTimeOf(snapshot.metadata, version, commitInfoOf(actions), timestampMs);
  }
  if (needed === undefined && feature === 'v2Checkpoint' && (await hasNamedCheckpoint(context)))
    needed = context.nowMs();
  if (needed === undefined) return;
  throw tryAgain(snapshot, feature, needed + truncationMs(snapshot));
}

/** Whether the state that the oldest commit ends in needs a feature; version 0 says all in its own actions. */
async function startNeeds(log: TransactionContext['log'], version: number, feature: string): Promise<boolean> {
  if (version === 0) return false;
  const { metadata, files, fileRows } = await log.at(version);
  if (isNeededBy(feature, { metaData: metadata })) return true;
  for (let row = 0; row < fileRows; row += 1) {
    if (files.isLive(row, version) && isNeededBy(feature, { add: files.addOf(row) })) return true;
  }
  return false;
}

/** Whether a checkpoint of the V2 spec, by its name, is there. */
async function hasNamedCheckpoint({ log }: TransactionContext): Promise<boolean> {
  for await (const { name } of listLog(log.store, log.table, 0)) {
    if (name.kind === 'checkpoint' && name.form.kind === 'uuid') return true;
  }
  return false;
}

/** The error of a feature that old versions need. @param fromMs when they may be gone. */
export function tryAgain({ table }: Pick<Snapshot, 'table'>, feature: string, fromMs: number): AppError {
  const from = new Date(Math.ceil(fromMs / MINUTE_MS) * MINUTE_MS + MINUTE_MS).toISOString();
  return new AppError(
    'invalid_request',
    `${table} uses ${feature} no more, but older versions do: drop it again, with its history, after ${from}, ` +
      'when they have expired (delta.dropFeatureTruncateHistory.retentionDuration)',
    { table, feature, from },
  );
}

/** Whether no commit before a version is there. */
export async function isTruncatedBefore({ log }: TransactionContext, version: number): Promise<boolean> {
  for await (const { name } of listLog(log.store, log.table, 0)) {
    if (name.kind === 'commit') return name.version >= version;
  }
  return false;
}
