import { readFile, writeFile } from 'node:fs/promises';
import { gatheredPut } from './gathered-put.ts';
import { FILE_MODE, guarded } from './local-files.ts';
import { compareUtf8, type ObjectStore } from './object-store.ts';
import { checkedKey, keyOfUri, uriOfKey } from './object-uri.ts';

/** The URI of the store: only this process knows it. */
const ROOT = 'memory:///';

/** An object store in memory. Every call gives way once, so that tests see interleavings. */
export function memoryObjectStore(): ObjectStore {
  const objects = new Map<string, { readonly bytes: Uint8Array; readonly modifiedMs: number }>();
  let writes = 0;
  const write = (key: string, bytes: Uint8Array): void => {
    writes += 1;
    objects.set(checkedKey(key), { bytes: bytes.slice(), modifiedMs: writes });
  };
  return {
    async get(key, range) {
      await Promise.resolve();
      const bytes = objects.get(key)?.bytes;
      return range === undefined ? bytes?.slice() : bytes?.slice(range.start, range.end);
    },
    async *listFrom(prefix, startAfter = '') {
      await Promise.resolve();
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && compareUtf8(key, startAfter) > 0);
      for (const key of keys.sort(compareUtf8)) {
        const object = objects.get(key);
        if (object !== undefined) yield { key, sizeBytes: object.bytes.length, modifiedMs: object.modifiedMs };
      }
    },
    async putIfAbsent(key, bytes) {
      await Promise.resolve();
      if (objects.has(key)) return 'exists';
      write(key, bytes);
      return 'created';
    },
    async put(key, bytes) {
      await Promise.resolve();
      write(key, bytes);
    },
    async startPut(key) {
      checkedKey(key);
      return gatheredPut(async (bytes) => {
        await Promise.resolve();
        write(key, bytes);
      });
    },
    async delete(key) {
      await Promise.resolve();
      objects.delete(key);
    },
    locate: () => undefined,
    putFile: (key, localPath) => guarded(key, async () => write(key, await readFile(localPath))),
    async fetchFile(key, localPath) {
      const bytes = objects.get(key)?.bytes;
      if (bytes === undefined) return false;
      await guarded(key, () => writeFile(localPath, bytes, { flag: 'wx', mode: FILE_MODE }));
      return true;
    },
    uriOf: (key) => uriOfKey(ROOT, key),
    keyOfUri: (uri) => keyOfUri(uri, ROOT),
  };
}
