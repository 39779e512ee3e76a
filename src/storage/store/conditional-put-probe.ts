import { randomUUID } from 'node:crypto';
import { AppError } from '../../base/errors.ts';
import type { ObjectStore } from './object-store.ts';

/** What the probe writes is named so; Delta's readers do not look at hidden files. */
const PROBE_PREFIX = '.sentinela-probe-';

/**
 * Finds out whether a store keeps put-if-absent: it puts one object twice, and the second must be
 * refused. The object is deleted again.
 *
 * @param beside a key: the probe is put where it would be, as more may not be allowed.
 * @throws AppError storage_unsafe where both were taken: two writers would overwrite each other's commits.
 */
export async function probeConditionalPut(
  store: Pick<ObjectStore, 'putIfAbsent' | 'delete' | 'uriOf'>,
  beside: string,
): Promise<void> {
  const key = beside.slice(0, beside.lastIndexOf('/') + 1) + PROBE_PREFIX + randomUUID();
  try {
    const first = await store.putIfAbsent(key, new TextEncoder().encode('first'));
    const second = await store.putIfAbsent(key, new TextEncoder().encode('second'));
    if (first === 'created' && second === 'exists') return;
  } finally {
    // What stays behind for want of the right to delete does no harm.
    await store.delete(key).catch(() => undefined);
  }
  throw new AppError(
    'storage_unsafe',
    `The store of ${store.uriOf(key)} overwrites an object that was put with If-None-Match: *, so that two writers ` +
      'would lose commits. Nothing but the probe was written; use a store that keeps the condition (Amazon S3, MinIO, Ceph, versitygw), ' +
      'or bring this one up to date',
  );
}

/**
 * A store whose first `putIfAbsent` probes it. The result is kept: an unsafe store stays refused; a
 * probe that failed for another reason is run again by the next call.
 */
export function probedStore(store: ObjectStore): ObjectStore {
  let probe: Promise<void> | undefined;
  const probed = (key: string): Promise<void> => {
    probe ??= probeConditionalPut(store, key).catch((error: unknown) => {
      if (!(error instanceof AppError && error.code === 'storage_unsafe')) probe = undefined;
      throw error;
    });
    return probe;
  };
  return {
    ...store,
    async putIfAbsent(key, bytes) {
      await probed(key);
      return store.putIfAbsent(key, bytes);
    },
  };
}
