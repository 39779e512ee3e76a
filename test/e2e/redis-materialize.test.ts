import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import { PIX_CORE } from '../../src/features/pix-core.ts';
import { writeDefinitionFile } from '../../src/features/yaml/write-definition.ts';
import { examplePayment } from '../payment-example.ts';
import { runProgram, sentinela } from '../running-program.ts';
import { startRedis } from '../running-redis.ts';
import { newDataDir, type RunningServer, startServer } from '../running-server.ts';

it('an epoch in Redis that was left behind is not joined: materialize fills a new one, and a start builds one by itself', async () => {
  const redis = await startRedis();
  const dataDir = newDataDir();
  const env = { SENTINELA_REDIS_URL: redis.url };
  let paid = 0;
  const pay = async (server: RunningServer): Promise<readonly string[]> => {
    paid += 1;
    const endToEndId = `E12345678202611011200${String(paid).padStart(11, '0')}`;
    const answer = await server.post('/v1/score', examplePayment({ endToEndId }));
    return ((await answer.json()) as { degraded: string[] }).degraded;
  };
  const epochOf = async (server: RunningServer): Promise<number> =>
    Number(/sentinela_store_epoch (\d+)/.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1]);
  /** Payments of the payer within a day, as the state of now has it. */
  const count = async (server: RunningServer): Promise<unknown> => {
    const rows = [{ payer: '12345678|1|123456' }];
    const at = '2026-11-01T12:30:00Z';
    const answer = await server.post('/v1/features/online', { features: ['payer_count_24h'], rows, at });
    return ((await answer.json()) as { rows: { values: number[] }[] }).rows[0]?.values[0];
  };
  const first = await startServer({ dataDir, env });
  // The first scripts of a cold Redis may take longer than 50 ms.
  await expect.poll(() => pay(first), { timeout: 20_000 }).toEqual([]);
  const epoch = await epochOf(first);
  const args = ['features', 'materialize', '--data-dir', dataDir, '--redis-url', redis.url];
  expect(runProgram([...args]).status).toBe(3);
  expect(await first.stop()).toBe(0);

  // Meanwhile payments come another way: the epoch in Redis does not see them.
  const embedded = await startServer({ dataDir });
  for (let more = 0; more < 3; more += 1) await pay(embedded);
  expect(await embedded.stop()).toBe(0);
  const second = await startServer({ dataDir, env });
  expect(second.log()).toContain('an older epoch in Redis is closed');
  await expect.poll(() => count(second), { timeout: 20_000 }).toBe(paid);
  expect(await epochOf(second)).toBeGreaterThan(epoch);
  expect(await second.stop()).toBe(0);

  // A set of one's own is filled before any server has it, and joined as it is.
  const set = compileFeatureSet({ ...PIX_CORE, name: 'mine', bound: 128 });
  const file = join(dataDir, 'mine.yaml');
  writeFileSync(file, writeDefinitionFile(set.definition));
  const [mine] = sentinela(...args, '--set', file, '--json');
  expect(mine).toMatchObject({ featureSet: `mine@${set.version}`, instance: 'main' });
  const [again] = sentinela(...args, '--json');
  const third = await startServer({ dataDir, env });
  expect(third.log()).not.toContain('an older epoch');
  expect(await epochOf(third)).toBe(again?.epoch);
  await expect.poll(() => count(third), { timeout: 20_000 }).toBe(paid);
  expect(await third.stop()).toBe(0);
  redis.stop();
  expect(runProgram([...args]).status).toBe(3);
  rmSync(dataDir, { recursive: true, force: true });
});

it('materialize ends when the epoch before is freed, however many keys that has', async () => {
  const redis = await startRedis();
  const dataDir = newDataDir();
  const args = ['features', 'materialize', '--data-dir', dataDir, '--redis-url', redis.url, '--json'];
  const [first] = sentinela(...args);
  const prefix = `sn2:${String(first?.featureSet).split('@')[1]}:${first?.epoch}:`;
  const fill = "for at = 1, tonumber(ARGV[2]) do redis.call('SET', ARGV[1] .. 'e' .. at, at) end";
  redis.command('EVAL', fill, '0', prefix, '200000');
  const keys = (): number => Number(redis.command('EVAL', "return #redis.call('KEYS', ARGV[1])", '0', `${prefix}*`));
  expect(keys()).toBe(200_000);
  const [second] = sentinela(...args);
  expect(Number(second?.epoch)).toBeGreaterThan(Number(first?.epoch));
  expect(keys()).toBe(0);
  redis.stop();
  rmSync(dataDir, { recursive: true, force: true });
});
