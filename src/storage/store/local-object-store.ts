import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, type FileHandle, link, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AppError, messageOf, systemErrorCode } from '../../base/errors.ts';
import { type ByteRange, compareUtf8, type ObjectEntry, type ObjectStore } from './object-store.ts';
import { keyOfUri, uriOfKey, uriOfPath } from './object-uri.ts';

/** What a file is called while it is written; listings leave it out, a crash may leave it behind. */
const TEMPORARY_PREFIX = '.writing-';
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/**
 * An object store in a folder of a local disk. An object is written to a temporary file, which is
 * synced and then linked (put-if-absent: link(2) fails where the name exists) or renamed into
 * place; the folder is synced before the call returns. Files are 0600, folders 0700.
 *
 * @param root the folder; it is made where it is missing.
 */
export function localObjectStore(root: string): ObjectStore {
  const base = resolve(root);
  const pathOf = (key: string): string => join(base, checkedKey(key));
  const folders = folderMaker();
  const rootUri = uriOfPath(base);
  const stage = async (
    key: string,
    write: (path: string) => Promise<void>,
    place: (from: string, to: string) => Promise<void>,
  ) => {
    const to = pathOf(key);
    const folder = dirname(to);
    await folders.make(folder);
    const from = join(folder, TEMPORARY_PREFIX + randomUUID());
    try {
      await write(from);
      await place(from, to);
    } finally {
      await unlink(from).catch(ignoreMissing);
    }
    await syncFolder(folder);
  };
  return {
    get: (key, range) => guarded(key, () => read(pathOf(key), range)),
    listFrom: (prefix, startAfter = '') => list(base, prefix, startAfter),
    putIfAbsent: (key, bytes) =>
      guarded(key, async () => {
        try {
          await stage(key, (path) => writeSynced(path, bytes), link);
          return 'created';
        } catch (error) {
          if (systemErrorCode(error) === 'EEXIST') return 'exists';
          throw error;
        }
      }),
    put: (key, bytes) => guarded(key, () => stage(key, (path) => writeSynced(path, bytes), rename)),
    delete: (key) => guarded(key, () => unlink(pathOf(key)).catch(ignoreMissing)),
    locate: (key) => pathOf(key),
    putFile: (key, localPath) => guarded(key, () => stage(key, (to) => copySynced(localPath, to), rename)),
    fetchFile: (key, localPath) =>
      guarded(key, async () => {
        try {
          await copyFile(pathOf(key), localPath, constants.COPYFILE_EXCL);
          return true;
        } catch (error) {
          const code = systemErrorCode(error);
          if (code === 'ENOENT' || code === 'ENOTDIR') return false;
          throw error;
        }
      }),
    uriOf: (key) => uriOfKey(rootUri, key),
    keyOfUri: (uri) => keyOfUri(uri, rootUri),
  };
}

function checkedKey(key: string): string {
  const segments = key.split('/');
  const bad = segments.some((segment) => segment === '' || segment === '.' || segment === '..');
  if (bad || key.includes('\0')) {
    throw new AppError('storage_failed', `The key ${JSON.stringify(key)} names nothing inside the store`);
  }
  return key;
}

async function guarded<T>(key: string, act: () => Promise<T>): Promise<T> {
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

async function read(path: string, range: ByteRange | undefined): Promise<Uint8Array | undefined> {
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
    const bytes = new Uint8Array(Math.max(0, end - range.start));
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, range.start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await file.close();
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', FILE_MODE);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function copySynced(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  await chmod(to, FILE_MODE);
  const file = await open(to, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Makes folders and syncs the entries of those that it made, parents first; remembers what is there. */
function folderMaker(): { make(path: string): Promise<void> } {
  const known = new Set<string>();
  const make = async (path: string): Promise<void> => {
    if (known.has(path)) return;
    const parent = dirname(path);
    if (parent !== path && !(await isFolder(path))) {
      await make(parent);
      await mkdir(path, { mode: FOLDER_MODE }).catch((error: unknown) => {
        if (systemErrorCode(error) !== 'EEXIST') throw error;
      });
      await syncFolder(parent);
    }
    known.add(path);
  };
  return {
    async make(path) {
      // A folder that was removed under us is made again.
      if (known.has(path) && !(await isFolder(path))) known.clear();
      await make(path);
    },
  };
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

async function* list(base: string, prefix: string, startAfter: string): AsyncIterable<ObjectEntry> {
  const slash = prefix.lastIndexOf('/');
  yield* walk(base, slash < 0 ? '' : prefix.slice(0, slash + 1), prefix, startAfter);
}

async function* walk(base: string, folder: string, prefix: string, startAfter: string): AsyncIterable<ObjectEntry> {
  for (const name of await namesIn(join(base, folder))) {
    const key = folder + name;
    const isBranch = name.endsWith('/');
    // A branch is left out when all that it holds lies before `startAfter`, or outside the prefix.
    if (isBranch ? !(key.startsWith(prefix) || prefix.startsWith(key)) : !key.startsWith(prefix)) continue;
    if (compareUtf8(key, startAfter) <= 0 && !(isBranch && startAfter.startsWith(key))) continue;
    if (isBranch) {
      yield* walk(base, key, prefix, startAfter);
      continue;
    }
    const entry = await stat(join(base, key)).catch(ignoreMissing);
    if (entry !== undefined) yield { key, sizeBytes: entry.size, modifiedMs: Math.floor(entry.mtimeMs) };
  }
}

/** Names in a folder, those of folders with a closing slash, so that they sort as keys do. */
async function namesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw new AppError('storage_failed', `A folder cannot be listed: ${messageOf(error)}`, {}, error);
  });
  const names: string[] = [];
  for (const entry of entries) {
    if (entry.isDirectory()) names.push(`${entry.name}/`);
    else if (!entry.name.startsWith(TEMPORARY_PREFIX)) names.push(entry.name);
  }
  return names.sort(compareUtf8);
}

function ignoreMissing(error: unknown): undefined {
  if (systemErrorCode(error) !== 'ENOENT') throw error;
  return undefined;
}
