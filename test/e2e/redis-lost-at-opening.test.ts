import { rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PUBLISH_SCRIPT } from '../../src/features/redis/redis-scripts.ts';
import { startSilentProxy } from '../integration/silent-proxy.ts';
import { startRedis } from '../running-redis.ts';
import { newDataDir, startServer } from '../running-server.ts';

it('a state that Redis loses while it is opened is built again, before any payment asks for it', async () => {
  const redis = await startRedis();
  const proxy = await startSilentProxy(Number(new URL(redis.url).port));
  const dataDir = newDataDir();
  // A new Redis is sent the script's text.
  proxy.before(PUBLISH_SCRIPT.text, async () => redis.command('FLUSHALL'));
  const server = await startServer({ dataDir, env: { SENTINELA_REDIS_URL: `redis://127.0.0.1:${proxy.port}` } });
  const gauges = async (): Promise<readonly string[]> =>
    (await (await fetch(`${server.url}/metrics`)).text()).match(/^sentinela_store_(?:open|epoch) \d+/gm) ?? [];
  await expect.poll(gauges, { timeout: 20_000 }).toEqual(['sentinela_store_open 1', 'sentinela_store_epoch 2']);
  expect(server.log()).toContain('is lost already');
  expect(await server.stop()).toBe(0);
  await proxy.close();
  redis.stop();
  rmSync(dataDir, { recursive: true, force: true });
});
