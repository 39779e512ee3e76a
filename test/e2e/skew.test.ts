import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readTable, sentinela } from '../running-program.ts';
import { startRedis } from '../running-redis.ts';
import { newDataDir, type RunningServer, startServer } from '../running-server.ts';
import { newTally, send, simulatedTraffic } from '../traffic.ts';

describe('served = recomputed', () => {
  it('embedded: 20,000 payments, late, tied, doubled, from both sides, through a kill', {
    timeout: 600_000,
  }, async () => {
    const dataDir = newDataDir();
    const events = simulatedTraffic(20_000, 77);
    const tally = newTally();
    const half = Math.floor(events.length / 2);
    let server = await startServer({ dataDir, args: ['--deadline-ms', '5000'] });
    let ended: Promise<unknown> | undefined;
    await send([server], events.slice(0, half), tally, 16, (index) => {
      if (index === half - 40) ended = server.stop('SIGKILL');
    });
    await ended;
    server = await startServer({ dataDir, args: ['--deadline-ms', '5000'] });
    const again = tally.unanswered.splice(0);
    await send([server], [...again, ...events.slice(half)], tally);
    expect(tally.unanswered).toEqual([]);
    expect(await server.stop()).toBe(0);
    sentinela('job', 'run', 'bronze-to-silver', '--json', '--data-dir', dataDir);
    const [report] = sentinela('features', 'check', '--json', '--data-dir', dataDir);
    expect(report).toMatchObject({ differingValues: 0, otherVersions: 0, first: null });
    expect(Number(report?.decisions)).toBeGreaterThanOrEqual(tally.answers.size);
    const silver = readTable(dataDir, 'silver/decisions', 'end_to_end_id,side');
    expect(silver.length).toBe(Number(report?.decisions));
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
