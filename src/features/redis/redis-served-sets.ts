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
/** Renewals that are further apart did not come in a row: this process was held up, or Redis was away. */
const BROKEN_MS = 3 * RENEWAL_MS;

/** Renewals of this server that came in a row, by Redis' clock. */
export interface RenewalRun {
  readonly firstMs: number;
  readonly lastMs: number;
}

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
  let run: RenewalRun | undefined;
  const renew = async (): Promise<void> => {
    // Where it fails Redis is away: the next renewal is soon enough.
    run = await renewServed(url, set, run, onForgotten).catch(() => undefined);
  };
  // Before a state of it is built: what is half built is not left behind.
  await renew();
  const timer = setInterval(() => void renew(), RENEWAL_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/**
 * Says once that a set is served, and frees what was left behind. Only a server that could say so all the time knows
 * that others could have: after an outage of an hour every set looks left behind to the first one that is back.
 *
 * @param run this server's renewals before; undefined where it has none, or the last one failed.
 * @param toldMs what time it is, in milliseconds; by Redis' clock unless told: a server whose own was an hour ahead would
 * free sets that others serve.
 * @returns the renewals with this one.
 * @throws what ioredis says where Redis cannot be reached.
 */
export async function renewServed(
  url: string,
  set: FeatureSet,
  run: RenewalRun | undefined,
  onForgotten: (version: string) => void,
  toldMs?: number,
): Promise<RenewalRun> {
  const redis = openRedis(url, BULK_TIMEOUT_MS);
  try {
    await connectRedis(redis);
    const nowMs = toldMs ?? (await timeOf(redis));
    await redis.hset(SERVED_SETS, set.version, String(nowMs));
    const firstMs = run !== undefined && nowMs - run.lastMs <= BROKEN_MS ? run.firstMs : nowMs;
    if (nowMs - firstMs > LEFT_BEHIND_MS) {
      for (const version of await leftBehind(redis, nowMs)) {
        if (await forgetSet(url, redis, version, nowMs)) onForgotten(version);
      }
    }
    return { firstMs, lastMs: nowMs };
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
