import { Cluster } from 'ioredis';
import { afterEach, expect, it, vi } from 'vitest';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import { RedisOnlineStore } from '../../src/features/redis/redis-online-store.ts';
import { type ClusterNode, startRedisCluster } from '../running-redis-cluster.ts';
import { plainSet } from '../unit/features/streams.ts';
import { epochOf, NO_HOOKS } from './redis-parts.ts';

const SET = compileFeatureSet(plainSet(9));

afterEach(() => {
  vi.restoreAllMocks();
});

it('a replica that was promoted takes no payment of the epoch: it is closed in the turn in which the slots show it', async () => {
  const cluster = await startRedisCluster();
  try {
    const replica = await cluster.addReplica(cluster.nodes[0] as ClusterNode);
    const lost: string[] = [];
    const hooks = { ...NO_HOOKS, onStateLost: (reason: string) => void lost.push(reason) };
    const store = new RedisOnlineStore(cluster.url, SET, hooks, 10_000);
    await store.connect();
    await store.rebuild(epochOf(cluster.url, SET));
    expect(store.isOpen).toBe(true);
    lost.length = 0;

    // What a payment of the same turn would find.
    const found: boolean[] = [];
    const emit = Cluster.prototype.emit;
    vi.spyOn(Cluster.prototype, 'emit').mockImplementation(function (this: Cluster, ...args) {
      const isHeard = emit.apply(this, args);
      const masters = this.nodes('master').map(({ options }) => options.port);
      if (args[0] === 'refresh' && masters.includes(replica.port)) found.push(store.isOpen);
      return isHeard;
    });
    expect(replica.command('CLUSTER', 'FAILOVER')).toBe('OK');
    await expect.poll(() => found.length, { timeout: 30_000 }).toBeGreaterThan(0);
    expect(found[0]).toBe(false);
    await expect.poll(() => lost, { timeout: 10_000 }).toEqual(['restarted']);
    await store.close();
  } finally {
    await cluster.stop();
  }
});
