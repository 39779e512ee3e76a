import { lstat, mkdir, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AppError, messageOf, systemErrorCode } from '../base/errors.ts';
import { isLockFile, lockFolder } from '../events/journal-lock.ts';
import type { ProcessLock } from '../events/process-lock.ts';
import { TEMPORARY_PREFIX } from '../storage/store/local-listing.ts';
import { localObjectStore } from '../storage/store/local-object-store.ts';
import type { ObjectStore } from '../storage/store/object-store.ts';
import { EXPORT_FORMAT, MANIFEST_FILE } from '../training-export/export-format.ts';
import { isFileName } from '../training-export/file-format.ts';
import { pathBeside, removeLeftBehind } from './writing-folder.ts';

/**
 * Fills a folder with an export, whole or not at all: it is written beside it and renamed into
 * place. What is there before may be nothing, or an export, which is replaced; a link to a folder stays one. What a killed
 * process left beside it goes.
 *
 * @throws AppError `usage` where the folder holds anything else, or nothing can take its place: nothing of it is touched. `locked` where another process
 * extends or replaces the export in it.
 */
export async function fillExportFolder<T>(folder: string, fill: (files: ObjectStore) => Promise<T>): Promise<T> {
  const target = await targetOf(folder);
  await removeLeftBehind(target);
  const before = await checkReplaceable(target, folder);
  const [fresh, old] = [await pathBeside(target, 'writing'), await pathBeside(target, 'old')];
  const lock = before === 'export' ? await lockExport(folder) : undefined;
  try {
    await mkdir(fresh, { recursive: true, mode: 0o700 });
    const made = await fill(localObjectStore(fresh));
    // A folder takes the place of an empty one at once; of a full one in two steps.
    if (before === 'export') await rename(target, old);
    await rename(fresh, target);
    // The lock went with what it was of.
    await rm(old, { recursive: true, force: true });
    return made;
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    await lock?.release();
    throw writeFault(folder, error);
  }
}

/**
 * Keeps others from extending or replacing the export in a folder until it is released: each would remove files of the
 * other, or have the manifest name files that are not its own.
 *
 * @throws AppError `locked` that names the pid of who does, `storage_failed`.
 */
export async function lockExport(folder: string): Promise<ProcessLock> {
  try {
    return await lockFolder(folder, 'wait until it is done with the export');
  } catch (error) {
    throw writeFault(folder, error);
  }
}

function writeFault(folder: string, error: unknown): unknown {
  if (error instanceof AppError || systemErrorCode(error) === undefined) return error;
  return new AppError('storage_failed', `${folder} cannot be written: ${messageOf(error)}`, {}, error);
}

/** Where the folder itself lies. @throws AppError `usage` where a folder that is renamed could not come to lie there. */
async function targetOf(folder: string): Promise<string> {
  let target: string;
  try {
    target = await realpath(folder);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw writeFault(folder, error);
    const isLink = await lstat(folder).then(
      () => true,
      () => false,
    );
    if (isLink) throw new AppError('usage', `--out ${folder} is a link to what is not there: name another folder`);
    return resolve(folder);
  }
  const [own, parent] = await Promise.all([stat(target), stat(dirname(target))]);
  if (own.dev !== parent.dev) {
    throw new AppError('usage', `--out ${folder} is a mount point, which cannot be replaced: name a folder inside it`);
  }
  return target;
}

async function checkReplaceable(target: string, folder: string): Promise<'nothing' | 'export'> {
  let names: string[];
  try {
    names = await readdir(target);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return 'nothing';
    if (systemErrorCode(error) === 'ENOTDIR') throw new AppError('usage', `--out ${folder} is a file, not a folder`);
    throw new AppError('storage_failed', `--out ${folder} cannot be read: ${messageOf(error)}`, {}, error);
  }
  if (names.length === 0) return 'nothing';

  const foreign = names.find((name) => !isOurs(name));
  if (foreign !== undefined || !(await holdsManifest(target))) {
    const why = foreign === undefined ? 'files without our manifest' : foreign;
    throw new AppError('usage', `--out ${folder} is not empty and no export (${why}): name another folder`);
  }
  return 'export';
}

/** What an export holds; a killed `export extend` leaves its lock and what it was writing there. */
function isOurs(name: string): boolean {
  return name === MANIFEST_FILE || isLockFile(name) || isFileName(name) || name.startsWith(TEMPORARY_PREFIX);
}

async function holdsManifest(target: string): Promise<boolean> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(target, MANIFEST_FILE), 'utf8'));
    return (
      typeof manifest === 'object' && manifest !== null && 'format' in manifest && manifest.format === EXPORT_FORMAT
    );
  } catch {
    return false;
  }
}
