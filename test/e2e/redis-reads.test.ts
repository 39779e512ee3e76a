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
  // What one server corrects, the other sees.
  const { endToEndId } = examplePayment();
  const correctedAt = '2026-11-01T12:30:00Z';
  const correct = async (server: typeof a, body: object): Promise<unknown> => {
    const response = await server.post('/v1/corrections', { correctedAt, ...body });
    return [response.status, await response.json()];
  };
  const isTaken = [202, { accepted: true, applied: true }];
  await expect.poll(() => correct(b, { endToEndId }), { timeout: 20_000 }).toEqual(isTaken);
  const nobody = { values: [0, null, null], statuses: ['not_found', 'not_found', 'null'] };
  expect(await read()).toMatchObject({ rows: [{ ...nobody, values: [0, 0, null] }, nobody] });
  const again = { endToEndId, payment: examplePayment() };
  await expect.poll(() => correct(a, again), { timeout: 20_000 }).toEqual(isTaken);
  expect(await read()).toMatchObject({ rows: [{ values: [1, 1, null] }, nobody] });
  const unknown = { endToEndId: String(endToEndId).replace(/.$/, '9') };
  const isKept = [202, { accepted: true, applied: false }];
  await expect.poll(() => correct(b, unknown), { timeout: 20_000 }).toEqual(isKept);
  redis.stop();
  await expect.poll(read, { timeout: 20_000 }).toMatchObject({ code: 'store_unavailable', retryable: true });
  expect(await correct(a, { endToEndId })).toEqual([503, expect.objectContaining({ code: 'store_unavailable' })]);
  expect(await a.stop()).toBe(0);
  expect(await b.stop()).toBe(0);
  rmSync(dataDir, { recursive: true, force: true });
});
