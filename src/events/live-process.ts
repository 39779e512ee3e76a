import { readFile } from 'node:fs/promises';
import { systemErrorCode } from '../base/errors.ts';

/**
 * Whether the process that had a pid still runs: one that was given the pid again was started at another time.
 *
 * @param start of {@link processStart} then; undefined where it was not known.
 */
export async function isLiveProcess(pid: number, start: string | undefined): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemErrorCode(error) === 'ESRCH') return false;
  }
  const now = await processStart(pid);
  return now === undefined || start === undefined || now === start;
}

/** When a process was started, in clock ticks since boot (Linux, proc(5) field 22); undefined elsewhere. */
export async function processStart(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
