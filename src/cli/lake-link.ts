import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { AppError } from '../base/errors.ts';
import type { ArchivedDecision, DecisionArchive } from '../scoring/decision-archive.ts';
import type { FeatureHealth } from '../server/feature-health.ts';
import {
  BRONZE_POSITION,
  DURABLE_POSITION,
  type FromLakeWorker,
  type LakeWorkerData,
  SILVER_POSITION,
  type ToLakeWorker,
} from './lake-messages.ts';

/** The scoring thread's end of the lake's worker. */
export interface LakeLink {
  readonly archive: DecisionArchive;
  /** Tells the consumer up to where the journal is durable. */
  setDurable(position: number): void;
  /** Up to where silver, and bronze, have the journal. */
  silverPosition(): number;
  bronzePosition(): number;
  runSilver(): void;
  /** What was last found of what was served. */
  health(): FeatureHealth;
  /** Everything that is durable goes into bronze, then the worker ends. */
  stop(): Promise<void>;
}

/** Look-ups that may wait at once: each is a DuckDB query of about 60 ms. */
const MOST_LOOKUPS = 256;

/** Starts the worker: consumer, jobs and look-ups run there, never on the scoring thread. */
export function startLakeWorker(data: Omit<LakeWorkerData, 'positions'>, logger: Logger): LakeLink {
  const positions = new SharedArrayBuffer(3 * BigInt64Array.BYTES_PER_ELEMENT);
  const counters = new BigInt64Array(positions);
  const workerData: LakeWorkerData = { ...data, positions };
  const worker = new Worker(new URL('./lake-worker.js', import.meta.url), {
    workerData,
    // Batches of 8,192 records and a job's chunk fit well; a leak ends the worker, not the machine.
    resourceLimits: { maxOldGenerationSizeMb: 768 },
  });
  const waiting = new Map<
    number,
    { resolve(stored: ArchivedDecision | undefined): void; reject(error: AppError): void }
  >();
  let requests = 0;
  let health: FeatureHealth = {};
  let hasEnded = false;
  let ended: (() => void) | undefined;
  const send = (message: ToLakeWorker): void => worker.postMessage(message);
  worker.on('message', (message: FromLakeWorker) => {
    switch (message.kind) {
      case 'found':
        waiting.get(message.request)?.resolve(message.stored);
        waiting.delete(message.request);
        break;
      case 'failed':
        waiting
          .get(message.request)
          ?.reject(new AppError('storage_failed', `the lake could not be asked: ${message.message}`));
        waiting.delete(message.request);
        break;
      case 'health':
        health = message.health;
        break;
      case 'log':
        logger[message.level](message.details, message.message);
        break;
      case 'stopped':
        ended?.();
        break;
    }
  });
  worker.on('error', (error) => {
    logger.error({ err: error }, 'the lake’s worker failed: scoring goes on, the journal keeps what it has');
  });
  // An error ends it too: nobody answers any more, neither those that wait nor those that come.
  worker.on('exit', () => {
    hasEnded = true;
    for (const { reject } of waiting.values()) reject(workerGone());
    waiting.clear();
    ended?.();
  });
  return {
    archive: {
      find(endToEndId, side, requestSha256) {
        if (hasEnded) return Promise.reject(workerGone());
        if (waiting.size >= MOST_LOOKUPS)
          return Promise.reject(new AppError('overloaded', 'too many look-ups in the lake: try again'));
        return new Promise((resolve, reject) => {
          requests += 1;
          waiting.set(requests, { resolve, reject });
          send({ kind: 'find', request: requests, endToEndId, side, requestSha256 });
        });
      },
    },
    setDurable: (position) => void Atomics.store(counters, DURABLE_POSITION, BigInt(position)),
    silverPosition: () => Number(Atomics.load(counters, SILVER_POSITION)),
    bronzePosition: () => Number(Atomics.load(counters, BRONZE_POSITION)),
    health: () => health,
    runSilver: () => send({ kind: 'run-silver' }),
    stop: () =>
      new Promise((resolve) => {
        if (hasEnded) return resolve();
        ended = () => {
          worker.terminate().then(
            () => resolve(),
            () => resolve(),
          );
        };
        send({ kind: 'stop' });
      }),
  };
}

function workerGone(): AppError {
  return new AppError('storage_failed', 'the lake cannot be asked: its worker ended; start the server again');
}
