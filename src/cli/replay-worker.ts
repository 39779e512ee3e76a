import { parentPort, workerData } from 'node:worker_threads';
import { AppError, messageOf } from '../base/errors.ts';
import { compileFeatureSet } from '../features/feature-set.ts';
import type { ReplayPiece } from '../features/replay/replay-piece.ts';
import { ReplayRunner } from '../features/replay/replay-runner.ts';
import { localSpillRoom } from '../features/spill/local-spill.ts';
import { memorySpillRoom } from '../features/spill/memory-spill.ts';
import type { SpillHandle, SpillRoom } from '../features/spill/spill-place.ts';
import type { FromReplayWorker, ReplayWorkerData } from './replay-messages.ts';

/*
 * A thread that helps with a replay. Everything that it reads and writes lies in shared memory, or in a file that the
 * process has open; tasks are taken by atomic addition, and each task's values have places of their own.
 */

const { definition, columns } = workerData as ReplayWorkerData;
const runner = new ReplayRunner(compileFeatureSet(definition), columns);
const send = (message: FromReplayWorker): void => parentPort?.postMessage(message);

parentPort?.on('message', (piece: ReplayPiece) => {
  try {
    runner.run(piece, piece.pass === null ? null : roomOf(piece.pass.spill.room));
    send({ kind: 'done' });
  } catch (error) {
    const told = error instanceof AppError ? error : new AppError('internal', messageOf(error));
    send({ kind: 'failed', code: told.code, message: told.message, context: told.context });
  }
});

function roomOf(handle: SpillHandle): SpillRoom {
  return handle.kind === 'file' ? localSpillRoom(handle.file, handle.folder) : memorySpillRoom(handle.bytes);
}
