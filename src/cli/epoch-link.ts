import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { AppError, messageOf } from '../base/errors.ts';
import type { EpochBase, OpenedEpoch } from '../features/redis/redis-epoch.ts';
import type { EpochQuestion, EpochWorkerData, FromEpochWorker, ToEpochWorker } from './epoch-messages.ts';
import { type Progress, progress } from './progress.ts';
import { fromThread, toThread } from './thread-error.ts';

/** What the scoring thread does for the thread that builds: see {@link EpochQuestion}. */
export interface EpochOwner {
  settle(): Promise<void>;
  durablePosition(): number;
  publish(epoch: number, base: EpochBase): Promise<void>;
}

/** An epoch that is being built in a thread of its own. */
export interface EpochBuilding {
  /**
   * The epoch that is open then: the one that was built, or another server's.
   *
   * @throws AppError whatever the build threw; `internal` where the thread ended before its time.
   */
  readonly opened: Promise<OpenedEpoch>;
  /** Resolves when the thread has freed the epochs before, or could not: within {@link FREEING_MS}. */
  freed(): Promise<void>;
  /** Ends the thread; where the epoch is not open yet `opened` throws. One that is freeing has 5 s to end by itself. */
  stop(): Promise<void>;
}

/** A hundred million keys take as long. What is left then the next epoch's builder frees. */
const FREEING_MS = 600_000;
/** A server that stops is not held up for longer. */
const STOPPING_MS = 5000;

/** Starts the thread. */
export function buildEpoch(data: EpochWorkerData, owner: EpochOwner, logger: Logger): EpochBuilding {
  const worker = new Worker(new URL('./epoch-worker.js', import.meta.url), { workerData: data });
  const bar = progress('building the state');
  let freeing: Progress | undefined;
  const send = (message: ToEpochWorker): void => worker.postMessage(message);
  const answer = async (question: EpochQuestion): Promise<void> => {
    try {
      send({ kind: 'answer', position: await answered(question, owner) });
    } catch (error) {
      send({ kind: 'refused', ...toThread(error) });
    }
  };
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve())).finally(() => freeing?.end());
  const endedWithin = (timeoutMs: number): Promise<void> =>
    Promise.race([ended, wait(timeoutMs, undefined, { ref: false })]);
  const opened = new Promise<OpenedEpoch>((resolve, reject) => {
    worker.on('error', (error) =>
      reject(new AppError('internal', `the thread that builds the state failed: ${messageOf(error)}`, {}, error)),
    );
    worker.on('exit', () => reject(new AppError('internal', 'the thread that builds the state ended before its time')));
    worker.on('message', (message: FromEpochWorker) => {
      switch (message.kind) {
        case 'ask':
          void answer(message.question);
          break;
        case 'fed':
          bar.update(message.done, message.total);
          break;
        case 'built':
          bar.end();
          logger.info({ payments: message.payments, tail: message.tailPayments }, 'the state for Redis is built');
          break;
        case 'overtaken':
          logger.warn(
            'the state that was built cannot be opened: another server began one meanwhile, or Redis was flushed',
          );
          break;
        case 'opened':
          freeing = progress('freeing older epochs');
          resolve(message.opened);
          break;
        case 'freed':
          freeing?.update(message.keys);
          break;
        case 'failed':
          reject(fromThread(message));
          break;
      }
    });
  }).finally(bar.end);
  return {
    opened,
    freed: () => endedWithin(FREEING_MS),
    async stop() {
      if (freeing !== undefined) await endedWithin(STOPPING_MS);
      await worker.terminate();
    },
  };
}

async function answered(question: EpochQuestion, owner: EpochOwner): Promise<number> {
  switch (question.what) {
    case 'settle':
      await owner.settle();
      return 0;
    case 'durable':
      return owner.durablePosition();
    case 'publish':
      await owner.publish(question.epoch, question.base);
      return 0;
  }
}
