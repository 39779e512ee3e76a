import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { examplePayment } from '../payment-example.ts';
import { readTable, sentinela } from '../running-program.ts';
import { newDataDir, startServer } from '../running-server.ts';

describe('kill -9 under load', () => {
  it('20 times: nothing that was answered is lost, nothing is doubled, and a retry gets its first answer', {
    timeout: 600_000,
  }, async () => {
    const random = seededRandom(20);
    const dataDir = newDataDir();
    const answered = new Map<string, string>();
    let counter = 0;
    let slowestReadyMs = 0;
    for (let round = 0; round < 20; round += 1) {
      const server = await startServer({ dataDir });
      slowestReadyMs = Math.max(slowestReadyMs, server.readyMs);
      // What was answered before the last kill is answered the same after it.
      const sample = [...answered].filter(() => random.chance(20 / Math.max(20, answered.size)));
      for (const [id, body] of sample) {
        const again = await server.post('/v1/score', paymentOf(id));
        const text = await again.text();
        // A machine that is too slow for the deadline says so, and the retry after it is answered.
        if (again.status === 503) continue;
        expect(again.headers.get('idempotent-replayed'), text).toBe('true');
        expect(text).toBe(body);
      }
      let killed = false;
      const lanes = Array.from({ length: 8 }, async () => {
        while (!killed) {
          counter += 1;
          const id = `E12345678202611011200${String(counter).padStart(11, '0')}`;
          try {
            const response = await server.post('/v1/score', paymentOf(id));
            const body = await response.text();
            if (response.status === 200) answered.set(id, body);
          } catch {
            return;
          }
        }
      });
      await new Promise((resolve) => setTimeout(resolve, 150 + random.below(700)));
      const ended = server.stop('SIGKILL');
      await ended;
      killed = true;
      await Promise.all(lanes);
    }
    const last = await startServer({ dataDir });
    expect(await last.stop('SIGTERM')).toBe(0);
    console.log(
      `${answered.size} payments answered through 20 kills; the slowest start took ${Math.round(slowestReadyMs)} ms`,
    );

    const bronze = readTable(dataDir, 'bronze/decisions', 'end_to_end_id,answer');
    const byId = new Map<string, string[]>();
    for (const row of bronze)
      byId.set(String(row.end_to_end_id), [...(byId.get(String(row.end_to_end_id)) ?? []), String(row.answer)]);
    const lost = [...answered.keys()].filter((id) => !byId.has(id));
    const doubled = [...byId].filter(([, answers]) => answers.length > 1).map(([id]) => id);
    expect(lost).toEqual([]);
    expect(doubled).toEqual([]);
    for (const [id, body] of answered) expect(byId.get(id)).toEqual([body]);

    sentinela('job', 'run', 'bronze-to-silver', '--json', '--data-dir', dataDir);
    const silver = readTable(dataDir, 'silver/transactions', 'end_to_end_id,side');
    expect(new Set(silver.map((row) => `${row.end_to_end_id}${row.side}`)).size).toBe(silver.length);
    expect(silver.length).toBe(bronze.length);
    const [check] = sentinela('features', 'check', '--json', '--data-dir', dataDir);
    expect(check).toMatchObject({ differingValues: 0, otherVersions: 0 });
    expect(Number(check?.decisions)).toBe(bronze.length);
    rmSync(dataDir, { recursive: true, force: true });
  });
});

/** The payment of an id: accounts repeat, so that histories grow. */
function paymentOf(id: string): Record<string, unknown> {
  const number = Number(id.slice(-6));
  return examplePayment({
    endToEndId: id,
    amount: `${(number % 997) + 1}.${String(number % 100).padStart(2, '0')}`,
    acceptedAt: new Date(Date.UTC(2026, 10, 1, 12) + number * 700).toISOString(),
    payer: {
      ispb: '12345678',
      document: '52998224725',
      account: { branch: '1', number: String(1000 + (number % 13)), type: 'CACC' },
    },
    payee: {
      ispb: '1A2B3C4D',
      document: '12ABC34501DE35',
      account: { number: String(2000 + (number % 7)), type: 'TRAN' },
    },
  });
}
