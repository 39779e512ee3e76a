import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { localJournalFiles } from '../events/local-journal-files.ts';
import { paymentCodec } from '../events/payment-codec.ts';
import { compileFeatureSet } from '../features/feature-set.ts';
import { runBronzeConsumer } from '../pipeline/bronze-consumer.ts';
import { bronzeToSilver } from '../pipeline/bronze-to-silver.ts';
import { findDecision } from '../pipeline/decision-lookup.ts';
import type { JobFigures, JobPorts } from '../pipeline/job.ts';
import { type LakeTableName, openLake } from '../pipeline/lake.ts';
import { silverPositions } from '../pipeline/silver-plan.ts';
import { silverToGold } from '../pipeline/silver-to-gold.ts';
import { localObjectStore } from '../storage/store/local-object-store.ts';
import { featureWatch } from './feature-watch.ts';
import { giveWay } from './give-way.ts';
import { type JobTimer, startJobTimer } from './job-timer.ts';
import {
  BRONZE_POSITION,
  DURABLE_POSITION,
  type FromLakeWorker,
  type LakeWorkerData,
  SILVER_POSITION,
  type ToLakeWorker,
} from './lake-messages.ts';

/*
 * The lake's thread beside the scoring thread: it follows the journal into bronze, runs silver
 * hourly and gold daily, looks after each run of silver at what was served, and looks up decisions
 * that no journal holds any more.
 */

/** Nice value of this thread: where processors are short, payments are decided first and the lake catches up after. */
const GIVES_WAY = 15;
giveWay(GIVES_WAY);

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const data = workerData as LakeWorkerData;
const positions = new BigInt64Array(data.positions);
const clock = systemClock();
const lake = openLake(localObjectStore(data.lakeFolder), { clock });
const ports: JobPorts = {
  lake,
  clock,
  temporaryFolder: join(data.lakeFolder, '..', 'tmp'),
  memoryLimitMb: 256,
  threads: 1,
};
const watch = featureWatch({
  set: compileFeatureSet(data.definition),
  ports,
  driftExport: data.driftExport,
  skewSample: data.skewSample,
});
const stopping = new AbortController();

const send = (message: FromLakeWorker): void => parentPort?.postMessage(message);
const log = (
  level: 'info' | 'warn' | 'error',
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): void => send({ kind: 'log', level, message, details });

/** One job at a time: they share memory and the second would only plan anew. */
let job: Promise<void> = Promise.resolve();

function enqueue(name: string, run: (ports: JobPorts) => Promise<JobFigures>): Promise<void> {
  job = job.then(async () => {
    if (stopping.signal.aborted) return;
    try {
      const { versions: _, ...figures } = await run(ports);
      log('info', `job ${name} is done`, figures);
      await tellSilver();
    } catch (error) {
      log('error', `job ${name} failed; it runs again at its time`, { reason: messageOf(error) });
    }
  });
  return job;
}

/** Silver, and what it then says of what was served. */
async function refine(): Promise<void> {
  await enqueue('bronze-to-silver', bronzeToSilver);
  await lookAtFeatures();
}

function lookAtFeatures(): Promise<void> {
  job = job.then(async () => {
    await look('freshness', watch.seeFreshness);
    await look('drift', watch.seeDrift);
    await look('skew', async () => {
      const first = await watch.seeSkew();
      if (first === null) return;
      const { feature, servedStatus, recomputedStatus } = first;
      const found = { code: 'skew_found', feature, servedStatus, recomputedStatus };
      log(
        'error',
        'served features differ from the recomputed ones: see gold/feature_checks, and features check',
        found,
      );
    });
    send({ kind: 'health', health: watch.health() });
  });
  return job;
}

/** Figures that could not be had stay as they were; the next run counts what this one missed. */
async function look(at: string, run: () => Promise<void>): Promise<void> {
  if (stopping.signal.aborted) return;
  try {
    await run();
  } catch (error) {
    const reason = messageOf(error);
    log('error', `the ${at} of what was served could not be told; it is tried again after the next silver`, { reason });
  }
}

async function tellSilver(): Promise<void> {
  const position = (await silverPositions(lake)).get(data.journalId) ?? 0;
  Atomics.store(positions, SILVER_POSITION, BigInt(position));
}

type Find = Extract<ToLakeWorker, { kind: 'find' }>;

async function answer({ request, endToEndId, side, requestSha256 }: Find): Promise<void> {
  try {
    send({ kind: 'found', request, stored: await findDecision(ports, endToEndId, side, requestSha256) });
  } catch (error) {
    send({ kind: 'failed', request, message: messageOf(error) });
  }
}

const timers: JobTimer[] = [];

/** Silver hourly and gold daily, since each last wrote something. */
async function startTimers(): Promise<void> {
  const start = async (table: LakeTableName, everyMs: number, run: () => void): Promise<void> => {
    const [last] = await lake
      .table(table)
      .history(1)
      .catch(() => []);
    if (!stopping.signal.aborted) timers.push(startJobTimer(everyMs, last?.timestampMs, Date.now(), run));
  };
  await start('silver/transactions', HOUR_MS, () => void refine());
  await start('gold/daily_payments', DAY_MS, () => void enqueue('silver-to-gold', silverToGold));
}

let silverAsked = false;
parentPort?.on('message', (message: ToLakeWorker) => {
  switch (message.kind) {
    case 'find':
      void answer(message);
      break;
    case 'run-silver':
      if (silverAsked) break;
      silverAsked = true;
      void refine().then(() => {
        silverAsked = false;
      });
      break;
    case 'stop':
      for (const timer of timers) timer.stop();
      stopping.abort();
      break;
  }
});

await tellSilver().catch((error: unknown) => log('warn', 'silver cannot be read yet', { reason: messageOf(error) }));
if (data.jobs) {
  void lookAtFeatures();
  void startTimers();
}
await runBronzeConsumer({
  files: localJournalFiles(),
  folder: data.journalFolder,
  journalId: data.journalId,
  lake,
  codec: paymentCodec(),
  clock,
  durablePosition: () => Number(Atomics.load(positions, DURABLE_POSITION)),
  onCommitted: (position) => void Atomics.store(positions, BRONZE_POSITION, BigInt(position)),
  onFailure: (error) =>
    log('error', 'the journal could not be put into bronze; it is tried again', {
      code: error.code,
      reason: error.message,
    }),
  signal: stopping.signal,
});
await job;
send({ kind: 'stopped' });
