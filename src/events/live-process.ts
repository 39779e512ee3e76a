import { readFile } from 'node:fs/promises';
import { systemErrorCode } from '../base/errors.ts';

/** States of a process that has ended: a zombie, whose parent has not asked for its exit code yet, and one that is being removed. */
const ENDED = new Set(['Z', 'X', 'x']);

/**
 * Whether the process that had a pid still runs: one that was given the pid again was started at another time, and one
 * that has ended holds nothing, however long its parent leaves it among the processes.
 *
 * @param start of {@link processStart} then; undefined where it was not known.
 */
export async function isLiveProcess(pid: number, start: string | undefined): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemErrorCode(error) === 'ESRCH') return false;
  }
  const found = await processStat(pid);
  if (found === undefined) return true;
  return !ENDED.has(found.state) && (start === undefined || found.start === start);
}

/** When a process was started, in clock ticks since boot; undefined elsewhere than on Linux. */
export async function processStart(pid: number): Promise<string | undefined> {
  return (await processStat(pid))?.start;
}

/** Fields 3 and 22 of a process (Linux, proc(5)): its name, before them, may hold spaces and brackets. */
async function processStat(pid: number): Promise<{ state: string; start: string | undefined } | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', start: fields[19] };
  } catch {
    return undefined;
  }
}
