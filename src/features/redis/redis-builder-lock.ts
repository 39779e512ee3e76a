import { type RedisClient, runScript } from './redis-connection.ts';
import type { SetKeys } from './redis-layout.ts';
import { RELEASE_LOCK_SCRIPT, RENEW_LOCK_SCRIPT, TAKE_LOCK_SCRIPT } from './redis-scripts.ts';

/** A builder that died is waited for as long. */
const LOCK_MS = 30_000;
const LOCK_RENEWAL_MS = 5000;

/**
 * Does something as the only builder of a set's next epoch. The lock says that others wait; who builds is said by a second
 * key, which stays when the lock runs out, as it does where the thread is held up for long: the builder is the same until
 * another one takes the lock, or Redis is flushed. Publishing looks at that key.
 *
 * @param token the builder's own.
 * @returns undefined where another one has the lock.
 */
export async function asBuilder<T>(
  redis: RedisClient,
  { lock, builder: builderOf }: SetKeys,
  token: string,
  use: () => Promise<T>,
): Promise<{ readonly made: T } | undefined> {
  const builder = builderOf(0);
  if ((await runScript(redis, TAKE_LOCK_SCRIPT, [lock, builder], [token, String(LOCK_MS)])) !== 1) return undefined;
  const renewal = setInterval(() => {
    runScript(redis, RENEW_LOCK_SCRIPT, [lock, builder], [token, String(LOCK_MS)]).catch(() => {
      // Where it runs out another one may build the same: publishing is where that is looked at.
    });
  }, LOCK_RENEWAL_MS);
  try {
    return { made: await use() };
  } finally {
    clearInterval(renewal);
    await runScript(redis, RELEASE_LOCK_SCRIPT, [lock], [token]).catch(() => undefined);
  }
}
