import { rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { examplePayment } from '../payment-example.ts';
import { sentinela } from '../running-program.ts';
import { startRedisCluster } from '../running-redis-cluster.ts';
import { newDataDir, startServer } from '../running-server.ts';

it('a server on a Redis Cluster degrades while a node is away, builds anew, and served what is recomputed', async () => {
  const cluster = await startRedisCluster();
  const dataDir = newDataDir();
  const args = ['--deadline-ms', '2000'];
  const server = await startServer({ dataDir, args, env: { SENTINELA_REDIS_URL: cluster.url } });
  let scored = 0;
  const score = async (): Promise<{ status: number; degraded: string[] }> => {
    scored += 1;
    const endToEndId = `E12345678202611011200${String(scored).padStart(11, '0')}`;
    const response = await server.post('/v1/score', examplePayment({ endToEndId }));
    return { status: response.status, degraded: ((await response.json()) as { degraded: string[] }).degraded };
  };
  // The first scripts of a cold Redis may take longer than 50 ms.
  await expect.poll(score, { timeout: 20_000 }).toEqual({ status: 200, degraded: [] });
  for (let more = 0; more < 20; more += 1) await score();
  const [node] = cluster.nodes;
  await node?.kill();
  await expect.poll(score, { timeout: 20_000 }).toEqual({ status: 200, degraded: ['store_unavailable'] });
  await node?.start();
  await expect.poll(score, { timeout: 60_000 }).toEqual({ status: 200, degraded: [] });
  // Until then silver holds back what was decided without its numbers.
  const late = async (): Promise<string | undefined> =>
    /sentinela_late_appends (\d+)/.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1];
  await expect.poll(late, { timeout: 20_000 }).toBe('0');
  expect(await server.stop()).toBe(0);
  await cluster.stop();
  sentinela('job', 'run', 'bronze-to-silver', '--json', '--data-dir', dataDir);
  const [report] = sentinela('features', 'check', '--json', '--data-dir', dataDir);
  expect(report).toMatchObject({ decisions: scored, differingValues: 0 });
  rmSync(dataDir, { recursive: true, force: true });
});
