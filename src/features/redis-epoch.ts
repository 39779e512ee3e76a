import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { AppError } from '../base/errors.ts';
import type { EmbeddedStore } from './embedded-store.ts';
import type { FeatureSet } from './feature-set.ts';
import { BULK_TIMEOUT_MS, openRedis, runIdOf, runScript, storeUnavailable } from './redis-connection.ts';
import { dumpState } from './redis-dump.ts';
import { PAYMENT_TTL_MS, type SharedKeys } from './redis-layout.ts';
import { LOAD_SCRIPT, LOCK_SCRIPT, PUBLISH_SCRIPT } from './redis-scripts.ts';

/** What an epoch was built from. */
export interface EpochBase {
  readonly reason: string;
  /** Version of silver.transactions; null where there is none. */
  readonly silverVersion: number | null;
  /** The last position of each journal that is in it. */
  readonly offsets: Readonly<Record<string, number>>;
}

/** An epoch that is open in Redis. */
export interface OpenedEpoch extends EpochBase {
  readonly epoch: number;
  /** The server that holds it: after a restart another one answers, and what it holds is not trusted. */
  readonly runId: string;
}

/** What it takes to build an epoch. */
export interface RebuildParts {
  /** Every epoch that the lake or a journal names is below this. */
  readonly leastEpoch: number;
  /** Builds the state of now, in this process. Called once the lock is ours. */
  build(): Promise<{ readonly state: EmbeddedStore; readonly base: EpochBase }>;
  /** Makes the opening durable; the epoch is open after it. */
  publish(epoch: number, base: EpochBase): Promise<void>;
}

/** Longer than a build may hold the thread up; a builder that died is waited for as long. */
const LOCK_MS = 30_000;
const LOCK_RENEWAL_MS = 5000;
const LOOK_MS = 100;
/** Keys of one command: Redis does nothing else meanwhile, for about 1 ms. */
const BATCH_KEYS = 512;

/**
 * Builds an epoch: takes the lock, loads the state under keys of a number that was never used, makes
 * the opening durable, and opens it. Where another server holds the lock it waits, and gives the
 * epoch that was opened meanwhile. 1 M payments take about 25 s.
 *
 * @throws AppError `store_unavailable` where Redis goes away, whatever the parts throw.
 */
export async function rebuildEpoch(
  url: string,
  set: FeatureSet,
  keys: SharedKeys,
  parts: RebuildParts,
): Promise<OpenedEpoch> {
  const redis = openRedis(url, BULK_TIMEOUT_MS);
  try {
    await redis.connect();
    const token = randomUUID();
    for (;;) {
      const opened = await openEpochOf(redis, keys);
      if (opened !== undefined) return opened;
      if ((await redis.set(keys.lock, token, 'PX', LOCK_MS, 'NX')) !== 'OK') {
        await wait(LOOK_MS);
        continue;
      }
      const built = await withLock(redis, keys, token, () => build(redis, set, keys, token, parts));
      if (built === undefined) continue;
      void dropOlderEpochs(openRedis(url, BULK_TIMEOUT_MS), keys, built.epoch);
      return built;
    }
  } catch (error) {
    throw error instanceof AppError ? error : storeUnavailable(error);
  } finally {
    redis.disconnect();
  }
}

/** The epoch that is open on the server that runs now. */
async function openEpochOf(redis: Redis, keys: SharedKeys): Promise<OpenedEpoch | undefined> {
  const epoch = await redis.get(keys.epoch);
  const opening = epoch === null ? null : await redis.get(keys.opening(Number(epoch)));
  if (opening === null) return undefined;
  const opened = JSON.parse(opening) as OpenedEpoch;
  return opened.runId === (await runIdOf(redis)) ? opened : undefined;
}

async function withLock<T>(redis: Redis, keys: SharedKeys, token: string, use: () => Promise<T>): Promise<T> {
  const renewal = setInterval(() => {
    runScript(redis, LOCK_SCRIPT, [keys.lock], [token, String(LOCK_MS)]).catch(() => {
      // Without the lock publishing fails, which is where it is looked at.
    });
  }, LOCK_RENEWAL_MS);
  try {
    return await use();
  } finally {
    clearInterval(renewal);
    await runScript(redis, LOCK_SCRIPT, [keys.lock], [token, '0']).catch(() => undefined);
  }
}

/** Undefined where the lock was lost on the way, or Redis flushed: then it is all to do again. */
async function build(
  redis: Redis,
  set: FeatureSet,
  keys: SharedKeys,
  token: string,
  parts: RebuildParts,
): Promise<OpenedEpoch | undefined> {
  // Another builder may have opened one between our look and our lock. A second epoch beside it
  // would be built while commands of the first are under way.
  const opened = await openEpochOf(redis, keys);
  return opened ?? (await buildNext(redis, set, keys, token, parts));
}

async function buildNext(
  redis: Redis,
  set: FeatureSet,
  keys: SharedKeys,
  token: string,
  { leastEpoch, build: buildState, publish }: RebuildParts,
): Promise<OpenedEpoch | undefined> {
  const runId = await runIdOf(redis);
  const { state, base } = await buildState();
  if (state.set.hash !== set.hash) throw new AppError('internal', 'the state was built for another feature set');
  const last = Math.max(Number(await redis.get(keys.epoch)), Number(await redis.get(keys.lastEpoch)));
  const epoch = Math.max(leastEpoch, last + 1);
  // A number is used up before its first key is written: what a crash leaves behind is never read.
  await redis.set(keys.lastEpoch, String(epoch));
  await load(redis, state, Buffer.from(keys.epochPrefix(epoch)));
  await publish(epoch, base);
  const opened: OpenedEpoch = { epoch, runId, ...base };
  const names = [keys.lock, keys.epoch, keys.opening(epoch)];
  // The commit point: from here on scripts take the new epoch, and no other.
  const done = await runScript(redis, PUBLISH_SCRIPT, names, [token, String(epoch), JSON.stringify(opened)]);
  return done === 1 ? opened : undefined;
}

/** Many keys a command: one command each takes four times as long, most of it in this process. */
async function load(redis: Redis, state: EmbeddedStore, prefix: Buffer): Promise<void> {
  let entities: Buffer[] = [];
  let payments: Buffer[] = [];
  let values: Buffer[] = [];
  const flush = async (): Promise<void> => {
    if (entities.length > 0) await redis.mset(entities);
    if (payments.length > 0) await runScript(redis, LOAD_SCRIPT, payments, [...values, String(PAYMENT_TTL_MS)]);
    entities = [];
    payments = [];
    values = [];
  };
  for (const dumped of dumpState(state, prefix)) {
    if (dumped.kind === 'tiles') await redis.hset(dumped.key, ...dumped.fields);
    else if (dumped.kind === 'entity') entities.push(dumped.key, dumped.value);
    else {
      payments.push(dumped.key);
      values.push(dumped.value);
    }
    if (entities.length + payments.length >= BATCH_KEYS) await flush();
  }
  await flush();
}

/** Frees what no script reads any more; where it fails, the next epoch's builder does it. */
async function dropOlderEpochs(redis: Redis, keys: SharedKeys, epoch: number): Promise<void> {
  try {
    await redis.connect();
    let cursor = '0';
    do {
      const [next, found] = await redis.scanBuffer(cursor, 'MATCH', `${keys.prefix}*`, 'COUNT', 1000);
      const old = found.filter((key) => epochOfKey(key, keys) < epoch);
      if (old.length > 0) await redis.unlink(...old);
      cursor = next.toString();
    } while (cursor !== '0');
  } catch {
    // Memory is freed later.
  } finally {
    redis.disconnect();
  }
}

/** The epoch that a key belongs to; NaN for shared keys. */
function epochOfKey(key: Buffer, { prefix }: SharedKeys): number {
  const rest = key.toString('latin1', prefix.length);
  const match = /^(?:opening:)?(\d+)(?::|$)/.exec(rest);
  return match === null ? Number.NaN : Number(match[1]);
}
