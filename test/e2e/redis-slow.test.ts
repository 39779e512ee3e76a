import { rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { examplePayment } from '../payment-example.ts';
import { readTable, sentinela } from '../running-program.ts';
import { startRedis } from '../running-redis.ts';
import { startServer } from '../running-server.ts';

/** A payment between two accounts, by its number. */
function paymentOf(number: number): Record<string, unknown> {
  return examplePayment({ endToEndId: `E12345678202611011200${String(number).padStart(11, '0')}` });
}

it('Redis later than 50 ms gives a degraded decision, marked, and the event its number afterwards', async () => {
  const redis = await startRedis();
  const server = await startServer({ args: ['--deadline-ms', '2000'], env: { SENTINELA_REDIS_URL: redis.url } });
  // The first scripts of a cold Redis may take longer than 50 ms themselves: other accounts warm it up.
  let warm = 1000;
  const degradedOf = async (payment: Record<string, unknown>): Promise<string[]> =>
    ((await (await server.post('/v1/score', payment)).json()) as { degraded: string[] }).degraded;
  const nextWarm = (): number => {
    warm += 1;
    return warm;
  };
  const account = { number: '777', type: 'CACC' };
  const other = { ispb: '12345678', document: '52998224725', account };
  await expect
    .poll(() => degradedOf({ ...paymentOf(nextWarm()), payer: other, payee: other }), { timeout: 20_000 })
    .toEqual([]);
  expect(await degradedOf(paymentOf(1))).toEqual([]);
  expect(redis.command('CLIENT', 'PAUSE', '1500', 'ALL')).toBe('OK');
  const response = await server.post('/v1/score', paymentOf(2));
  const slow = (await response.json()) as { degraded: string[]; decision: string; score: number };
  expect(response.status).toBe(200);
  expect(slow.degraded).toEqual(['store_unavailable']);
  expect(slow.score).not.toBeNull();
  await expect
    .poll(async () => /sentinela_late_appends (\d+)/.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1], {
      timeout: 20_000,
    })
    .toBe('0');
  const after = (await (await server.post('/v1/score', paymentOf(3))).json()) as { degraded: string[] };
  expect(after.degraded).toEqual([]);
  const shown = (await (await fetch(`${server.url}/v1/decisions/${paymentOf(3).endToEndId}/PAYER`)).json()) as {
    features: { name: string; value: unknown }[];
  };
  // The payment that was decided without history is in the history of the next.
  expect(shown.features.find(({ name }) => name === 'payer_count_24h')?.value).toBe(2);
  expect(await server.stop()).toBe(0);
  redis.stop();
  sentinela('job', 'run', 'bronze-to-silver', '--json', '--data-dir', server.dataDir);
  const numbers = readTable(server.dataDir, 'silver/transactions', 'end_to_end_id,payer_number,payer_seq')
    .filter((row) => row.payer_number === '123456')
    .map((row) => Number(row.payer_seq));
  expect(numbers.sort()).toEqual([1, 2, 3]);
  const [report] = sentinela('features', 'check', '--json', '--data-dir', server.dataDir);
  expect(report).toMatchObject({ decisions: 3 + warm - 1000, differingValues: 0 });
  rmSync(server.dataDir, { recursive: true });
});
