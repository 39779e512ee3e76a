import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ExportDiff } from '../../src/training-export/diff-exports.ts';
import { readTable, sentinela } from '../running-program.ts';
import { startRedis } from '../running-redis.ts';
import { newDataDir, type RunningServer, startServer } from '../running-server.ts';
import { newTally, send, simulatedTraffic, withCorrections } from '../traffic.ts';

/** Brings payments of the same people, of some days before, into the lake. */
function importMore(dataDir: string, seed: number): void {
  const file = join(dataDir, 'more.ndjson');
  const start = new Date(Date.now() - 40 * 86_400_000).toISOString().slice(0, 10);
  sentinela(
    'simulate',
    '--json',
    '--count',
    '1500',
    '--seed',
    String(seed),
    '--start',
    start,
    '--days',
    '9',
    '--out',
    file,
  );
  sentinela('import', file, '--labels', `${file}.labels.ndjson`, '--json', '--data-dir', dataDir);
}

/** `PAYMENTS=1000000 npx vitest run test/e2e/skew` for the whole proof: `npm run bench truth`. */
const PAYMENTS = Number(process.env.PAYMENTS ?? 12_000);
const TIMEOUT_MS = 900_000 * Math.max(1, PAYMENTS / 12_000);

/** Compares served with recomputed values in three ways; every one must compare values, and find none that differs. */
function compared(dataDir: string): { readonly decisions: number; readonly values: number } {
  const [report] = sentinela('features', 'check', '--json', '--data-dir', dataDir);
  expect(report).toMatchObject({ differingValues: 0, otherVersions: 0, first: null });
  const [served, recomputed] = [join(dataDir, 'as-served'), join(dataDir, 'as-recomputed')];
  const create = (out: string, ...more: string[]) =>
    sentinela(
      ...[
        'export',
        'create',
        '--from',
        'silver.transactions',
        '--features',
        'pix-core',
        '--labels-as-of',
        '2100-01-01',
      ],
      ...['--double', '--status', 'packed', '--leakage', 'off', '--out', out, '--data-dir', dataDir, '--json', ...more],
    )[0];
  const asServed = create(served, '--from-decisions') as {
    served?: { comparedValues: number; differingValues: number };
  };
  expect(asServed.served).toMatchObject({ comparedValues: report?.comparedValues, differingValues: 0 });
  create(recomputed);
  const [diff] = sentinela('export', 'diff', served, recomputed, '--json') as unknown as [ExportDiff];
  expect(diff).toMatchObject({ values: [], rowsInBoth: report?.decisions, rowsOnlyInFirst: 0 });
  rmSync(served, { recursive: true });
  rmSync(recomputed, { recursive: true });
  return { decisions: Number(report?.decisions), values: Number(report?.comparedValues) };
}

describe('served = recomputed = exported', () => {
  it(`embedded: ${PAYMENTS} payments, late, tied, doubled, corrected, from both sides, through five ends, snapshots and an import`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    const dataDir = newDataDir();
    const events = withCorrections(simulatedTraffic(PAYMENTS, 77), 0.01);
    const sixth = Math.ceil(events.length / 6);
    const tally = newTally();
    const serveSixth = async (number: number, end: 'SIGKILL' | 'SIGTERM'): Promise<string> => {
      const server = await startServer({ dataDir });
      const part = [...tally.unanswered.splice(0), ...events.slice(number * sixth, (number + 1) * sixth)];
      let ended: Promise<unknown> | undefined;
      await send([server], part, tally, 16, (index) => {
        if (end === 'SIGKILL' && index === part.length - 40) ended = server.stop('SIGKILL');
      });
      if (end === 'SIGTERM') expect(await server.stop()).toBe(0);
      await ended;
      return server.log();
    };
    expect(await serveSixth(0, 'SIGKILL')).toContain('there is none');
    await serveSixth(1, 'SIGTERM');
    importMore(dataDir, 77);
    expect(await serveSixth(2, 'SIGTERM')).toContain('other journals have come to silver since');
    expect(await serveSixth(3, 'SIGKILL')).toContain('"snapshot":true');
    await serveSixth(4, 'SIGKILL');
    const server = await startServer({ dataDir });
    expect(server.log()).toMatch(/"snapshot":true.*"tail":[1-9]/);
    await send([server], [...tally.unanswered.splice(0), ...events.slice(5 * sixth)], tally);
    expect(tally.unanswered).toEqual([]);
    expect(await server.stop()).toBe(0);
    sentinela('job', 'run', 'bronze-to-silver', '--json', '--data-dir', dataDir);
    const { decisions, values } = compared(dataDir);
    expect(decisions).toBeGreaterThanOrEqual(tally.answered.size);
    const silver = readTable(dataDir, 'silver/decisions', 'end_to_end_id,side');
    expect(silver.length).toBe(decisions);
    expect(readTable(dataDir, 'silver/transactions', 'side').length).toBeGreaterThan(silver.length + 1000);
    const kept = new Set(silver.map((row) => `${row.end_to_end_id} ${row.side}`));
    expect([...tally.answered].filter((key) => !kept.has(key))).toEqual([]);
    const effects = readTable(dataDir, 'silver/corrections', 'effect').map(({ effect }) => effect);
    const applied = ['RETRACTED', 'REPLACED'].map((wanted) => effects.filter((effect) => effect === wanted).length);
    expect(tally.corrections).toBeGreaterThan(PAYMENTS * 0.009);
    for (const count of applied) expect(count).toBeGreaterThan(PAYMENTS * 0.003);
    console.log(
      `${tally.answered.size} payments, ${tally.labels} labels, ${tally.corrections} corrections (${applied.join(' retractions, ')} replacements): ${values} values compared, served and exported: 0 differ`,
    );
    rmSync(dataDir, { recursive: true });
  });

  it(`two servers on one Redis: ${PAYMENTS} payments through a kill and a flush`, { timeout: TIMEOUT_MS }, async () => {
    const redis = await startRedis();
    const dataDir = newDataDir();
    const start = (instance: string): Promise<RunningServer> =>
      startServer({
        dataDir,
        args: ['--instance', instance, '--deadline-ms', '5000'],
        env: { SENTINELA_REDIS_URL: redis.url },
      });
    const events = simulatedTraffic(PAYMENTS, 78);
    const tally = newTally();
    let servers = [await start('a'), await start('b')];
    const third = Math.floor(events.length / 3);
    let ended: Promise<unknown> | undefined;
    await send(servers, events.slice(0, third), tally, 16, (index) => {
      if (index === third - 60) ended = servers[1]?.stop('SIGKILL');
    });
    await ended;
    servers = [servers[0] as RunningServer, await start('b')];
    await send(servers, [...tally.unanswered.splice(0), ...events.slice(third, 2 * third)], tally, 16, (index) => {
      if (index === 500) expect(redis.command('FLUSHALL')).toBe('OK');
    });
    await send(servers, [...tally.unanswered.splice(0), ...events.slice(2 * third)], tally);
    // Numbers that are learned late are learned now.
    for (const server of servers) {
      await expect
        .poll(
          async () => /sentinela_late_appends (\d+)/.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1],
          { timeout: 20_000 },
        )
        .toBe('0');
    }
    expect(tally.unanswered).toEqual([]);
    for (const server of servers) expect(await server.stop()).toBe(0);
    redis.stop();
    sentinela('job', 'run', 'bronze-to-silver', '--json', '--data-dir', dataDir);
    const { decisions, values } = compared(dataDir);
    console.log(
      `${tally.answered.size} payments, ${tally.degraded} of them degraded, ${tally.labels} labels: ${values} values compared, served and exported: 0 differ`,
    );
    expect(tally.degraded).toBeGreaterThan(0);
    expect(decisions).toBe(readTable(dataDir, 'silver/transactions', 'side').length);
    expect(decisions).toBeGreaterThanOrEqual(tally.answered.size);
    const silver = readTable(dataDir, 'silver/decisions', 'end_to_end_id,side');
    const kept = new Set(silver.map((row) => `${row.end_to_end_id} ${row.side}`));
    expect([...tally.answered].filter((key) => !kept.has(key))).toEqual([]);
    rmSync(dataDir, { recursive: true });
  });
});
