import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTable, sentinela } from '../running-program.ts';
import { startRedis } from '../running-redis.ts';
import { newDataDir, type RunningServer, startServer } from '../running-server.ts';
import { newTally, send, simulatedTraffic } from '../traffic.ts';

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

describe('served = recomputed', () => {
  it('embedded: 20,000 payments, late, tied, doubled, from both sides, through kills, snapshots and an import', {
    timeout: 600_000,
  }, async () => {
    const dataDir = newDataDir();
    const events = simulatedTraffic(20_000, 77);
    const quarter = Math.floor(events.length / 4);
    const tally = newTally();
    const serveQuarter = async (number: number, end: 'SIGKILL' | 'SIGTERM'): Promise<string> => {
      const server = await startServer({ dataDir });
      const part = [...tally.unanswered.splice(0), ...events.slice(number * quarter, (number + 1) * quarter)];
      let ended: Promise<unknown> | undefined;
      await send([server], part, tally, 16, (index) => {
        if (end === 'SIGKILL' && index === part.length - 40) ended = server.stop('SIGKILL');
      });
      if (end === 'SIGTERM') expect(await server.stop()).toBe(0);
      await ended;
      return server.log();
    };
    expect(await serveQuarter(0, 'SIGKILL')).toContain('there is none');
    await serveQuarter(1, 'SIGTERM');
    importMore(dataDir, 77);
    expect(await serveQuarter(2, 'SIGTERM')).toContain('other journals have come to silver since');
    expect(await serveQuarter(3, 'SIGKILL')).toContain('"snapshot":true');
    const server = await startServer({ dataDir });
    expect(server.log()).toMatch(/"snapshot":true.*"tail":[1-9]/);
    await send([server], [...tally.unanswered.splice(0), ...events.slice(4 * quarter)], tally);
    expect(tally.unanswered).toEqual([]);
    expect(await server.stop()).toBe(0);
    sentinela('job', 'run', 'bronze-to-silver', '--json', '--data-dir', dataDir);
    const [report] = sentinela('features', 'check', '--json', '--data-dir', dataDir);
    expect(report).toMatchObject({ differingValues: 0, otherVersions: 0, first: null });
    expect(Number(report?.decisions)).toBeGreaterThanOrEqual(tally.answers.size);
    const silver = readTable(dataDir, 'silver/decisions', 'end_to_end_id,side');
    expect(silver.length).toBe(Number(report?.decisions));
    expect(readTable(dataDir, 'silver/transactions', 'side').length).toBeGreaterThan(silver.length + 1000);
    const kept = new Set(silver.map((row) => `${row.end_to_end_id} ${row.side}`));
    expect([...tally.answers.keys()].filter((key) => !kept.has(key))).toEqual([]);
    console.log(
      `${tally.answers.size} payments, ${tally.labels} labels: ${report?.comparedValues} values compared, 0 differ`,
    );
    rmSync(dataDir, { recursive: true });
  });

  it('two servers on one Redis: 20,000 payments through a kill and a flush', { timeout: 900_000 }, async () => {
    const redis = await startRedis();
    const dataDir = newDataDir();
    const start = (instance: string): Promise<RunningServer> =>
      startServer({
        dataDir,
        args: ['--instance', instance, '--deadline-ms', '5000'],
        env: { SENTINELA_REDIS_URL: redis.url },
      });
    const events = simulatedTraffic(20_000, 78);
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
    const [report] = sentinela('features', 'check', '--json', '--data-dir', dataDir);
    console.log(
      `${tally.answers.size} payments, ${tally.degraded} of them degraded, ${tally.labels} labels: ${report?.comparedValues} values compared, ${report?.differingValues} differ`,
      JSON.stringify(report?.first),
    );
    expect(report).toMatchObject({ differingValues: 0, otherVersions: 0, first: null });
    expect(tally.degraded).toBeGreaterThan(0);
    expect(Number(report?.decisions)).toBe(readTable(dataDir, 'silver/transactions', 'side').length);
    expect(Number(report?.decisions)).toBeGreaterThanOrEqual(tally.answers.size);
    const silver = readTable(dataDir, 'silver/decisions', 'end_to_end_id,side');
    const kept = new Set(silver.map((row) => `${row.end_to_end_id} ${row.side}`));
    expect([...tally.answers.keys()].filter((key) => !kept.has(key))).toEqual([]);
    rmSync(dataDir, { recursive: true });
  });
});
