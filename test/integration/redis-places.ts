import { startRedisCluster } from '../running-redis-cluster.ts';
import { startRedis } from './redis-server.ts';

/** A Redis that is disturbed. */
export interface RedisPlace {
  readonly url: string;
  /** Empties all of it. */
  empty(): Promise<void>;
  /** Empties it; of a Cluster one node, another one each time. */
  flush(): Promise<void>;
  /** Ends it, or one node of a Cluster, as a crash does, and starts it again, empty. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Holds it, or one node, up: commands are neither answered nor lost. */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}

/** A single server. */
export async function oneServer(): Promise<RedisPlace> {
  const redis = await startRedis();
  const flush = async (): Promise<void> => void (await redis.admin.flushall());
  return Object.assign(redis, { flush, empty: flush });
}

/** A Cluster. */
export async function threeNodes(): Promise<RedisPlace> {
  const { url, nodes, flush, stop } = await startRedisCluster();
  const [first, second, third] = nodes;
  if (first === undefined || second === undefined || third === undefined) throw new Error('three nodes were asked for');
  let flushes = 0;
  return {
    url,
    empty: async () => flush(),
    flush: async () => void nodes[flushes++ % nodes.length]?.command('FLUSHALL'),
    kill: () => second.kill(),
    start: () => second.start(),
    pause: () => third.pause(),
    resume: () => third.resume(),
    close: stop,
  };
}
