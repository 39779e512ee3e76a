import { rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { examplePayment } from '../payment-example.ts';
import { startRedis } from '../running-redis.ts';
import { newDataDir, startServer } from '../running-server.ts';

it('what one server scored another one reads from Redis; without Redis a read says so', async () => {
  const redis = await startRedis();
  const dataDir = newDataDir();
  const env = { SENTINELA_REDIS_URL: redis.url };
  const a = await startServer({ dataDir, env, args: ['--instance', 'a'] });
  const b = await startServer({ dataDir, env, args: ['--instance', 'b'] });
  const read = async (): Promise<unknown> => {
    const rows = [{ payer: '12345678|1|123456', payee: '1A2B3C4D||99887766' }, { payer: '12345678|1|1' }];
    const features = ['payer_count_24h', 'pair_count_ever', 'amount'];
    return (await b.post('/v1/features/online', { features, rows, at: '2026-11-01T12:30:00Z' })).json();
  };
  const before = { rows: [{ values: [0, 0, null] }, { values: [0, null, null] }] };
  // The first scripts of a cold Redis may take longer than 50 ms.
  await expect.poll(read, { timeout: 20_000 }).toMatchObject(before);
  const decisionOf = async (): Promise<unknown> => (await a.post('/v1/score', examplePayment())).json();
  expect(await decisionOf()).toMatchObject({ decision: expect.any(String) });
  await expect.poll(read, { timeout: 20_000 }).toMatchObject({
    rows: [
      { values: [1, 1, null], statuses: ['present', 'present', 'null'] },
      { values: [0, null, null], statuses: ['not_found', 'not_found', 'null'] },
    ],
  });
  // Reads take no numbers: the next payment's is the second.
  const { rows } = (await read()) as { rows: { saw: { payer: { seq: number } } }[] };
  expect(rows[0]?.saw.payer.seq).toBe(1);
  // Nothing of a correction is recorded: what is durable with Redis is never taken out.
  const { endToEndId } = examplePayment();
  const correction = await a.post('/v1/corrections', { endToEndId, correctedAt: '2026-11-01T12:30:00Z' });
  expect([correction.status, await correction.json()]).toEqual([
    501,
    expect.objectContaining({ code: 'correction_unsupported', retryable: false }),
  ]);
  redis.stop();
  await expect.poll(read, { timeout: 20_000 }).toMatchObject({ code: 'store_unavailable', retryable: true });
  expect(await a.stop()).toBe(0);
  expect(await b.stop()).toBe(0);
  rmSync(dataDir, { recursive: true, force: true });
});
