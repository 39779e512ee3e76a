import { randomUUID } from 'node:crypto';
import type { FeatureSet } from '../feature-set.ts';
import { asBuilder } from './redis-builder-lock.ts';
import { BULK_TIMEOUT_MS, connectRedis, openRedis, type RedisClient } from './redis-connection.ts';
import { dropEpochs, fence, setKeysAt, takeNumber } from './redis-epoch.ts';
import { SERVED_SETS } from './redis-layout.ts';

/** Every how long a server says which set it serves. */
const RENEWAL_MS = 60_000;
/**
 * A set that no server has named for as long is forgotten: sixty renewals, so that servers that Redis was away from lose
 * nothing. A set that is served again later has its state built anew, as it would be anyway:
 * what came meanwhile is not in it.
 */
const LEFT_BEHIND_MS = 3_600_000;

/** Says that a set is served, until it is stopped. */
export interface ServedSet {
  stop(): void;
}

/**
 * Keeps Redis told which set this server serves, and frees the state of sets that nobody serves any more.
 *
 * @param onForgotten told of a set's version whose state was freed.
 */
export async function keepServed(
  url: string,
  set: FeatureSet,
  onForgotten: (version: string) => void,
): Promise<ServedSet> {
  const renew = (): Promise<void> =>
    renewServed(url, set, onForgotten).catch(() => {
      // Redis is away: the next renewal is soon enough.
    });
  // Before a state of it is built: what is half built is not left behind.
  await renew();
  const timer = setInterval(() => void renew(), RENEWAL_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/**
 * Says once that a set is served, and frees what was left behind.
 *
 * @param toldMs what time it is, in milliseconds; by Redis' clock unless told: a server whose own was an hour ahead would
 * free sets that others serve.
 * @throws what ioredis says where Redis cannot be reached.
 */
export async function renewServed(
  url: string,
  set: FeatureSet,
  onForgotten: (version: string) => void,
  toldMs?: number,
): Promise<void> {
  const redis = openRedis(url, BULK_TIMEOUT_MS);
  try {
    await connectRedis(redis);
    const nowMs = toldMs ?? (await timeOf(redis));
    await redis.hset(SERVED_SETS, set.version, String(nowMs));
    for (const version of await leftBehind(redis, nowMs)) {
      if (await forgetSet(url, redis, version, nowMs)) onForgotten(version);
    }
  } finally {
    redis.disconnect();
  }
}

/** The clock of the server that holds the hash of sets: of a Cluster's always the same one. */
async function timeOf(redis: RedisClient): Promise<number> {
  const [seconds] = (await redis.eval("return redis.call('TIME')", 1, SERVED_SETS)) as [string, string];
  return Number(seconds) * 1000;
}

async function leftBehind(redis: RedisClient, nowMs: number): Promise<string[]> {
  const served = await redis.hgetall(SERVED_SETS);
  return Object.keys(served).filter((version) => nowMs - Number(served[version]) > LEFT_BEHIND_MS);
}

/**
 * Frees the state of a set as one who builds its next epoch would, but builds none: commands that come yet meet another
 * epoch, and a server that serves it after all finds that it has to be built.
 */
async function forgetSet(url: string, redis: RedisClient, version: string, nowMs: number): Promise<boolean> {
  const keys = setKeysAt(url, { version });
  const token = randomUUID();
  const forgotten = await asBuilder(redis, keys, token, async () => {
    // Somebody may have begun to serve it, or have freed it, since we looked.
    if (!(await leftBehind(redis, nowMs)).includes(version)) return false;
    const next = await takeNumber(redis, keys, 1);
    await redis.del(keys.open);
    await fence(redis, keys, next, token);
    await dropEpochs(redis, keys, (epoch) => epoch < next);
    await redis.hdel(SERVED_SETS, version);
    return true;
  });
  return forgotten?.made ?? false;
}
