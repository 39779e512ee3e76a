import { AppError } from '../../base/errors.ts';
import { type ExactJson, parseExactJson } from '../../base/exact-json.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { type Action, decodeCommit } from './delta-actions.ts';
import { commitKey, lastCheckpointKey, logFolder, padded, parseLogName } from './delta-path.ts';

/** The part of a log that makes a version: at most one checkpoint, and the commits after it. */
export interface LogSegment {
  readonly version: number;
  /** Checkpoints at or before the version, the newest first; a broken one gives way to the next. */
  readonly checkpoints: readonly number[];
  /** Versions of commits that are there, ascending. */
  readonly commits: readonly number[];
}

/**
 * Lists what there is of a log up to a version; without one, up to the newest.
 *
 * @param whole lists the whole log, though `_last_checkpoint` says where a shorter part begins.
 * @throws AppError table_not_found, version_not_found.
 */
export async function findLogSegment(
  store: ObjectStore,
  table: string,
  version: number | undefined,
  whole: boolean,
): Promise<LogSegment> {
  const hint = whole ? undefined : await readLastCheckpoint(store, table);
  const start = hint !== undefined && (version === undefined || hint <= version) ? hint : undefined;
  const quick = start === undefined ? undefined : await list(store, table, start, version);
  // A hint whose checkpoint is gone, or too far on, costs one listing of the whole log.
  const found = quick?.checkpoints.includes(start ?? -1) ? quick : await list(store, table, 0, version);
  const newest = Math.max(found.commits.at(-1) ?? -1, found.checkpoints[0] ?? -1);
  if (newest < 0 && found.beyond === undefined) {
    throw new AppError('table_not_found', `There is no Delta table at ${table}`, { table });
  }
  if (version !== undefined && newest !== version) {
    const newestText = found.beyond === undefined ? `; the newest is ${newest}` : '';
    throw new AppError('version_not_found', `The table ${table} has no version ${version}${newestText}`, {
      table,
      version,
    });
  }
  return { version: newest, checkpoints: found.checkpoints, commits: found.commits };
}

/** Whether there is a log at all. */
export async function hasLog(store: ObjectStore, table: string): Promise<boolean> {
  for await (const entry of store.listFrom(logFolder(table))) {
    if (parseLogName(entry.key.slice(logFolder(table).length)) !== undefined) return true;
  }
  return false;
}

/** Reads one commit; undefined where it is not there (yet). */
export async function readCommit(store: ObjectStore, table: string, version: number): Promise<Action[] | undefined> {
  const key = commitKey(table, version);
  const bytes = await store.get(key);
  return bytes === undefined ? undefined : decodeCommit(bytes, key);
}

interface Listing {
  readonly checkpoints: number[];
  readonly commits: number[];
  /** A version beyond the one that was asked for. */
  readonly beyond: number | undefined;
}

async function list(store: ObjectStore, table: string, from: number, to: number | undefined): Promise<Listing> {
  const folder = logFolder(table);
  const checkpoints: number[] = [];
  const commits: number[] = [];
  for await (const { key } of store.listFrom(folder, folder + padded(from))) {
    const name = parseLogName(key.slice(folder.length));
    if (name === undefined) continue;
    if (to !== undefined && name.version > to)
      return { checkpoints: checkpoints.reverse(), commits, beyond: name.version };
    // Checkpoints of many parts and V2 ones are left to the commits, where these reach back far enough.
    if (name.kind === 'commit') commits.push(name.version);
    else if (name.part === undefined) checkpoints.push(name.version);
  }
  return { checkpoints: checkpoints.reverse(), commits, beyond: undefined };
}

/** The version in `_last_checkpoint`; undefined where it is missing or torn: it is only a hint. */
async function readLastCheckpoint(store: ObjectStore, table: string): Promise<number | undefined> {
  const bytes = await store.get(lastCheckpointKey(table));
  if (bytes === undefined) return undefined;
  try {
    const json: ExactJson = parseExactJson(new TextDecoder().decode(bytes));
    if (typeof json !== 'object' || json === null || !('version' in json)) return undefined;
    return typeof json.version === 'number' && json.version >= 0 ? json.version : undefined;
  } catch {
    return undefined;
  }
}
