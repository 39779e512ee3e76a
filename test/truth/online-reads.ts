import { join } from 'node:path';
import { expect } from 'vitest';
import { type Progress, progress } from '../../src/cli/progress.ts';
import { linesOf, lineWriter } from '../line-files.ts';
import { startRedis } from '../running-redis.ts';
import { type RunningServer, startServer } from '../running-server.ts';
import { eventsOf, type Traffic } from '../traffic.ts';
import type { Stage, TruthRun } from './truth-run.ts';

/** Rows of an online read of one store. */
interface OnlineAnswer {
  readonly features: readonly string[];
  readonly rows: readonly { readonly values: readonly unknown[]; readonly statuses: readonly string[] }[];
}

/** Payments of one request: each is read twice, and 100 rows are what a request may have. */
const PAYMENTS_OF_REQUEST = 50;

/**
 * Reads the same rows from the embedded store and from a Redis that is filled from the same lake, at the same instants,
 * and compares them value by value, statuses too. Each payment that is drawn is read as if it came at the end of the
 * traffic, and as it was.
 *
 * @param payments how many are drawn.
 * @returns how many values were compared.
 */
export async function embeddedEqualsRedis(run: TruthRun, traffic: Traffic, payments: number): Promise<number> {
  const { folder, dataDir } = run;
  const files = { embedded: join(folder, 'online-embedded'), redis: join(folder, 'online-redis') };
  const bodies = [...drawnBodies(traffic, payments)];
  const read = async (stage: Stage, server: RunningServer, file: string): Promise<void> => {
    stage.watch(server.pid);
    await writeReads(server, bodies, file, run.isBench ? progress('reading') : undefined);
    expect(await server.stop()).toBe(0);
  };
  await run.stage('online reads, embedded', async (stage) =>
    read(stage, await startServer({ dataDir }), files.embedded),
  );
  await run.stage('online reads, Redis', async (stage) => {
    const redis = await startRedis();
    stage.watch(redis.pid);
    try {
      const [built] = await stage.program([
        'features',
        'materialize',
        '--data-dir',
        dataDir,
        '--redis-url',
        redis.url,
        '--json',
      ]);
      const server = await startServer({ dataDir, env: { SENTINELA_REDIS_URL: redis.url } });
      expect(server.log()).not.toContain('an older epoch');
      await read(stage, server, files.redis);
      return built;
    } finally {
      redis.stop();
    }
  });
  return run.stage('embedded = Redis', () => equalAnswers(files.embedded, files.redis));
}

/** Requests, each as JSON. */
function* drawnBodies(traffic: Traffic, payments: number): Generator<string> {
  const every = Math.max(1, Math.floor(traffic.count / payments));
  let rows: unknown[] = [];
  let at = 0;
  for (const { kind, line } of eventsOf(traffic)) {
    at += 1;
    if (kind !== 'payment' || at % every !== 0) continue;
    const payment = JSON.parse(line) as object;
    rows.push({ payment: { ...payment, acceptedAt: traffic.madeAt } }, { payment });
    if (rows.length < 2 * PAYMENTS_OF_REQUEST) continue;
    yield JSON.stringify({ rows });
    rows = [];
  }
  if (rows.length > 0) yield JSON.stringify({ rows });
}

/** A line a row: its values and statuses. */
async function writeReads(
  server: RunningServer,
  bodies: readonly string[],
  file: string,
  bar: Progress | undefined,
): Promise<void> {
  const writer = lineWriter(file);
  for (const [done, body] of bodies.entries()) {
    bar?.update(done, bodies.length);
    const answer = await answered(server, body);
    for (const { values, statuses } of answer.rows) writer.write(JSON.stringify([values, statuses]));
  }
  bar?.end();
  writer.end();
}

async function answered(server: RunningServer, body: string): Promise<OnlineAnswer> {
  let last = '';
  // The first scripts of a cold Redis may take longer than 50 ms; a read says so then, and never guesses.
  for (let tries = 0; tries < 100; tries += 1) {
    const response = await server.post('/v1/features/online', body);
    last = await response.text();
    if (response.status === 200) return JSON.parse(last) as OnlineAnswer;
    if (response.status !== 503) break;
  }
  throw new Error(`an online read failed: ${last.slice(0, 1000)}`);
}

function equalAnswers(embedded: string, redis: string): number {
  const others = linesOf(redis);
  let values = 0;
  let present = 0;
  for (const line of linesOf(embedded)) {
    const other = others.next().value;
    const [own, statuses] = JSON.parse(line) as [unknown[], string[]];
    // Rows are equal as texts where every value and status is: JSON writes each double in one way.
    if (line !== other) throw new Error(`row ${values / own.length}: Redis has ${other}\nand not ${line}`);
    values += own.length;
    present += statuses.filter((status) => status === 'present').length;
  }
  expect(others.next().done).toBe(true);
  expect(present).toBeGreaterThan(values / 10);
  return values;
}
