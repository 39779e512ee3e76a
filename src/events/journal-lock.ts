import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, systemErrorCode } from '../base/errors.ts';

/** Held while a process uses a folder. */
export interface FolderLock {
  release(): Promise<void>;
}

/** Attempts to take a lock whose holder died: each removes a stale file, so two are enough but for a race. */
const ATTEMPTS = 5;

/**
 * Takes the lock of a folder: a file `lock` with the pid and the process's start, so that a pid
 * that was given out again is not mistaken for its holder.
 *
 * @throws AppError `locked` that names the pid of the holder.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'lock');
  const mine = `${process.pid} ${(await startOf(process.pid)) ?? '-'}\n`;
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
        throw new AppError(
          'locked',
          `the folder ${folder} is in use by process ${holder}: stop it first, or give another data folder`,
          {
            pid: holder,
          },
        );
      }
      await rm(path, { force: true });
    }
  }
  throw new AppError('locked', `the lock of ${folder} could not be taken: another process keeps taking it`);
}

/** The pid of the process that uses a folder, or undefined. */
export async function folderHolder(folder: string): Promise<number | undefined> {
  return liveHolder(join(folder, 'lock'));
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
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemErrorCode(error) === 'ESRCH') return undefined;
  }
  const now = await startOf(pid);
  return now === undefined || start === '-' || now === start ? pid : undefined;
}

/** When a process was started, in clock ticks since boot (Linux, proc(5) field 22); undefined elsewhere. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
