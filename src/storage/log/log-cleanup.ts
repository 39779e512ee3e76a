import { AppError } from '../../base/errors.ts';
import { decodeParquet } from '../parquet/parquet-read.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { decodeActions } from './action-json.ts';
import type { Sidecar } from './actions.ts';
import { decodeRows, rowsOfAction } from './checkpoint-chunk.ts';
import { readCheckpoint, sidecarKey } from './checkpoint-read.ts';
import { commitTimeOf, fileTimes } from './commit-time.ts';
import { sidecarFolder, tablePrefix } from './log-names.ts';
import { type CheckpointFiles, findLogSegment, type LogEntry, listLog } from './log-segment.ts';
import { commitInfoOf } from './read-commit.ts';
import { isSupported } from './table-features.ts';
import type { TableLog } from './table-log.ts';
import { isEnabled, logRetentionMs } from './table-properties.ts';
import { StateReplay, type TableState } from './table-state.ts';

const DAY_MS = 86_400_000;
/** Sidecars that young may belong to a checkpoint that is being written. */
const SIDECAR_MIN_AGE_MS = DAY_MS;

/** How old what goes must be, where a table's own rule is not asked. */
export interface CleanupRule {
  readonly retentionMs: number;
  /** The cut-off is a multiple of it. */
  readonly granularityMs: number;
}

/** What a clean-up took away. */
export interface CleanupFigures {
  readonly deleted: number;
  /** The oldest version that can still be read. */
  readonly oldestVersion: number | undefined;
}

/**
 * Deletes commits, checkpoints and checksums that expired (PROTOCOL.md, "Metadata Cleanup"): all
 * before the newest checkpoint that is not younger than the cut-off commit. Its own commit stays, for
 * its commitInfo.
 *
 * The cut-off is midnight UTC before the retention: `delta.logRetentionDuration`, 30 days. A checkpoint
 * that cannot be read stands for nothing: what is behind an older, sound one goes instead (delta 5458).
 *
 * @param nowMs a clock that runs ahead of the store's deletes no more than the store's own would.
 */
export async function cleanUpLog(
  log: TableLog,
  state: TableState,
  nowMs: number,
  { retentionMs, granularityMs }: CleanupRule = {
    retentionMs: logRetentionMs(state.metadata),
    granularityMs: DAY_MS,
  },
): Promise<CleanupFigures> {
  const storeMs = await fileTimeOf(log, state.version);
  if (storeMs === undefined) return NOTHING;
  const cutOffMs = Math.floor((Math.min(nowMs, storeMs) - retentionMs) / granularityMs) * granularityMs;
  const cutOff = await cutOffCommit(log, state, cutOffMs);
  if (cutOff === undefined) return NOTHING;
  const { checkpoints } = await findLogSegment(log.store, log.table, undefined, true);
  for (const checkpoint of checkpoints) {
    const border = checkpoint.version;
    if (border > cutOff) continue;
    if (isProtected(state, border)) return NOTHING;
    const expired = await expiredBefore(log, border);
    if (expired.length === 0) return NOTHING;
    if (!(await isReadable(log, checkpoint))) continue;
    return { deleted: await deleteExpired(log, expired, nowMs), oldestVersion: border };
  }
  return NOTHING;
}

const NOTHING: CleanupFigures = { deleted: 0, oldestVersion: undefined };

async function fileTimeOf({ store, table }: TableLog, version: number): Promise<number | undefined> {
  for await (const { name, modifiedMs } of listLog(store, table, version)) {
    if (name.version > version) return undefined;
    if (name.kind === 'commit') return modifiedMs;
  }
  return undefined;
}

async function expiredBefore({ store, table }: TableLog, border: number): Promise<LogEntry[]> {
  const expired: LogEntry[] = [];
  for await (const entry of listLog(store, table, 0)) {
    const { version, kind } = entry.name;
    if (version > border) break;
    if (version < border || kind === 'compaction') expired.push(entry);
  }
  return expired;
}

/** Whether a checkpoint can take the place of all commits before it. */
async function isReadable({ store, table, keyOf }: TableLog, checkpoint: CheckpointFiles): Promise<boolean> {
  const replay = new StateReplay(table, { keyOf, prefix: tablePrefix(table) });
  try {
    await readCheckpoint(store, table, checkpoint, replay);
    replay.stateAt(checkpoint.version);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'table_corrupt') return false;
    throw error;
  }
}

async function deleteExpired(log: TableLog, expired: readonly LogEntry[], nowMs: number): Promise<number> {
  const isCheckpoint = ({ name }: LogEntry): boolean => name.kind === 'checkpoint';
  // Commits before checkpoints: a reader that meets a half-done clean-up still finds whole versions.
  const commits = expired.filter((entry) => !isCheckpoint(entry));
  const checkpoints = expired.filter(isCheckpoint);
  for (const { key } of [...commits, ...checkpoints]) await log.store.delete(key);
  // Only a checkpoint that went can leave sidecars behind, and to look for them all others are read.
  const sidecars = checkpoints.length === 0 ? 0 : await cleanUpSidecars(log, nowMs);
  return expired.length + sidecars;
}

/**
 * Whether the clean-up of a range that `checkpointProtection` guards would leave part of it: it goes
 * all at once, or not at all.
 */
function isProtected({ protocol, metadata }: TableState, border: number): boolean {
  if (!isSupported(protocol, 'checkpointProtection')) return false;
  const before = Number(metadata.configuration['delta.requireCheckpointProtectionBeforeVersion'] ?? 0);
  return !(border >= before);
}

async function cutOffCommit(log: TableLog, state: TableState, cutOffMs: number): Promise<number | undefined> {
  const isOwnTime = isEnabled(state.metadata, 'delta.enableInCommitTimestamps');
  let cutOff: number | undefined;
  for await (const { version, timestampMs } of fileTimes(log, state.version)) {
    const info = isOwnTime ? commitInfoOf((await log.commit(version)) ?? []) : undefined;
    if (commitTimeOf(state.metadata, version, info, timestampMs) > cutOffMs) break;
    cutOff = version;
  }
  return cutOff;
}

/** Deletes sidecars that no checkpoint names, those of a day ago and younger excepted. */
async function cleanUpSidecars({ store, table }: TableLog, nowMs: number): Promise<number> {
  const named = new Set<string>();
  for await (const { key, name } of listLog(store, table, 0)) {
    if (name.kind !== 'checkpoint' || name.form.kind === 'part') continue;
    for (const sidecar of await sidecarsOf(store, key)) named.add(sidecarKey(table, sidecar));
  }
  const youngMs = Math.floor(nowMs / DAY_MS) * DAY_MS - SIDECAR_MIN_AGE_MS;
  let deleted = 0;
  for await (const { key, modifiedMs } of store.listFrom(sidecarFolder(table))) {
    if (named.has(key) || modifiedMs >= youngMs) continue;
    await store.delete(key);
    deleted += 1;
  }
  return deleted;
}

async function sidecarsOf(store: ObjectStore, key: string): Promise<Sidecar[]> {
  const bytes = await store.get(key);
  if (bytes === undefined) return [];
  const sidecars: Sidecar[] = [];
  const take = (actions: Iterable<object>): void => {
    for (const action of actions) if ('sidecar' in action) sidecars.push(action.sidecar as Sidecar);
  };
  if (key.endsWith('.json')) take(decodeActions(bytes, key));
  else {
    for await (const batch of decodeParquet(bytes, key, ['sidecar'])) {
      const rows = rowsOfAction(batch, 'sidecar');
      if (rows !== undefined) take(decodeRows('sidecar', rows, key));
    }
  }
  return sidecars;
}
