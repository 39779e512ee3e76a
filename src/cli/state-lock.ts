import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ProcessLock, takeLock } from '../events/process-lock.ts';
import type { FeatureSet } from '../features/feature-set.ts';

/**
 * Locks a set's embedded state of one instance: its snapshot and the pages beside it, which two processes would write
 * over each other.
 *
 * @throws AppError `locked` that names the pid of the holder.
 */
export async function lockState(snapshotPath: string, set: FeatureSet): Promise<ProcessLock> {
  await mkdir(dirname(snapshotPath), { recursive: true, mode: 0o700 });
  const state = `the state of ${set.name}@${set.version} (${snapshotPath})`;
  return takeLock(
    `${snapshotPath}.lock`,
    state,
    'a server has it, or a command that builds it: wait for that, or stop it',
  );
}
