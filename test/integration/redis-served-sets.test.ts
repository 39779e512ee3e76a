import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { EmbeddedStore } from '../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet, type FeatureSet } from '../../src/features/feature-set.ts';
import { RedisOnlineStore } from '../../src/features/redis/redis-online-store.ts';
import { type RenewalRun, renewServed } from '../../src/features/redis/redis-served-sets.ts';
import { startRedisCluster } from '../running-redis-cluster.ts';
import { paymentOf, plainSet, rowOf } from '../unit/features/streams.ts';
import { baseOf, emptyParts, epochOf, NO_HOOKS } from './redis-parts.ts';
import { startRedis } from './redis-server.ts';

const [OLD, NEW] = [compileFeatureSet(plainSet(9)), compileFeatureSet(plainSet(10))];
const START = 1_762_000_000_000_000;
const HOUR_MS = 3_600_000;
const idOf = (n: number): string => `E${String(n).padStart(31, '0')}`;

/** Renewals of a server that named its set for over an hour. */
const unbroken = (nowMs: number): RenewalRun => ({ firstMs: nowMs - HOUR_MS - 1, lastMs: nowMs - 60_000 });

interface Place {
  readonly url: string;
  flush(): Promise<unknown>;
  /** How many keys of a set there are. */
  keysOf(set: FeatureSet): Promise<number>;
  close(): Promise<void> | void;
}

async function server(): Promise<Place> {
  const redis = await startRedis();
  return {
    url: redis.url,
    flush: () => redis.admin.flushall(),
    keysOf: async ({ version }) => (await redis.admin.keys(`sn2:${version}:*:*`)).length,
    close: () => redis.close(),
  };
}

async function cluster(): Promise<Place> {
  const running = await startRedisCluster();
  return {
    url: running.url,
    flush: async () => running.flush(),
    keysOf: async ({ version }) => {
      const count = ['EVAL', "return #redis.call('KEYS', ARGV[1])", '0', `sn2:${version}:*:*:*`];
      return running.nodes.reduce((sum, node) => sum + Number(node.command(...count)), 0);
    },
    close: () => running.stop(),
  };
}

/** A store whose epoch holds some payments; `lost` tells how often it found none to be read. */
async function served(url: string, set: FeatureSet) {
  const told = { lost: 0 };
  const onStateLost = (): void => {
    told.lost += 1;
  };
  const hooks = { ...NO_HOOKS, onStateLost };
  const store = new RedisOnlineStore(url, set, hooks, 10_000);
  await store.connect();
  told.lost = 0;
  const build = async () => {
    const state = new EmbeddedStore(set);
    for (let at = 0; at < 500; at += 1) state.applyRecorded(paymentOf(rowOf(idOf(at), START + at, 1, at, at)));
    return baseOf(state);
  };
  const rebuild = () => store.rebuild(epochOf(url, set, { ...emptyParts(set), build }));
  await rebuild();
  return { store, told, rebuild };
}

describe.each([
  ['one server', server],
  ['a Cluster', cluster],
])('sets that were served from %s', (_, start) => {
  let place: Place;
  beforeAll(async () => {
    place = await start();
  });
  afterAll(() => place.close());
  beforeEach(async () => void (await place.flush()));

  it('are freed an hour after a server last named them, and built anew by one that serves them again', async () => {
    const { url } = place;
    const forgotten: string[] = [];
    const renew = (set: FeatureSet, nowMs: number) =>
      renewServed(url, set, unbroken(nowMs), (version) => forgotten.push(version), nowMs);
    await renew(OLD, 0);
    const old = await served(url, OLD);
    await renew(NEW, 0);
    const young = await served(url, NEW);
    await renew(NEW, HOUR_MS);
    expect(forgotten).toEqual([]);
    expect(await place.keysOf(OLD)).toBeGreaterThan(500);

    await renew(NEW, HOUR_MS + 1);
    expect(forgotten).toEqual([OLD.version]);
    expect(await place.keysOf(OLD)).toBe(0);
    const pay = (store: RedisOnlineStore, n: number) =>
      store.observePayment(paymentOf(rowOf(idOf(n), START + n, 1, 1, 1)));
    // The set that is served is whole, and a server that slept is told that its state is gone.
    expect((await pay(young.store, 1000)).numbers.payer).toMatchObject({ epoch: 1, seq: 1 });
    expect(await place.keysOf(NEW)).toBeGreaterThan(500);
    await expect(pay(old.store, 1000)).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect.poll(() => old.told.lost).toBe(1);
    await renew(OLD, HOUR_MS + 2);
    expect(await old.rebuild()).toMatchObject({ epoch: 3 });
    expect((await pay(old.store, 1001)).numbers.payer?.epoch).toBe(3);
    for (const { store } of [old, young]) await store.close();
  });

  it('are told apart by the clock of Redis, whatever a server thinks what time it is', async () => {
    const forgotten: string[] = [];
    const renew = async (set: FeatureSet) =>
      renewServed(place.url, set, unbroken(now), (version) => forgotten.push(version));
    const now = Date.now();
    await renew(OLD);
    const clock = vi.spyOn(Date, 'now').mockReturnValue(now + 2 * HOUR_MS);
    try {
      await renew(NEW);
      await renew(OLD);
    } finally {
      clock.mockRestore();
    }
    expect(forgotten).toEqual([]);
    const later = now + 2 * HOUR_MS;
    await renewServed(place.url, OLD, unbroken(later), (version) => forgotten.push(version), later);
    expect(forgotten).toEqual([NEW.version]);
  });

  it('are left alone by a server that could not name its own for the whole hour itself', async () => {
    const forgotten: string[] = [];
    const renew = (run: RenewalRun | undefined, nowMs: number) =>
      renewServed(place.url, NEW, run, (version) => forgotten.push(version), nowMs);
    await renewServed(place.url, OLD, undefined, () => {}, 0);
    // Redis was away for two hours, and this server is the first one back.
    let now = 2 * HOUR_MS;
    let run = await renew(undefined, now);
    for (; now < 3 * HOUR_MS; run = await renew(run, now)) now += 60_000;
    expect([forgotten, run]).toEqual([[], { firstMs: 2 * HOUR_MS, lastMs: now }]);
    // It is held up, and the others with it.
    now += 200_000;
    run = await renew(run, now);
    expect([forgotten, run]).toEqual([[], { firstMs: now, lastMs: now }]);
    await renew(unbroken(now), now);
    expect(forgotten).toEqual([OLD.version]);
  });
});
