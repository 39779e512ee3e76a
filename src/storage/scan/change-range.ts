import { AppError } from '../../base/errors.ts';
import type { Metadata } from '../log/actions.ts';
import { commitTimeOf, fileTimes, versionAt } from '../log/commit-time.ts';
import { commitInfoOf } from '../log/read-commit.ts';
import type { TableLog } from '../log/table-log.ts';
import { isEnabled } from '../log/table-properties.ts';
import { parseSchema } from '../types/schema-json.ts';
import { incompatibility } from './schema-compatibility.ts';
import type { Snapshot } from './snapshot.ts';

/** Which commits to tell the changes of: both ends belong to it. One of version and time is told of an end. */
export interface ChangeRange {
  readonly fromVersion?: number;
  /** The first commit at or after it, in milliseconds since 1970. */
  readonly fromTimestampMs?: number;
  /** The newest without it. */
  readonly toVersion?: number;
  /** The last commit at or before it. */
  readonly toTimestampMs?: number;
}

/** What the feed reads the log by. */
export interface ChangeLog {
  readonly log: TableLog;
  snapshot(version?: number): Promise<Snapshot>;
}

/** The versions of a range. @throws AppError invalid_request, version_not_found. */
export async function versionsOf(
  { log }: ChangeLog,
  newest: Snapshot,
  range: ChangeRange,
): Promise<{ readonly from: number; readonly to: number }> {
  const isTwice =
    (range.fromVersion !== undefined && range.fromTimestampMs !== undefined) ||
    (range.toVersion !== undefined && range.toTimestampMs !== undefined);
  if (isTwice) throw new AppError('invalid_request', 'An end of a range of changes is a version or a timestamp');
  const from =
    range.fromTimestampMs === undefined
      ? range.fromVersion
      : await firstVersionSince(log, newest, range.fromTimestampMs);
  if (from === undefined)
    throw new AppError('invalid_request', 'A range of changes starts at a version or a timestamp');
  const asked =
    range.toTimestampMs === undefined
      ? (range.toVersion ?? newest.version)
      : await versionAt(log, newest, range.toTimestampMs);
  if (from > newest.version) {
    throw new AppError(
      'version_not_found',
      `The table ${log.table} has no version ${from} to start at: the newest is ${newest.version}`,
      { table: log.table },
    );
  }
  if (from > asked) {
    throw new AppError('invalid_request', `A range of changes ends at version ${asked}, before it starts at ${from}`);
  }
  return { from, to: Math.min(asked, newest.version) };
}

/** Spark's rule for the start of a feed: the commit of that time, else the one after it; the first where it is earlier. */
async function firstVersionSince(log: TableLog, newest: Snapshot, timestampMs: number): Promise<number> {
  const files = new Map<number, number>();
  for await (const { version, timestampMs: time } of fileTimes(log, newest.version)) files.set(version, time);
  const timeOf = async (version: number): Promise<number> =>
    commitTimeOf(newest.metadata, version, commitInfoOf((await log.commit(version)) ?? []), files.get(version) ?? 0);
  const [first] = files.keys();
  if (first !== undefined && (await timeOf(first)) >= timestampMs) return first;
  const before = await versionAt(log, newest, timestampMs);
  return (await timeOf(before)) === timestampMs ? before : before + 1;
}

/**
 * Checks that every commit of a range is there, has recorded its changes, and has a schema whose rows
 * can be told by that of the range's end.
 *
 * @returns when the commits were made, in milliseconds since 1970.
 * @throws AppError version_not_found, table_unsupported.
 */
export async function checkRange(
  changes: ChangeLog,
  start: Snapshot,
  end: Snapshot,
  newest: Snapshot,
): Promise<ReadonlyMap<number, number>> {
  const { log } = changes;
  const files = new Map<number, number>();
  for await (const { version, timestampMs } of fileTimes(log, end.version)) {
    if (version >= start.version) files.set(version, timestampMs);
  }
  checkMetadata(start.metadata, start.version, end);
  const times = new Map<number, number>();
  for (let version = start.version; version <= end.version; version += 1) {
    const actions = await log.commit(version);
    const fileTime = files.get(version);
    if (actions === undefined || fileTime === undefined) throw goneCommit(log.table, version);
    for (const action of actions) if ('metaData' in action) checkMetadata(action.metaData, version, end);
    times.set(version, commitTimeOf(newest.metadata, version, commitInfoOf(actions), fileTime));
  }
  return times;
}

/** The error for a commit that was cleaned up. */
export function goneCommit(table: string, version: number): AppError {
  return new AppError(
    'version_not_found',
    `The commit ${version} of ${table} is gone, so its changes cannot be told; start after it`,
    { table, version },
  );
}

function checkMetadata(metadata: Metadata, version: number, end: Snapshot): void {
  const { table, schema, partitionColumns } = end;
  if (!isEnabled(metadata, 'delta.enableChangeDataFeed')) {
    throw new AppError(
      'table_unsupported',
      `The table ${table} recorded no changes at version ${version}, where delta.enableChangeDataFeed is not true; ` +
        'ask for versions at which it is',
      { table, version },
    );
  }
  const reason =
    metadata.partitionColumns.join('\n') === partitionColumns.join('\n')
      ? incompatibility(parseSchema(metadata.schemaString), schema)
      : 'its partition columns are others';
  if (reason === undefined) return;
  throw new AppError(
    'table_unsupported',
    `The changes of ${table} cannot be told across its versions ${version} to ${end.version}: ${reason}; ` +
      'ask for the versions before and after apart',
    { table, version },
  );
}
