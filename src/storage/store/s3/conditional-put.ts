import { randomUUID } from 'node:crypto';
import { AppError } from '../../../base/errors.ts';
import type { PutOutcome } from '../object-store.ts';
import type { S3Call, S3Client } from './client.ts';
import { judgeFailure } from './failure.ts';
import { withRetries } from './retry.ts';

/*
 * Put-if-absent by `If-None-Match: *` (docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html):
 *
 *   200  written                       412  the object exists
 *   409  another write or delete of the key is under way: the same again
 *
 * A try that timed out, was cut off or answered 5xx may have written the object, so that a 412 after
 * it may speak of our own. Each call marks its object with an id; an object that exists after such a
 * try is read, and is ours by the id (by its bytes, where the store keeps no marks).
 */

/** Names a write on its object: by it a write whose answer was lost is told from another's. */
export const MARK = 'x-amz-meta-put-id';
/** Tries of the read that settles a doubt: the caller has waited for the put's already. */
const SETTLING_ATTEMPTS = 3;

/**
 * Writes an object that does not exist.
 *
 * @throws AppError put_undecided when the tries are used up and one of them may have written it, or
 * may do so yet; storage_unsafe for a store without the condition;
 * storage_failed and others when no try has written it.
 */
export async function putIfAbsentToS3(client: S3Client, key: string, bytes: Uint8Array): Promise<PutOutcome> {
  const id = randomUUID();
  const call: S3Call = {
    method: 'PUT',
    key,
    headers: { 'if-none-match': '*', [MARK]: id },
    body: bytes,
    accepts: [200, 409, 412, 501],
  };
  let mayHaveLanded = false;
  try {
    return await withRetries<PutOutcome>(client.retry, async () => {
      const tried = await client.attempt(call);
      if (tried.kind === 'again') {
        mayHaveLanded ||= tried.mayHaveLanded;
        return tried;
      }
      const { status } = tried.value;
      if (status === 200) return { kind: 'done', value: 'created' };
      if (status === 501) throw unsafe(client, call);
      if (status === 412) {
        if (!mayHaveLanded) return { kind: 'done', value: 'exists' };
        const found = await whoWrote(client, key, bytes, id);
        if (found !== 'nobody') return { kind: 'done', value: found };
      }
      // A conflict, or an object that was deleted since it was in the way: nothing of this try was written.
      const failure = judgeFailure(client.nameOf(call), tried.value);
      return { kind: 'again', error: failure.error };
    });
  } catch (error) {
    if (!mayHaveLanded) throw error;
    const found = await whoWrote(client, key, bytes, id).catch(() => 'nobody' as const);
    if (found !== 'nobody') return found;
    throw undecided(client, call, error);
  }
}

/** `created` when the object is ours, `exists` when it is another's. */
async function whoWrote(client: S3Client, key: string, bytes: Uint8Array, id: string): Promise<PutOutcome | 'nobody'> {
  const limits = { ...client.retry.limits, attempts: SETTLING_ATTEMPTS };
  const { status, headers, body } = await withRetries({ ...client.retry, limits }, () =>
    client.attempt({ method: 'GET', key, accepts: [200, 404] }),
  );
  if (status === 404) return 'nobody';
  const mark = headers[MARK];
  const isOurs = mark === undefined ? Buffer.compare(body, bytes) === 0 : mark === id;
  return isOurs ? 'created' : 'exists';
}

function unsafe(client: S3Client, call: S3Call): AppError {
  return new AppError(
    'storage_unsafe',
    `The ${client.nameOf(call)} was refused since the store does not know If-None-Match: *, by which writers are ` +
      'kept apart. Nothing was written; use a store that knows it, or bring this one up to date',
    { key: call.key },
  );
}

function undecided(client: S3Client, call: S3Call, cause: unknown): AppError {
  return new AppError(
    'put_undecided',
    `It is not known whether the ${client.nameOf(call)} took place, and it may yet. ` +
      'Read the object later: it was written if it holds these bytes; put the same again if it is absent',
    { key: call.key },
    cause,
  );
}
