import { Worker } from 'node:worker_threads';
import { AppError, messageOf } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { HistoricalReads } from '../server/historical-route.ts';
import type { FromHistoricalWorker, HistoricalWorkerData } from './historical-messages.ts';
import { fromThread } from './thread-error.ts';

/** The scoring thread's end of historical reads. */
export interface HistoricalLink extends HistoricalReads {
  /** Ends the read that is under way and begins none of those that wait: they are told `not_ready`. */
  stop(): void;
}

/** Historical reads of a lake, each in a thread of its own, one after the other. */
export function historicalReads(lakeFolder: string): HistoricalLink {
  let last: Promise<void> = Promise.resolve();
  let count = 0;
  let underWay: Reading | undefined;
  let isStopped = false;
  return {
    async read(question) {
      if (count >= LIMITS.historicalReads) {
        throw new AppError(
          'overloaded',
          `${count} historical reads wait for each other, which is the limit: try again`,
        );
      }
      count += 1;
      const before = last;
      let end = (): void => {};
      last = new Promise((resolve) => {
        end = resolve;
      });
      await before;
      const ended = (): void => {
        count -= 1;
        underWay = undefined;
        end();
      };
      if (isStopped) {
        ended();
        throw stopping();
      }
      const reading = startReading({ lakeFolder, question }, ended);
      underWay = reading;
      return piecesFrom(await reading.next(), reading);
    },
    stop() {
      isStopped = true;
      underWay?.fail(stopping());
    },
  };
}

function stopping(): AppError {
  return new AppError('not_ready', 'the server is stopping: send the request to another, or again');
}

/** What the thread said last. */
interface Reading {
  /** The next piece; null at the end. After the end or an error the thread is gone. */
  next(): Promise<Uint8Array | null>;
  stop(): void;
  /** Stops it, and tells whoever waits why. */
  fail(error: AppError): void;
}

/** The pieces, to be read once. No generator: one that is not begun would not hear that its reader went away. */
function piecesFrom(first: Uint8Array | null, reading: Reading): AsyncIterable<Uint8Array> {
  let next: Promise<Uint8Array | null> | undefined = Promise.resolve(first);
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        const value = await (next ?? reading.next());
        next = undefined;
        if (value !== null) return { value, done: false };
        reading.stop();
        return { value: undefined, done: true };
      },
      async return() {
        reading.stop();
        return { value: undefined, done: true };
      },
    }),
  };
}

function startReading(workerData: HistoricalWorkerData, onEnded: () => void): Reading {
  const worker = new Worker(new URL('./historical-worker.js', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: LIMITS.historicalHeapMb },
  });
  let waiting: { resolve(piece: Uint8Array | null): void; reject(error: AppError): void } | undefined;
  let isStarted = false;
  let isStopped = false;
  let failure: AppError | undefined;
  const stop = (): void => {
    if (isStopped) return;
    isStopped = true;
    clearTimeout(deadline);
    worker.terminate().then(onEnded, onEnded);
  };
  const fail = (error: AppError): void => {
    failure ??= error;
    waiting?.reject(failure);
    stop();
  };
  const deadline = setTimeout(
    () =>
      fail(
        new AppError(
          'overloaded',
          `the read took longer than ${LIMITS.historicalMs / 60_000} minutes: make an export instead`,
        ),
      ),
    LIMITS.historicalMs,
  );
  worker.on('error', (error) =>
    fail(new AppError('storage_failed', `the historical read failed: ${messageOf(error)}`, {}, error)),
  );
  worker.on('message', (message: FromHistoricalWorker) => {
    switch (message.kind) {
      case 'piece':
        waiting?.resolve(message.bytes);
        break;
      case 'end':
        waiting?.resolve(null);
        break;
      case 'failed':
        fail(fromThread(message));
        break;
    }
  });
  return {
    next: () =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) {
          reject(failure);
          return;
        }
        waiting = { resolve, reject };
        // The first piece comes by itself.
        if (isStarted) worker.postMessage('next');
        isStarted = true;
      }),
    stop,
    fail,
  };
}
