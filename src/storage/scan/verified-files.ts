import { AppError, systemErrorCode } from '../../base/errors.ts';
import { forEachAtOnce } from '../../base/for-each-at-once.ts';
import { checksumOfFile, checksumOfPath } from '../log/file-checksum.ts';
import type { DataFile } from './snapshot.ts';

/** Files whose bytes were found right; they never change, so that each is read through once in a process. */
const verified = new Set<string>();
/** Names that are remembered: 100 bytes each. */
const MOST_VERIFIED = 1_000_000;
/** Files that are read through at once: checksums are made in other threads' time, reading is not. */
const PARALLEL = 4;

/**
 * Holds files against the checksums of their adds, those that have one, before their rows are believed.
 *
 * @param paths where they lie on this machine, in the order of the files.
 * @throws AppError table_corrupt, naming the file.
 */
export async function verifyFiles(files: readonly DataFile[], paths: readonly string[]): Promise<void> {
  const waiting = files
    .map((file, at) => ({ file, path: paths[at] as string, wanted: checksumOfFile(file.add) }))
    .filter(({ path, wanted }) => wanted !== undefined && !verified.has(path));
  const verify = async ({ file, path, wanted }: (typeof waiting)[number]): Promise<void> => {
    const actual = await checksumOfPath(path).catch((error: unknown) => {
      // That it is gone is told by who opens it.
      if (systemErrorCode(error) === 'ENOENT') return undefined;
      throw new AppError('storage_failed', `The data file ${file.key} cannot be read`, { key: file.key }, error);
    });
    if (actual === undefined) return;
    if (actual !== wanted) {
      throw new AppError('table_corrupt', `The data file ${file.key} is damaged: its checksum is not that of the log`, {
        key: file.key,
      });
    }
    if (verified.size >= MOST_VERIFIED) verified.clear();
    verified.add(path);
  };
  await forEachAtOnce(waiting, verify, PARALLEL);
}
