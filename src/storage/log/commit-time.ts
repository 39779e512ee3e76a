import { AppError } from '../../base/errors.ts';
import type { CommitInfo, Metadata } from './actions.ts';
import { listLog } from './log-segment.ts';
import { commitInfoOf, inCommitTimestamp, readCommit } from './read-commit.ts';
import type { TableLog } from './table-log.ts';
import { isEnabled } from './table-properties.ts';

/*
 * When commits were made (PROTOCOL.md, "Recommendations for Readers of Tables with In-Commit
 * Timestamps"): by the `inCommitTimestamp` of their commitInfo from the version on that enabled it,
 * before that by the time at which the store saw the file, made to rise from commit to commit.
 */

/** A commit that is there, and when it was made, in milliseconds since 1970. */
export interface TimedCommit {
  readonly version: number;
  readonly timestampMs: number;
}

/** Where in-commit timestamps begin; undefined where the table has none. */
interface Enablement {
  readonly version: number;
  readonly timestampMs: number;
}

function enablementOf(metadata: Metadata): Enablement | undefined {
  if (!isEnabled(metadata, 'delta.enableInCommitTimestamps')) return undefined;
  const { configuration } = metadata;
  const number = (name: string): number => Number(configuration[name] ?? 0);
  return {
    version: number('delta.inCommitTimestampEnablementVersion'),
    timestampMs: number('delta.inCommitTimestampEnablementTimestamp'),
  };
}

/**
 * Commits whose file is there, ascending, with the times of their files made to rise: each at least a
 * millisecond after the one before.
 */
export async function* fileTimes({ store, table }: TableLog, through: number): AsyncGenerator<TimedCommit> {
  let last = Number.NEGATIVE_INFINITY;
  for await (const { name, modifiedMs } of listLog(store, table, 0)) {
    if (name.kind !== 'commit' || name.version > through) continue;
    last = Math.max(modifiedMs, last + 1);
    yield { version: name.version, timestampMs: last };
  }
}

/**
 * The time of a commit: its own where it has one, else that of its file.
 *
 * @param fileTimeMs as {@link fileTimes} gives it.
 */
export function commitTimeOf(
  metadata: Metadata,
  version: number,
  info: CommitInfo | undefined,
  fileTimeMs: number,
): number {
  const enabled = enablementOf(metadata);
  if (enabled === undefined || version < enabled.version) return fileTimeMs;
  return inCommitTimestamp(info) ?? fileTimeMs;
}

/**
 * The newest version that was made at or before an instant.
 *
 * @param newest the newest version and its metadata.
 * @throws AppError version_not_found before the first commit that is there, and after the last: with the time asked
 * for, and that commit's own where it is known.
 */
export async function versionAt(
  log: TableLog,
  newest: { readonly version: number; readonly metadata: Metadata },
  timestampMs: number,
): Promise<number> {
  const enabled = enablementOf(newest.metadata);
  const isOwn = enabled !== undefined && timestampMs >= enabled.timestampMs;
  const found = isOwn
    ? await searchOwnTimes(log, enabled, newest.version, timestampMs)
    : await searchFileTimes(log, enabled === undefined ? newest.version : enabled.version - 1, timestampMs);
  if (found.version === undefined) throw outside(log.table, timestampMs, found.firstMs, 'before the first');
  // Within the time of file stamps that a later version ends, the last of them stands.
  const isLast = found.version === newest.version;
  if (isLast && found.timeMs !== undefined && timestampMs > found.timeMs) {
    throw outside(log.table, timestampMs, found.timeMs, 'after the last');
  }
  return found.version;
}

interface Found {
  /** Undefined where no commit that is there is so old. */
  readonly version: number | undefined;
  readonly timeMs?: number;
  /** The time of the oldest commit that is there, where the instant lies before it. */
  readonly firstMs?: number;
}

async function searchFileTimes(log: TableLog, through: number, timestampMs: number): Promise<Found> {
  let best: TimedCommit | undefined;
  let firstMs: number | undefined;
  for await (const commit of fileTimes(log, through)) {
    firstMs ??= commit.timestampMs;
    if (commit.timestampMs > timestampMs) break;
    best = commit;
  }
  if (best === undefined) return { version: undefined, ...(firstMs === undefined ? {} : { firstMs }) };
  return { version: best.version, timeMs: best.timestampMs };
}

/** In-commit timestamps rise, so a few commits are read. */
async function searchOwnTimes(
  log: TableLog,
  { version: first }: Enablement,
  last: number,
  timestampMs: number,
): Promise<Found> {
  let low = first;
  let high = last;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const time = await ownTime(log, middle);
    // A commit that was cleaned up lies before all that are there.
    if (time === undefined || time <= timestampMs) low = middle;
    else high = middle - 1;
  }
  const timeMs = await ownTime(log, low);
  if (timeMs !== undefined && timeMs <= timestampMs) return { version: low, timeMs };
  // The first that is there: those before it may be cleaned up.
  const firstMs = timeMs ?? (low < last ? await ownTime(log, low + 1) : undefined);
  return { version: undefined, ...(firstMs === undefined ? {} : { firstMs }) };
}

async function ownTime({ store, table }: TableLog, version: number): Promise<number | undefined> {
  const actions = await readCommit(store, table, version);
  if (actions === undefined) return undefined;
  const time = inCommitTimestamp(commitInfoOf(actions));
  if (time === undefined) {
    throw new AppError('table_corrupt', `The commit ${version} of ${table} has no inCommitTimestamp`, {
      table,
      version,
    });
  }
  return time;
}

function outside(table: string, timestampMs: number, borderMs: number | undefined, side: string): AppError {
  const asked = new Date(timestampMs).toISOString();
  const border = borderMs === undefined ? '' : `, which is of ${new Date(borderMs).toISOString()}`;
  return new AppError(
    'version_not_found',
    `The table ${table} has no version of ${asked}: that is ${side} commit${border}`,
    {
      table,
    },
  );
}
