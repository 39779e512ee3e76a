import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { AppError, messageOf } from '../base/errors.ts';
import type { EpochBase, OpenedEpoch } from '../features/redis/redis-epoch.ts';
import type { EpochQuestion, EpochWorkerData, FromEpochWorker, ToEpochWorker } from './epoch-messages.ts';
import { progress } from './progress.ts';
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
  /** Ends the thread; `opened` throws. */
  stop(): void;
}

/** Starts the thread. */
export function buildEpoch(data: EpochWorkerData, owner: EpochOwner, logger: Logger): EpochBuilding {
  const worker = new Worker(new URL('./epoch-worker.js', import.meta.url), { workerData: data });
  const bar = progress('building the state');
  const send = (message: ToEpochWorker): void => worker.postMessage(message);
  const answer = async (question: EpochQuestion): Promise<void> => {
    try {
      send({ kind: 'answer', position: await answered(question, owner) });
    } catch (error) {
      send({ kind: 'refused', ...toThread(error) });
    }
  };
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
          resolve(message.opened);
          break;
        case 'failed':
          reject(fromThread(message));
          break;
      }
    });
  }).finally(bar.end);
  return { opened, stop: () => void worker.terminate() };
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
