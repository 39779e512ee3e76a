import { randomUUID } from 'node:crypto';
import { link, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { systemErrorCode } from '../../base/errors.ts';
import {
  copySynced,
  copyToNewFile,
  guarded,
  ignoreMissing,
  readFileBytes,
  syncFolder,
  writeSynced,
} from './local-files.ts';
import { folderMaker } from './local-folders.ts';
import { discardLeftovers } from './local-leftovers.ts';
import { listLocal, TEMPORARY_PREFIX } from './local-listing.ts';
import { localWriter } from './local-writer.ts';
import type { ObjectStore } from './object-store.ts';
import { checkedKey, keyOfUri, uriOfKey, uriOfPath } from './object-uri.ts';

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
  const temporaryFor = async (to: string): Promise<string> => {
    const folder = dirname(to);
    await folders.make(folder);
    return join(folder, TEMPORARY_PREFIX + randomUUID());
  };
  const stage = async (
    key: string,
    write: (path: string) => Promise<void>,
    place: (from: string, to: string) => Promise<void>,
  ) => {
    const to = pathOf(key);
    const from = await temporaryFor(to);
    try {
      await write(from);
      await place(from, to);
    } finally {
      await unlink(from).catch(ignoreMissing);
    }
    await syncFolder(dirname(to));
  };
  const replace = async (from: string, to: string): Promise<void> => {
    await unlink(hadoopChecksumOf(to)).catch(ignoreMissing);
    await rename(from, to);
  };
  return {
    get: (key, range) => guarded(key, () => readFileBytes(pathOf(key), range)),
    listFrom: (prefix, startAfter = '') => listLocal(base, prefix, startAfter),
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
    put: (key, bytes) => guarded(key, () => stage(key, (path) => writeSynced(path, bytes), replace)),
    async startPut(key) {
      const to = pathOf(key);
      const from = await guarded(key, () => temporaryFor(to));
      return localWriter(key, from, async () => {
        await replace(from, to);
        await syncFolder(dirname(to));
      });
    },
    discardUnfinished: (prefix, olderThanMs) => guarded(prefix, () => discardLeftovers(base, prefix, olderThanMs)),
    delete: (key) => guarded(key, () => unlink(pathOf(key)).catch(ignoreMissing)),
    locate: (key) => pathOf(key),
    putFile: (key, localPath) => guarded(key, () => stage(key, (to) => copySynced(localPath, to), rename)),
    fetchFile: (key, localPath) => guarded(key, () => copyToNewFile(pathOf(key), localPath)),
    uriOf: (key) => uriOfKey(rootUri, key),
    keyOfUri: (uri) => keyOfUri(uri, rootUri),
  };
}

/** Where Hadoop keeps the sums of a file that it wrote: it would hold ours to those, and refuse it. */
function hadoopChecksumOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.crc`);
}
