import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { compileFeatureSet } from '../features/feature-set.ts';
import { ReplayRunner } from '../features/replay/replay-runner.ts';
import { localSpillRoom } from '../features/spill/local-spill.ts';
import { memorySpillRoom } from '../features/spill/memory-spill.ts';
import type { SpillHandle, SpillRoom } from '../features/spill/spill-place.ts';
import type { FromReplayWorker, ReplayWorkerData, ToReplayWorker } from './replay-messages.ts';
import { toThread } from './thread-error.ts';

/*
 * A thread that helps with a replay. Everything that it reads and writes lies in shared memory, or in a file that the
 * process has open; tasks are taken by atomic addition, and each task's values have places of their own.
 */

const { definition } = workerData as ReplayWorkerData;
const set = compileFeatureSet(definition);
let runner: ReplayRunner | null = null;
const send = (message: FromReplayWorker): void => parentPort?.postMessage(message);

parentPort?.on('message', (message: ToReplayWorker) => {
  try {
    if (message.kind === 'columns') {
      runner = new ReplayRunner(set, message.columns);
      return;
    }
    const { piece } = message;
    assert(runner !== null, 'columns come before pieces');
    runner.run(piece, piece.pass === null ? null : roomOf(piece.pass.spill.room));
    send({ kind: 'done' });
  } catch (error) {
    send({ kind: 'failed', ...toThread(error) });
  }
});

function roomOf(handle: SpillHandle): SpillRoom {
  return handle.kind === 'file' ? localSpillRoom(handle.file, handle.folder) : memorySpillRoom(handle.bytes);
}
