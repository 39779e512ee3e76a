import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { EmbeddedStore } from '../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import { setKeys } from '../../src/features/redis/redis-layout.ts';
import { RedisOnlineStore } from '../../src/features/redis/redis-online-store.ts';
import { paymentOf, plainSet, rowOf } from '../unit/features/streams.ts';
import { baseOf, emptyParts, epochOf, NO_HOOKS } from './redis-parts.ts';
import { startRedis, type TestRedis } from './redis-server.ts';

const SET = compileFeatureSet(plainSet(9));
const KEYS = setKeys(SET, false);

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => void (await redis.admin.flushall()));

/** A server, what it did, and something that happens while it builds for the first time. */
function builder(meanwhile: () => Promise<unknown> = async () => undefined, payments = 0) {
  const done = { built: 0, overtaken: 0 };
  const published: number[] = [];
  const store = new RedisOnlineStore(redis.url, SET, NO_HOOKS, 10_000);
  const rebuild = () =>
    store.rebuild(
      epochOf(redis.url, SET, {
        ...emptyParts(SET),
        async build() {
          done.built += 1;
          if (done.built === 1) await meanwhile();
          const state = new EmbeddedStore(SET);
          for (let at = 0; at < payments; at += 1) {
            state.applyRecorded(
              paymentOf(rowOf(`E${String(at).padStart(31, '0')}`, 1_762_000_000_000_000 + at, 1, at, at)),
            );
          }
          return baseOf(state);
        },
        publish: async (epoch) => void published.push(epoch),
        onOvertaken: () => {
          done.overtaken += 1;
        },
      }),
    );
  return { store, done, published, rebuild };
}

it('opens what it built though its lock ran out, where nobody else took it', async () => {
  const one = builder(() => redis.admin.del(KEYS.lock));
  expect(await one.rebuild()).toMatchObject({ epoch: 1 });
  expect(one.done).toEqual({ built: 1, overtaken: 0 });
  expect(await redis.admin.exists(KEYS.lock, KEYS.builder(0))).toBe(0);
  await one.store.close();
});

it('joins the epoch of another one that took the lock when it had run out', async () => {
  const other = builder();
  const one = builder(async () => {
    await redis.admin.del(KEYS.lock);
    await other.rebuild();
  });
  const opened = await one.rebuild();
  expect([one.done, other.done]).toEqual([
    { built: 1, overtaken: 1 },
    { built: 1, overtaken: 0 },
  ]);
  expect(opened).toMatchObject({ epoch: 2 });
  expect([one.store.epoch, other.store.epoch]).toEqual([2, 2]);
  for (const { store } of [one, other]) await store.close();
});

it('builds again where Redis was flushed meanwhile', async () => {
  const one = builder(() => redis.admin.flushall());
  await one.rebuild();
  expect(one.done).toEqual({ built: 2, overtaken: 1 });
  await one.store.close();
});

it('writes nothing into the epoch of the same number that another one opened after a flush', async () => {
  const other = builder();
  const one = builder(async () => {
    await redis.admin.flushall();
    await other.rebuild();
  }, 50);
  await one.rebuild();
  expect(one.done).toEqual({ built: 1, overtaken: 1 });
  expect([other.published, one.published]).toEqual([[1], []]);
  expect(await redis.admin.keys('sn2:*:1:*')).toEqual([]);
  for (const { store } of [one, other]) await store.close();
});

it('leaves the epoch of the same number alone that another one opened, though its own build fails', async () => {
  const other = builder(undefined, 50);
  const one = builder(async () => {
    await redis.admin.flushall();
    await other.rebuild();
    throw new Error('the lake is away');
  });
  await expect(one.rebuild()).rejects.toThrow();
  expect(other.published).toEqual([1]);
  expect((await redis.admin.keys('sn2:*:1:*')).length).toBeGreaterThan(50);
  for (const { store } of [one, other]) await store.close();
});

it('leaves nothing of a state that memory has no room for, and builds it when there is', async () => {
  const one = builder(undefined, 20_000);
  await redis.admin.config('SET', 'maxmemory-policy', 'noeviction');
  await redis.admin.config('SET', 'maxmemory', '6mb');
  try {
    await expect(one.rebuild()).rejects.toMatchObject({ code: 'store_unavailable' });
  } finally {
    await redis.admin.config('SET', 'maxmemory', '0');
  }
  expect(await redis.admin.keys('sn2:*:1:*')).toEqual([]);
  expect(one.published).toEqual([]);
  await one.rebuild();
  expect(await redis.admin.dbsize()).toBeGreaterThan(20_000);
  expect(one.published).toEqual([2]);
  await one.store.close();
});
