import { setPriority } from 'node:os';

/**
 * Has the calling thread give way to the scoring thread where processors are short.
 *
 * @param nice its nice value, from 0 for none to 19.
 */
export function giveWay(nice: number): void {
  try {
    // On Linux 0 is the calling thread alone; elsewhere it would be the whole process.
    if (process.platform === 'linux') setPriority(0, nice);
  } catch {
    // Not allowed here: the thread runs like any other.
  }
}
