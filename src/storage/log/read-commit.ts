import { AppError } from '../../base/errors.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { decodeCommit } from './action-json.ts';
import type { Action, CommitInfo } from './actions.ts';
import { checkCommit } from './commit-checksum.ts';
import { commitKey } from './log-names.ts';
import type { CommitFile } from './log-segment.ts';

/** Reads one commit; undefined where it is not there (yet). */
export async function readCommit(store: ObjectStore, table: string, version: number): Promise<Action[] | undefined> {
  return readLines(store, commitKey(table, version));
}

/** Reads a commit, or a compaction, that was listed. @throws AppError table_corrupt where it is gone or broken. */
export async function readCommitFile(store: ObjectStore, { key }: CommitFile): Promise<Action[]> {
  const actions = await readLines(store, key);
  if (actions === undefined) throw new AppError('table_corrupt', `The commit ${key} is gone`, { key });
  return actions;
}

async function readLines(store: ObjectStore, key: string): Promise<Action[] | undefined> {
  const bytes = await store.get(key);
  if (bytes === undefined) return undefined;
  checkCommit(bytes, key);
  return decodeCommit(bytes, key);
}

/** What a commit says of itself; undefined where it says nothing. */
export function commitInfoOf(actions: readonly Action[]): CommitInfo | undefined {
  for (const action of actions) if ('commitInfo' in action) return action.commitInfo;
  return undefined;
}

/** The in-commit timestamp of a commit; undefined where it has none. */
export function inCommitTimestamp(info: CommitInfo | undefined): number | undefined {
  const value = info?.inCommitTimestamp;
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}
