import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { AppError, messageOf } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { ReplayColumns } from '../features/replay/replay-columns.ts';
import type { ReplayPiece } from '../features/replay/replay-piece.ts';
import type { ReplayThreads } from '../features/replay/replay-threads.ts';
import type { FromReplayWorker, ReplayWorkerData, ToReplayWorker } from './replay-messages.ts';
import { fromThread } from './thread-error.ts';

/**
 * Threads for a replay, as `--threads` tells.
 *
 * @param flag its text; undefined for one a core.
 * @returns null where the asking thread is to be the only one.
 * @throws AppError `usage`.
 */
export function replayThreadsOf(flag: string | undefined): ReplayThreads | null {
  const count = flag === undefined ? Math.min(availableParallelism(), LIMITS.replayThreads) : Number(flag);
  if (!Number.isSafeInteger(count) || count < 1 || count > LIMITS.replayThreads) {
    throw new AppError('usage', `--threads ${flag} is no number from 1 to ${LIMITS.replayThreads}`);
  }
  return count === 1 ? null : replayThreads(count - 1);
}

/** Tasks of some milliseconds each, worth the 50 ms that threads take to start. */
const FEWEST_TASKS = 16;

/** Threads beside the asking one. @param program what they run. @param fewestTasks see {@link ReplayThreads}. */
export function replayThreads(
  count: number,
  fewestTasks: number = FEWEST_TASKS,
  program: URL = new URL('./replay-worker.js', import.meta.url),
): ReplayThreads {
  return {
    count,
    fewestTasks,
    start(definition) {
      const workers = Array.from({ length: count }, () => startWorker({ definition }, program));
      return {
        begin: (columns) => workers.forEach(({ begin }) => void begin(columns)),
        help: async (piece) => void (await Promise.all(workers.map(({ help }) => help(piece)))),
        stop: async () => void (await Promise.all(workers.map(({ stop }) => stop()))),
      };
    },
  };
}

interface ReplayWorker {
  begin(columns: ReplayColumns): void;
  help(piece: ReplayPiece): Promise<void>;
  stop(): Promise<void>;
}

function startWorker(workerData: ReplayWorkerData, program: URL): ReplayWorker {
  const worker = new Worker(program, { workerData });
  let waiting: { resolve(): void; reject(error: AppError): void } | undefined;
  let failure: AppError | undefined;
  const fail = (error: AppError): void => {
    failure ??= error;
    waiting?.reject(failure);
  };
  worker.on('error', (error) =>
    fail(new AppError('internal', `a thread of the replay failed: ${messageOf(error)}`, {}, error)),
  );
  worker.on('exit', () => fail(new AppError('internal', 'a thread of the replay ended before its time')));
  worker.on('message', (message: FromReplayWorker) => {
    if (message.kind === 'failed') fail(fromThread(message));
    else waiting?.resolve();
  });
  const send = (message: ToReplayWorker): void => worker.postMessage(message);
  return {
    begin: (columns) => send({ kind: 'columns', columns }),
    help: (piece) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) {
          reject(failure);
          return;
        }
        waiting = { resolve, reject };
        send({ kind: 'piece', piece });
      }),
    stop: async () => void (await worker.terminate()),
  };
}
