import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import { closeEpochBelow } from '../../src/features/redis/redis-epoch.ts';
import { RedisOnlineStore, type RedisStoreHooks } from '../../src/features/redis/redis-online-store.ts';
import { paymentOf, plainSet, rowOf } from '../unit/features/streams.ts';
import { epochOf, NO_HOOKS } from './redis-parts.ts';
import { startRedis, type TestRedis } from './redis-server.ts';
import { type SilentProxy, startSilentProxy } from './silent-proxy.ts';

const SET = compileFeatureSet(plainSet(9));
const START = 1_762_000_000_000_000;
const portOf = (url: string): number => Number(new URL(url).port);

let redis: TestRedis;
let proxy: SilentProxy;
beforeEach(async () => {
  redis = await startRedis();
  proxy = await startSilentProxy(portOf(redis.url));
});
afterEach(async () => {
  await proxy.close();
  await redis.close();
});

let payments = 0;
const pay = (store: RedisOnlineStore) => {
  payments += 1;
  return store.observePayment(paymentOf(rowOf(`E${String(payments).padStart(31, '0')}`, START + payments, 1, 1, 1)));
};
const isAnswered = (store: RedisOnlineStore): Promise<boolean> =>
  pay(store).then(
    () => true,
    () => false,
  );

/** A store behind the proxy whose epoch is open. */
async function opened(hooks: Partial<RedisStoreHooks> = {}): Promise<RedisOnlineStore> {
  const url = `redis://127.0.0.1:${proxy.port}`;
  const store: RedisOnlineStore = new RedisOnlineStore(url, SET, {
    ...NO_HOOKS,
    ...hooks,
  });
  await store.connect();
  await store.rebuild(epochOf(url, SET));
  expect(store.isOpen).toBe(true);
  // The first script of a cold Redis may take longer than a command may.
  await expect.poll(() => isAnswered(store)).toBe(true);
  return store;
}

describe('a connection on which packets are lost without a word', () => {
  it('is closed and opened anew where commands wait, so that payments are answered from state again', async () => {
    const store = await opened();
    proxy.silence();
    await expect.poll(() => isAnswered(store), { timeout: 10_000 }).toBe(true);
    await store.close();
  });

  it('stays where nobody asks anything', async () => {
    const store = await opened();
    const before = proxy.connections;
    // Nothing happens meanwhile that could be waited for: it is longer than silence is borne with.
    await wait(3000);
    expect(await isAnswered(store)).toBe(true);
    expect(proxy.connections).toBe(before);
    await store.close();
  });
});

describe('a primary that became a replica while connections to it stay', () => {
  it('is left for what its address names by then, and is not read before', async () => {
    const told: string[] = [];
    const store = await opened({
      onUnfit: ({ message }) => told.push(message),
      onStateLost: (reason) => told.push(reason),
    });
    told.length = 0;
    const next = await startRedis();
    try {
      await next.admin.replicaof('127.0.0.1', portOf(redis.url));
      await expect.poll(() => next.admin.info('replication'), { timeout: 20_000 }).toMatch(/master_link_status:up/);
      await next.admin.replicaof('NO', 'ONE');
      await redis.admin.replicaof('127.0.0.1', portOf(next.url));
      // As who asks meanwhile finds it: the address still names the old one, over several looks.
      await expect.poll(() => isAnswered(store).then(() => told.length), { timeout: 10_000 }).toBe(1);
      const before = proxy.connections;
      await expect.poll(() => proxy.connections, { timeout: 10_000 }).toBeGreaterThan(before + 1);
      expect([told, store.isOpen]).toEqual([[expect.stringMatching(/is a replica/)], false]);

      proxy.retarget(portOf(next.url));
      await expect.poll(() => told, { timeout: 10_000 }).toEqual([expect.any(String), 'restarted']);
      await store.rebuild(epochOf(`redis://127.0.0.1:${proxy.port}`, SET));
      await expect.poll(() => isAnswered(store)).toBe(true);
    } finally {
      await store.close();
      await next.close();
    }
  });
});

describe('a Redis that evicts keys when its memory is full', () => {
  const evict = (policy: string, maxmemory: string): Promise<unknown> =>
    redis.admin.config('SET', 'maxmemory', maxmemory, 'maxmemory-policy', policy);

  it('is refused at the start, with what to set, and is not where it has no limit', async () => {
    const close = () => closeEpochBelow(redis.url, SET, 1);
    for (const policy of ['volatile-ttl', 'allkeys-lru']) {
      await evict(policy, '100mb');
      await expect(close()).rejects.toMatchObject({
        code: 'invalid_config',
        message: expect.stringContaining(`(maxmemory-policy ${policy}), and payments would count twice: set maxmemory`),
      });
      await evict(policy, '0');
      expect(await close()).toBe(undefined);
    }
    await evict('noeviction', '100mb');
    expect(await close()).toBe(undefined);
  });

  it('is not read by a server that runs when it connects anew, until its policy is set', async () => {
    const told: string[] = [];
    const store = await opened({ onUnfit: ({ code }) => told.push(code) });
    await evict('allkeys-lfu', '100mb');
    proxy.cut();
    await expect.poll(() => told).toEqual(['invalid_config']);
    expect([store.isOpen, await isAnswered(store)]).toEqual([false, false]);
    await evict('noeviction', '100mb');
    await expect.poll(() => store.isOpen, { timeout: 5000 }).toBe(true);
    expect(told).toEqual(['invalid_config']);
    await store.close();
  });
});

describe('an epoch that was just built', () => {
  it('is not read where Redis lost it before it was told here, and that is told', async () => {
    const told: string[] = [];
    const store = await opened({ onStateLost: (reason) => told.push(reason) });
    told.length = 0;
    await redis.admin.flushall();
    await store.rebuild(async (from) => {
      const built = await epochOf(redis.url, SET)(from);
      await redis.admin.flushall();
      return built;
    });
    expect([store.isOpen, told]).toEqual([false, ['empty']]);
    await store.close();
  });

  it('is read only when the connection that was lost meanwhile is there again', async () => {
    const store = await opened();
    await redis.admin.flushall();
    await store.rebuild(async (from) => {
      const built = await epochOf(redis.url, SET)(from);
      proxy.retarget(1);
      proxy.cut();
      return built;
    });
    expect(store.isOpen).toBe(false);
    proxy.retarget(portOf(redis.url));
    await expect.poll(() => store.isOpen, { timeout: 10_000 }).toBe(true);
    expect([store.epoch, await isAnswered(store)]).toEqual([2, true]);
    await store.close();
  });
});
