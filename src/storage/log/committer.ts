import { AppError } from '../../base/errors.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { type Action, encodeCommit } from './delta-actions.ts';
import { commitKey } from './delta-path.ts';
import { readCommit } from './log-segment.ts';

/** How often the same bytes are put again while it is not known whether they landed. */
const MAX_PUT_ATTEMPTS = 4;

/**
 * Puts a commit at a version: the commit point of every write. Exactly one writer gets `created`.
 *
 * A put that failed may have landed all the same. So the version is read: ours by its txnId is
 * committed, another's is a lost race, an absent one is put again, the same bytes at the same
 * version.
 *
 * @throws AppError disk_full, storage_failed when the outcome stays open or nothing was written.
 */
export async function putCommit(
  store: ObjectStore,
  table: string,
  version: number,
  actions: readonly Action[],
  txnId: string,
): Promise<'created' | 'lost'> {
  const key = commitKey(table, version);
  const bytes = encodeCommit(actions);
  let failure: unknown;
  for (let attempt = 0; attempt < MAX_PUT_ATTEMPTS; attempt += 1) {
    try {
      // Commit point.
      const outcome = await store.putIfAbsent(key, bytes);
      if (outcome === 'created') return 'created';
      // After a failed try, the object that exists may be our own.
      if (failure === undefined) return 'lost';
    } catch (error) {
      failure = error;
    }
    const landed = await readCommit(store, table, version).catch(() => undefined);
    if (landed !== undefined) return isOurs(landed, txnId) ? 'created' : 'lost';
    if (failure instanceof AppError && failure.code === 'disk_full') break;
  }
  throw failure;
}

function isOurs(actions: readonly Action[], txnId: string): boolean {
  return actions.some((action) => 'commitInfo' in action && action.commitInfo.txnId === txnId);
}
