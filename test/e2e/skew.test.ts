import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readTable, sentinela } from '../running-program.ts';
import { newDataDir, startServer } from '../running-server.ts';
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
});
