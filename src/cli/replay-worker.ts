import { parentPort, workerData } from 'node:worker_threads';
import { AppError, messageOf } from '../base/errors.ts';
import { compileFeatureSet } from '../features/feature-set.ts';
import type { ReplayPiece } from '../features/replay/replay-piece.ts';
import { ReplayRunner } from '../features/replay/replay-runner.ts';
import type { FromReplayWorker, ReplayWorkerData } from './replay-messages.ts';

/*
 * A thread that helps with a replay. Everything that it reads and writes lies in shared memory; tasks are taken by
 * atomic addition, and each task's values have places of their own.
 */

const { definition, columns } = workerData as ReplayWorkerData;
const runner = new ReplayRunner(compileFeatureSet(definition), columns);
const send = (message: FromReplayWorker): void => parentPort?.postMessage(message);

parentPort?.on('message', (piece: ReplayPiece) => {
  try {
    runner.run(piece);
    send({ kind: 'done' });
  } catch (error) {
    const told = error instanceof AppError ? error : new AppError('internal', messageOf(error));
    send({ kind: 'failed', code: told.code, message: told.message, context: told.context });
  }
});
