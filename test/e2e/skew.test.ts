import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { progress } from '../../src/cli/progress.ts';
import { sentinela } from '../running-program.ts';
import { startRedis } from '../running-redis.ts';
import { type RunningServer, startServer } from '../running-server.ts';
import { newTally, partOf, partsOf, send, type Tally, type TrafficPart } from '../send-traffic.ts';
import { writeTraffic } from '../traffic.ts';
import { sparkEqualsExport } from '../truth/by-spark.ts';
import { compared } from '../truth/compared.ts';
import { type LakeSets, lakeSets } from '../truth/lake-sets.ts';
import { embeddedEqualsRedis } from '../truth/online-reads.ts';
import { type Stage, type TruthRun, truthRun } from '../truth/truth-run.ts';

/** Brings payments of the same people, of some days before, into the lake. */
function importMore(dataDir: string, seed: number): void {
  const file = join(dataDir, 'more.ndjson');
  const start = new Date(Date.now() - 40 * 86_400_000).toISOString().slice(0, 10);
  const span = ['--start', start, '--days', '9'];
  sentinela('simulate', '--json', '--count', '1500', '--seed', String(seed), ...span, '--out', file);
  sentinela('import', file, '--labels', `${file}.labels.ndjson`, '--json', '--data-dir', dataDir);
}

/** How many payments a scenario has: `COUNT=1000000 npm run bench truth` is the whole proof. */
const PAYMENTS = Number(process.env.PAYMENTS ?? 9_000);
const TIMEOUT_MS = 900_000 * Math.max(1, PAYMENTS / 9_000);
/** Payments whose online reads are compared, twice each. */
const ONLINE = Math.min(20_000, Math.max(500, Math.floor(PAYMENTS / 50)));
/** Spark takes minutes for what a replay does in seconds: its own small tests are in `test/conformance`. */
const WITH_SPARK = process.env.TRUTH_SPARK === '1';

/** What became of the traffic of a scenario, and with how many values. */
type Sent = Pick<Tally, 'labels' | 'corrections' | 'degraded'>;

const answersOf = ({ folder }: TruthRun): string => join(folder, 'answered.csv');

/** Sends a part; a bench tells how far it is. */
async function sendPart(
  { isBench }: TruthRun,
  servers: readonly RunningServer[],
  part: TrafficPart,
  tally: Tally,
  at: (index: number) => void = () => {},
): Promise<void> {
  const bar = progress('sending');
  await send(servers, part, tally, 16, (index) => {
    if (isBench && index % 256 === 0) bar.update(index, part.count);
    at(index);
  });
  bar.end();
}

/**
 * Sends the last part, and what was not answered again, as a client does: an answer of days before comes from the lake,
 * which may take a busy machine longer than the deadline.
 */
async function sendLastPart(
  run: TruthRun,
  servers: readonly RunningServer[],
  part: TrafficPart,
  tally: Tally,
): Promise<void> {
  await sendPart(run, servers, part, tally);
  for (let tries = 0; tries < 20 && tally.unanswered.length > 0; tries += 1) {
    await send(servers, partOf(tally.unanswered.splice(0)), tally, 1);
  }
  // Their lines are personal data, and long.
  expect(tally.unanswered.length).toBe(0);
}

/** What silver holds, when everything has come to it. */
async function inSilver(run: TruthRun): Promise<LakeSets> {
  await run.stage('bronze to silver', (stage) =>
    stage.program(['job', 'run', 'bronze-to-silver', '--json', '--data-dir', run.dataDir]),
  );
  return run.stage('sets of keys', (stage) => lakeSets(stage, run.dataDir, answersOf(run)));
}

describe('served = recomputed = exported', () => {
  it(`embedded: ${PAYMENTS} payments, late, tied, doubled, corrected, from both sides, through five ends, snapshots and an import`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    const run = truthRun('embedded');
    const { dataDir } = run;
    const traffic = await run.stage('traffic', ({ program }) =>
      writeTraffic(run.folder, { payments: PAYMENTS, seed: 77, corrected: 0.01 }, program),
    );
    const sixth = Math.ceil(traffic.count / 6);
    const serve = async (stage: Stage): Promise<Sent> => {
      rmSync(dataDir, { recursive: true, force: true });
      const tally = newTally(answersOf(run));
      const parts = partsOf(traffic);
      const serveSixth = async (end: 'SIGKILL' | 'SIGTERM'): Promise<string> => {
        const server = await startServer({ dataDir });
        stage.watch(server.pid);
        const part = parts(sixth, tally.unanswered.splice(0));
        let ended: Promise<unknown> | undefined;
        await sendPart(run, [server], part, tally, (index) => {
          if (end === 'SIGKILL' && index === part.count - 40) ended = server.stop('SIGKILL');
        });
        if (end === 'SIGTERM') expect(await server.stop()).toBe(0);
        await ended;
        return server.log();
      };
      expect(await serveSixth('SIGKILL')).toContain('there is none');
      await serveSixth('SIGTERM');
      importMore(dataDir, 77);
      expect(await serveSixth('SIGTERM')).toContain('other journals have come to silver since');
      expect(await serveSixth('SIGKILL')).toContain('"snapshot":true');
      await serveSixth('SIGKILL');
      const server = await startServer({ dataDir });
      stage.watch(server.pid);
      expect(server.log()).toMatch(/"snapshot":true.*"tail":[1-9]/);
      await sendLastPart(run, [server], parts(sixth, tally.unanswered.splice(0)), tally);
      expect(await server.stop()).toBe(0);
      tally.answered.end();
      return { labels: tally.labels, corrections: tally.corrections, degraded: tally.degraded };
    };
    const sent = await run.stage('serving', serve);
    const silver = await inSilver(run);
    const { decisions, values } = await compared(run);
    expect(silver).toMatchObject({ decisions, lost: 0, doubled: 0 });
    expect(decisions).toBeGreaterThanOrEqual(silver.answered);
    expect(silver.payments).toBeGreaterThan(decisions + 1000);
    expect(sent.corrections).toBeGreaterThan(PAYMENTS * 0.009);
    for (const count of [silver.retractions, silver.replacements]) expect(count).toBeGreaterThan(PAYMENTS * 0.003);
    const online = await embeddedEqualsRedis(run, traffic, ONLINE);
    const number = (count: number): string => count.toLocaleString('en-US');
    console.log(
      `embedded: ${number(silver.answered)} payments, ${number(sent.labels)} labels, ${number(sent.corrections)} corrections (${number(silver.retractions)} retractions, ${number(silver.replacements)} replacements): ${number(values)} values compared, served and exported: 0 differ; embedded and Redis: ${number(online)} values read, 0 differ`,
    );
    if (WITH_SPARK) {
      const spark = await sparkEqualsExport(run, silver.payments);
      expect(spark.rows).toBe(silver.payments);
      console.log(`Spark and exported: ${number(spark.values)} values of ${number(spark.rows)} payments: 0 differ`);
    }
    run.end();
  });

  it(`two servers on one Redis: ${PAYMENTS} payments through a kill and a flush`, { timeout: TIMEOUT_MS }, async () => {
    const run = truthRun('redis');
    const { dataDir } = run;
    const traffic = await run.stage('traffic', ({ program }) =>
      writeTraffic(run.folder, { payments: PAYMENTS, seed: 78, corrected: 0.01 }, program),
    );
    const serve = async (stage: Stage): Promise<Sent> => {
      rmSync(dataDir, { recursive: true, force: true });
      const redis = await startRedis();
      stage.watch(redis.pid);
      const start = async (instance: string): Promise<RunningServer> => {
        const server = await startServer({
          dataDir,
          args: ['--instance', instance, '--deadline-ms', '5000'],
          env: { SENTINELA_REDIS_URL: redis.url },
        });
        stage.watch(server.pid);
        return server;
      };
      const tally = newTally(answersOf(run));
      const parts = partsOf(traffic);
      let servers = [await start('a'), await start('b')];
      const third = Math.floor(traffic.count / 3);
      let ended: Promise<unknown> | undefined;
      await sendPart(run, servers, parts(third), tally, (index) => {
        if (index === third - 60) ended = servers[1]?.stop('SIGKILL');
      });
      await ended;
      servers = [servers[0] as RunningServer, await start('b')];
      await sendPart(run, servers, parts(third, tally.unanswered.splice(0)), tally, (index) => {
        if (index === 500) expect(redis.command('FLUSHALL')).toBe('OK');
      });
      await sendLastPart(run, servers, parts(traffic.count, tally.unanswered.splice(0)), tally);
      // Numbers that are learned late are learned now.
      for (const server of servers) {
        await expect
          .poll(
            async () => /sentinela_late_appends (\d+)/.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1],
            { timeout: 20_000 },
          )
          .toBe('0');
      }
      for (const server of servers) expect(await server.stop()).toBe(0);
      redis.stop();
      tally.answered.end();
      return { labels: tally.labels, corrections: tally.corrections, degraded: tally.degraded };
    };
    const sent = await run.stage('serving', serve);
    const silver = await inSilver(run);
    const { decisions, values } = await compared(run);
    console.log(
      `Redis: ${silver.answered} payments, ${sent.degraded} of them degraded, ${sent.labels} labels, ${sent.corrections} corrections: ${values} values compared, served and exported: 0 differ`,
    );
    expect(sent.corrections).toBeGreaterThan(PAYMENTS * 0.009);
    expect(sent.degraded).toBeGreaterThan(0);
    expect(silver).toMatchObject({ payments: decisions, decisions, lost: 0, doubled: 0 });
    expect(decisions).toBeGreaterThanOrEqual(silver.answered);
    run.end();
  });
});
