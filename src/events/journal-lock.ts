import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, systemErrorCode } from '../base/errors.ts';
import { isLiveProcess, processStart } from './live-process.ts';

/** Held while a process uses a folder. */
export interface FolderLock {
  release(): Promise<void>;
}

/** The file in the folder. */
export const LOCK_FILE = 'lock';

/** Attempts to take a lock whose holder died: each removes a stale file, so two are enough but for a race. */
const ATTEMPTS = 5;

/**
 * Takes the lock of a folder: a file `lock` with the pid and the process's start, so that a pid
 * that was given out again is not mistaken for its holder.
 *
 * @param hint what to do where another process has it.
 * @throws AppError `locked` that names the pid of the holder.
 */
export async function lockFolder(
  folder: string,
  hint = 'stop it first, or give another data folder',
): Promise<FolderLock> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, LOCK_FILE);
  const mine = `${process.pid} ${(await processStart(process.pid)) ?? '-'}\n`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      const file = await open(path, 'wx', 0o600);
      await file.writeFile(mine);
      await file.close();
      return { release: () => rm(path, { force: true }) };
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
      const holder = await liveHolder(path);
      if (holder !== undefined) {
        throw new AppError('locked', `the folder ${folder} is in use by process ${holder}: ${hint}`, { pid: holder });
      }
      await rm(path, { force: true });
    }
  }
  throw new AppError('locked', `the lock of ${folder} could not be taken: another process keeps taking it`);
}

/** The pid of the process that uses a folder, or undefined. */
export async function folderHolder(folder: string): Promise<number | undefined> {
  return liveHolder(join(folder, LOCK_FILE));
}

async function liveHolder(path: string): Promise<number | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
  const [pidText = '', start = '-'] = text.trim().split(' ');
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return (await isLiveProcess(pid, start === '-' ? undefined : start)) ? pid : undefined;
}
