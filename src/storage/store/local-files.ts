import { constants } from 'node:fs';
import { chmod, copyFile, type FileHandle, open, stat, unlink } from 'node:fs/promises';
import { AppError, messageOf, systemErrorCode } from '../../base/errors.ts';
import type { ByteRange } from './object-store.ts';

/** Files are their owner's alone. */
export const FILE_MODE = 0o600;

/** Runs a step on an object, or on a local copy of it. @throws AppError disk_full, storage_failed for what the system refuses. */
export async function guarded<T>(key: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof AppError) throw error;
    const code = systemErrorCode(error);
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new AppError('disk_full', `No room to write ${key}; make room and try again`, { key }, error);
    }
    throw new AppError('storage_failed', `The object ${key} failed: ${messageOf(error)}`, { key }, error);
  }
}

/** A file's bytes, or those in a range; undefined where there is no such file. */
export async function readFileBytes(path: string, range: ByteRange | undefined): Promise<Uint8Array | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  try {
    const entry = await file.stat();
    if (entry.isDirectory()) return undefined;
    if (range === undefined) return await file.readFile();
    const { size } = entry;
    const end = Math.min(range.end ?? size, size);
    return await readRange(file, range.start, end);
  } finally {
    await file.close();
  }
}

/** The bytes `[start, end)` of an open file, fewer where it ends before. */
export async function readRange(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, end - start));
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

/** Writes a new file and syncs it. */
export async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', FILE_MODE);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Copies into a new file and syncs it; a file system that can share the blocks does. */
export async function copySynced(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  await chmod(to, FILE_MODE);
  const file = await open(to, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Copies a file into a new one; gives whether there is such a file. */
export async function copyToNewFile(from: string, to: string): Promise<boolean> {
  // The copy's own folder may be what is missing, so that its ENOENT says nothing of the object.
  const entry = await stat(from).catch(ignoreMissing);
  if (entry === undefined || entry.isDirectory()) return false;
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await chmod(to, FILE_MODE);
  } catch (error) {
    // A file that was there before is left alone.
    if (systemErrorCode(error) !== 'EEXIST') await unlink(to).catch(() => undefined);
    throw error;
  }
  return true;
}

/** For a `catch`: a missing file is undefined, what else went wrong is thrown on. */
export function ignoreMissing(error: unknown): undefined {
  const code = systemErrorCode(error);
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
  return undefined;
}
