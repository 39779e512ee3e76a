import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { AppError, messageOf } from '../../base/errors.ts';
import { parseRedisAddress } from '../../base/redis-address.ts';
import type { EmbeddedStore } from '../embedded/embedded-store.ts';
import type { FeatureSet } from '../feature-set.ts';
import { asBuilder } from './redis-builder-lock.ts';
import {
  BULK_TIMEOUT_MS,
  COMMAND_TIMEOUT_MS,
  connectRedis,
  connectServers,
  openRedis,
  type RedisClient,
  readAll,
  runScript,
  serversOf,
  storeUnavailable,
} from './redis-connection.ts';
import { epochKeys, epochOfKey, type SetKeys, setKeys } from './redis-layout.ts';
import { loadState, Overtaken } from './redis-load.ts';
import { CLOSE_SCRIPT, FENCE_SCRIPT, PUBLISH_SCRIPT } from './redis-scripts.ts';
import { runIdsOf } from './redis-servers.ts';

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
  /** The servers that held it: after a restart or a failover another one answers, and what it holds is not trusted. */
  readonly runIds: readonly string[];
}

/** What it takes to build an epoch. */
export interface RebuildParts {
  /** Called once no epoch is open: what is known of appends that did not end in the last one is to be told now. */
  settle(): Promise<void>;
  /** Every epoch that the lake or a journal names is below this. Asked once the lock is ours: another one may have opened one. */
  leastEpoch(): Promise<number>;
  /** Builds the state of now, in this process. Called once the lock is ours. */
  build(): Promise<{ readonly state: EmbeddedStore; readonly base: EpochBase }>;
  /** Makes the opening durable; the epoch is open after it. */
  publish(epoch: number, base: EpochBase): Promise<void>;
  /** What was built is good for nothing: another server took the lock meanwhile, or Redis was flushed. It is built again. */
  onOvertaken(): void;
  /** The epoch is open, this one's or another server's. What is freed then may take seconds. */
  onOpened(opened: OpenedEpoch): void;
  /** How many keys of older epochs are freed so far. */
  onFreed(keys: number): void;
}

const LOOK_MS = 100;
/** Four times as long as a command may take. */
const SETTLE_MS = 4 * COMMAND_TIMEOUT_MS;

/** What a look for the open epoch found. */
export type FoundEpoch =
  | { readonly kind: 'open'; readonly opened: OpenedEpoch }
  /** None was opened, or some partition has lost its state. */
  | { readonly kind: 'empty' }
  /** A server is another one than those that the epoch was opened on. */
  | { readonly kind: 'restarted' };

/**
 * Looks for the epoch that is open: one that every partition still holds, on servers that were there when it was
 * opened. A Cluster may have lost the server of some partitions only; the others' state is then good for nothing either,
 * since a payment's entities lie in many.
 *
 * @throws Unfit where state may not be kept on one of them; what ioredis says where one does not answer.
 */
export async function findEpoch(redis: RedisClient, keys: SetKeys): Promise<FoundEpoch> {
  const partitions = Array.from({ length: keys.partitions }, (_, partition) => keys.marker(partition));
  await connectServers(redis);
  const [open = null, ...markers] = await readAll(redis, [keys.open, ...partitions]);
  // After the partitions: a node that came back is connected to when its first key is read.
  const runIds = await runIdsOf(redis);
  if (open === null || markers.some((marker) => marker !== open)) return { kind: 'empty' };
  const opening = await redis.get(keys.opening(Number(open)));
  if (opening === null) return { kind: 'empty' };
  const opened = JSON.parse(opening) as OpenedEpoch;
  return runIds.every((runId) => opened.runIds.includes(runId)) ? { kind: 'open', opened } : { kind: 'restarted' };
}

/**
 * Builds an epoch: takes the lock, closes every partition to the epoch before, loads the state under keys of a number
 * that was never used, makes the opening durable, opens it, and frees the epochs before. Where another server holds the lock it waits, and gives the
 * epoch that was opened meanwhile. 1 M payments take about 25 s.
 *
 * @throws AppError `store_unavailable` where Redis goes away, whatever the parts throw.
 */
export async function rebuildEpoch(
  url: string,
  set: FeatureSet,
  keys: SetKeys,
  parts: RebuildParts,
): Promise<OpenedEpoch> {
  const redis = openRedis(url, BULK_TIMEOUT_MS);
  try {
    await connectRedis(redis);
    const token = randomUUID();
    for (let isSettled = false; ; isSettled = true) {
      const opened = await openEpochOf(redis, keys);
      if (opened !== undefined) {
        parts.onOpened(opened);
        return opened;
      }
      if (!isSettled) await parts.settle();
      const built = await asBuilder(redis, keys, token, () => build(redis, set, keys, token, parts));
      if (built?.made !== undefined) {
        parts.onOpened(built.made);
        await dropOlderEpochs(redis, keys, built.made.epoch, parts);
        return built.made;
      }
      if (built === undefined) await wait(LOOK_MS);
      else parts.onOvertaken();
    }
  } catch (error) {
    throw error instanceof AppError ? error : storeUnavailable(error);
  } finally {
    redis.disconnect();
  }
}

/** The keys of a set where an address names a single server or a Cluster. */
export function setKeysAt(url: string, set: Pick<FeatureSet, 'version'>): SetKeys {
  return setKeys(set, parseRedisAddress(url)?.kind === 'cluster');
}

/**
 * Closes the epoch of a set that is open, if it is an older one: whoever looks finds none, and builds one. Its keys stay
 * until then. A set that was not served for a while has its old epoch open: what came meanwhile is not in it.
 *
 * @param below epochs from this one on stay open.
 * @returns the epoch that was closed; undefined where there was none to close.
 * @throws AppError `store_unavailable`; `invalid_config` where Redis evicts.
 */
export async function closeEpochBelow(url: string, set: FeatureSet, below: number): Promise<number | undefined> {
  const keys = setKeysAt(url, set);
  const redis = openRedis(url, BULK_TIMEOUT_MS);
  try {
    await connectRedis(redis);
    await runIdsOf(redis);
    const open = await redis.get(keys.open);
    if (open === null || Number(open) >= below) return undefined;
    // Another server may have opened the next one since.
    const closed = await runScript(redis, CLOSE_SCRIPT, [keys.open], [open]);
    return closed === 1 ? Number(open) : undefined;
  } catch (error) {
    throw error instanceof AppError ? error : storeUnavailable(error);
  } finally {
    redis.disconnect();
  }
}

async function openEpochOf(redis: RedisClient, keys: SetKeys): Promise<OpenedEpoch | undefined> {
  const found = await findEpoch(redis, keys);
  return found.kind === 'open' ? found.opened : undefined;
}

/** Undefined where another one took the lock meanwhile, or Redis was flushed: then it is all to do again. */
async function build(
  redis: RedisClient,
  set: FeatureSet,
  keys: SetKeys,
  token: string,
  parts: RebuildParts,
): Promise<OpenedEpoch | undefined> {
  // Another builder may have opened one between our look and our lock. A second epoch beside it
  // would be built while commands of the first are under way.
  const opened = await openEpochOf(redis, keys);
  return opened ?? (await buildNext(redis, set, keys, token, parts));
}

async function buildNext(
  redis: RedisClient,
  set: FeatureSet,
  keys: SetKeys,
  token: string,
  parts: RebuildParts,
): Promise<OpenedEpoch | undefined> {
  let epoch = Number.NaN;
  try {
    epoch = await takeNumber(redis, keys, await parts.leastEpoch());
    // Before the journals are read: what is recorded under the old epoch after that would be in no epoch's state.
    await fence(redis, keys, epoch, token);
    return await fill(redis, set, keys, epoch, token, parts);
  } catch (error) {
    if (error instanceof Overtaken) return undefined;
    // Half a state helps nobody; and where memory is full, no epoch is open whose keys are worth it. But the number may be
    // another one's by now, or it was opened and only the answer was lost: then the builder is not this one any more.
    if ((await redis.get(keys.builder(0)).catch(() => null)) === token) {
      const isFull = /\bOOM\b/.test(messageOf(error));
      await dropEpochs(redis, keys, (its) => its === epoch || (isFull && its >= 0)).catch(() => {
        // Redis is away: the next builder frees it.
      });
    }
    throw error;
  }
}

async function fill(
  redis: RedisClient,
  set: FeatureSet,
  keys: SetKeys,
  epoch: number,
  token: string,
  { build: buildState, publish }: RebuildParts,
): Promise<OpenedEpoch | undefined> {
  // After the fence: every server that holds a partition is known by then, and nothing of the epoch is written yet.
  const runIds = await runIdsOf(redis);
  // Other servers meet the fence, or their command's end, and journal what they know: then all of it is in the base.
  if (keys.partitions > 1) await wait(SETTLE_MS);
  const { state, base } = await buildState();
  if (state.set.hash !== set.hash) throw new AppError('internal', 'the state was built for another feature set');
  await loadState(redis, state, epochKeys(keys, epoch), token);
  // An opening that nobody joins is not to be journaled: the epoch's number may be another one's then.
  if ((await redis.get(keys.builder(0))) !== token) return undefined;
  await publish(epoch, base);
  const opened: OpenedEpoch = { epoch, runIds, ...base };
  const names = [keys.lock, keys.builder(0), keys.open, keys.opening(epoch)];
  // The commit point: from here on servers join the new epoch. One of the partitions that was lost meanwhile is found then.
  const done = await runScript(redis, PUBLISH_SCRIPT, names, [token, String(epoch), JSON.stringify(opened)]);
  return done === 1 ? opened : undefined;
}

/** A number is used up before its first key is written: what a crash leaves behind is never read. */
export async function takeNumber(redis: RedisClient, keys: SetKeys, leastEpoch: number): Promise<number> {
  const markers = Array.from({ length: keys.partitions }, (_, partition) => keys.marker(partition));
  const last = await readAll(redis, [keys.open, keys.lastEpoch, ...markers]);
  const epoch = Math.max(leastEpoch, ...last.map((number) => Number(number) + 1));
  await redis.set(keys.lastEpoch, String(epoch));
  return epoch;
}

/** Closes every partition to the epochs before a builder's. */
export async function fence(redis: RedisClient, keys: SetKeys, epoch: number, token: string): Promise<void> {
  await Promise.all(
    Array.from({ length: keys.partitions }, (_, partition) =>
      runScript(redis, FENCE_SCRIPT, [keys.marker(partition), keys.builder(partition)], [String(epoch), token]),
    ),
  );
}

/** Frees what no script reads any more; where it fails, the next epoch's builder does it. */
async function dropOlderEpochs(redis: RedisClient, keys: SetKeys, epoch: number, parts: RebuildParts): Promise<void> {
  let freed = 0;
  const note = (count: number): void => {
    freed += count;
    parts.onFreed(freed);
  };
  await dropEpochs(redis, keys, (its) => its < epoch, note).catch(() => {
    // Memory is freed later.
  });
}

/**
 * Frees the keys of some epochs.
 *
 * @param isDropped of keys of no epoch it is asked with NaN.
 * @param onFreed told how many keys were freed since it was told last.
 * @throws what ioredis says where Redis goes away.
 */
export async function dropEpochs(
  redis: RedisClient,
  keys: SetKeys,
  isDropped: (epoch: number) => boolean,
  onFreed: (keys: number) => void = () => {},
): Promise<void> {
  for (const server of serversOf(redis)) {
    let cursor = '0';
    do {
      const [next, found] = await server.scanBuffer(cursor, 'MATCH', `${keys.prefix}*`, 'COUNT', 1000);
      const old = found.filter((key) => isDropped(epochOfKey(key, keys)));
      // Keys of one command have to lie in one slot.
      if (keys.partitions > 1) await Promise.all(old.map((key) => server.unlink(key)));
      else if (old.length > 0) await server.unlink(...old);
      if (old.length > 0) onFreed(old.length);
      cursor = next.toString();
    } while (cursor !== '0');
  }
}
