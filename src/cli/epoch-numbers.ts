import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../base/errors.ts';

/**
 * Numbers that stay behind the last one: another process may have looked before they were taken, and would take one again
 * that it does not find. As many starts at once are more than there are.
 */
const KEPT = 64;

/**
 * Takes the number of an epoch. Nobody else who shares the data folder gets it: an opening record is in its own journal for
 * seconds before others can know of it.
 *
 * @param folder holds a file a number.
 * @param known the largest number of an epoch that the lake and the journals know.
 */
export async function takeEpoch(folder: string, known: number): Promise<number> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (;;) {
    const taken = (await readdir(folder)).map(Number).filter(Number.isSafeInteger);
    const epoch = Math.max(known, ...taken) + 1;
    try {
      await (await open(join(folder, String(epoch)), 'wx', 0o600)).close();
    } catch (error) {
      if (systemErrorCode(error) === 'EEXIST') continue;
      throw error;
    }
    const old = taken.filter((number) => number < epoch - KEPT);
    await Promise.all(old.map((number) => rm(join(folder, String(number)), { force: true })));
    return epoch;
  }
}
