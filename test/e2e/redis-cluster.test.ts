import { rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { examplePayment } from '../payment-example.ts';
import { sentinela } from '../running-program.ts';
import { startRedisCluster } from '../running-redis-cluster.ts';
import { newDataDir, startServer } from '../running-server.ts';

const idOf = (number: number): string => `E12345678202611011200${String(number).padStart(11, '0')}`;

it('a server on a Redis Cluster corrects, degrades while a node is away, builds anew, and served what is recomputed', async () => {
  const cluster = await startRedisCluster();
  const dataDir = newDataDir();
  const args = ['--deadline-ms', '2000'];
  const server = await startServer({ dataDir, args, env: { SENTINELA_REDIS_URL: cluster.url } });
  let scored = 0;
  const score = async (): Promise<{ status: number; degraded: string[] }> => {
    scored += 1;
    const response = await server.post('/v1/score', examplePayment({ endToEndId: idOf(scored) }));
    return { status: response.status, degraded: ((await response.json()) as { degraded: string[] }).degraded };
  };
  /** Corrects until it is answered: what is sent again is harmless. */
  const correct = async (number: number, changes?: Record<string, unknown>): Promise<void> => {
    const endToEndId = idOf(number);
    const payment = changes && { payment: examplePayment({ endToEndId, ...changes }) };
    const body = { endToEndId, correctedAt: '2026-11-01T12:30:00Z', ...payment };
    const answer = async (): Promise<unknown> => (await server.post('/v1/corrections', body)).json();
    await expect.poll(answer, { timeout: 20_000 }).toEqual({ accepted: true, applied: true });
  };
  // The first scripts of a cold Redis may take longer than 50 ms.
  await expect.poll(score, { timeout: 20_000 }).toEqual({ status: 200, degraded: [] });
  for (let more = 0; more < 20; more += 1) await score();
  const payee = { ispb: '1A2B3C4D', document: '12ABC34501DE35', account: { number: '5', type: 'TRAN' } };
  await correct(3, { amount: '1.00' });
  await correct(4, { payee });
  await correct(5);
  await correct(4);
  for (let more = 0; more < 5; more += 1) await score();
  const [node] = cluster.nodes;
  await node?.kill();
  await expect.poll(score, { timeout: 20_000 }).toEqual({ status: 200, degraded: ['store_unavailable'] });
  await node?.start();
  await expect.poll(score, { timeout: 60_000 }).toEqual({ status: 200, degraded: [] });
  // Those of the epoch's base, corrected before or not.
  await correct(3, { amount: '2.00' });
  await correct(6, { payee });
  await correct(4, {});
  for (let more = 0; more < 5; more += 1) await score();
  // Until then silver holds back what was decided without its numbers.
  const late = async (): Promise<string | undefined> =>
    /sentinela_late_appends (\d+)/.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1];
  await expect.poll(late, { timeout: 20_000 }).toBe('0');
  expect(await server.stop()).toBe(0);
  await cluster.stop();
  const [silver] = sentinela('job', 'run', 'bronze-to-silver', '--json', '--data-dir', dataDir);
  expect(silver).toMatchObject({ quarantined: 0 });
  const [report] = sentinela('features', 'check', '--json', '--data-dir', dataDir);
  expect(report).toMatchObject({ decisions: scored, differingValues: 0 });
  rmSync(dataDir, { recursive: true, force: true });
});
