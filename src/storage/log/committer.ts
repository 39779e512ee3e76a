import { AppError, messageOf } from '../../base/errors.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Action } from './actions.ts';
import { commitKey } from './log-names.ts';
import { readCommit } from './read-commit.ts';

/** How often the same bytes are put again while it is not known whether they landed. */
const MAX_PUT_ATTEMPTS = 4;

/**
 * Puts a commit at a version: the commit point of every write. Of many writers one gets `created`.
 *
 * A put that failed may have landed all the same, or may land yet. So the version is read: ours by
 * its txnId is committed, another's is a lost race, an absent one is put again, the same bytes at the
 * same version, never at the next.
 *
 * @param bytes the commit's, whose commitInfo holds `txnId`.
 * @throws AppError disk_full, when nothing was written, commit_undecided, when it stays open within a
 * few tries: the same call later tells.
 */
export async function putCommit(
  store: ObjectStore,
  table: string,
  version: number,
  bytes: Uint8Array,
  txnId: string,
): Promise<'created' | 'lost'> {
  const key = commitKey(table, version);
  let failure: unknown;
  for (let attempt = 0; attempt < MAX_PUT_ATTEMPTS; attempt += 1) {
    try {
      // Commit point.
      const outcome = await store.putIfAbsent(key, bytes);
      if (outcome === 'created') return 'created';
      // After a failed try, the object that exists may be our own.
      if (failure === undefined) return 'lost';
    } catch (error) {
      // A disk without room took nothing: the store tells so only where it knows.
      if (error instanceof AppError && error.code === 'disk_full' && failure === undefined) throw error;
      failure = error;
    }
    const landed = await readCommit(store, table, version).catch(() => undefined);
    if (landed !== undefined) return isOurs(landed, txnId) ? 'created' : 'lost';
  }
  throw new AppError(
    'commit_undecided',
    `It is not known whether version ${version} of ${table} was committed (${messageOf(failure)}). ` +
      `Read that version later: it is this commit if its txnId is ${txnId}`,
    { table, version, txnId },
    failure,
  );
}

function isOurs(actions: readonly Action[], txnId: string): boolean {
  return actions.some((action) => 'commitInfo' in action && action.commitInfo.txnId === txnId);
}
