import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lockHolder, type ProcessLock, takeLock } from './process-lock.ts';

/** The file in the folder. */
const LOCK_FILE = 'lock';

/**
 * Takes the lock of a folder, which is made where there is none.
 *
 * @param advice what to do where another process has it.
 * @throws AppError `locked` that names the pid of the holder.
 */
export async function lockFolder(
  folder: string,
  advice = 'stop it first, or give another data folder',
): Promise<ProcessLock> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return takeLock(join(folder, LOCK_FILE), `the folder ${folder}`, advice);
}

/** The pid of the process that uses a folder; undefined where none does. */
export async function folderHolder(folder: string): Promise<number | undefined> {
  return (await lockHolder(join(folder, LOCK_FILE)))?.pid;
}

/** Whether a folder's file is its lock, or what a process left that was killed while it took it. */
export function isLockFile(name: string): boolean {
  return name === LOCK_FILE || name.startsWith(`${LOCK_FILE}.`);
}
