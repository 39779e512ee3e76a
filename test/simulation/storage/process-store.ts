import { readFileSync, writeFileSync } from 'node:fs';
import { gatheredPut } from '../../../src/storage/store/gathered-put.ts';
import type { ObjectEntry, ObjectStore } from '../../../src/storage/store/object-store.ts';
import type { Schedule, SimulatedProcess } from './schedule.ts';
import { SIMULATED_URIS, type SimulatedObjects } from './simulated-objects.ts';

/** Kinds of objects that a store may leave half written: others are put whole or not at all. */
const MAY_TEAR = /\.parquet$|\.bin$|\/_last_checkpoint$/;

/** Entries of a page, as few as lets others act between two. */
const PAGE = 12;

/** Objects that a stale listing leaves out: those written last. */
const HIDDEN = 3;

/** The store as one life of a process sees it: every call waits for its turn, and may fail. */
export function processStore(objects: SimulatedObjects, schedule: Schedule, process: SimulatedProcess): ObjectStore {
  const { life } = process;
  const put = (key: string, bytes: Uint8Array): Promise<void> => {
    const copy = bytes.slice();
    const act = (): void => objects.put(key, copy);
    const tear = MAY_TEAR.test(key) ? { tear: () => objects.tear(key, copy) } : {};
    return schedule.call(process, life, { kind: 'put', key, act, ...tear });
  };
  const get = (key: string): Promise<Uint8Array | undefined> =>
    schedule.call(process, life, { kind: 'get', key, act: () => objects.get(key)?.slice() });
  return {
    ...SIMULATED_URIS,
    async get(key, range) {
      const bytes = await get(key);
      return range === undefined ? bytes : bytes?.slice(range.start, range.end);
    },
    async *listFrom(prefix, startAfter = '') {
      let hiddenFrom = Number.POSITIVE_INFINITY;
      for (let after: string | undefined = startAfter; after !== undefined; ) {
        const from = after;
        const page: readonly ObjectEntry[] = await schedule.call(process, life, {
          kind: 'list',
          key: prefix,
          act(stale) {
            if (stale) hiddenFrom = Math.min(hiddenFrom, objects.sequence + 1 - HIDDEN);
            return objects.list({ prefix, after: from, limit: PAGE, hiddenFrom });
          },
        });
        yield* page;
        after = page.length < PAGE ? undefined : page.at(-1)?.key;
      }
    },
    putIfAbsent(key, bytes) {
      const copy = bytes.slice();
      const act = () => objects.putIfAbsent(key, copy);
      return schedule.call(process, life, { kind: 'put-if-absent', key, act });
    },
    put,
    startPut: async (key) => gatheredPut((bytes) => put(key, bytes)),
    delete: (key) => schedule.call(process, life, { kind: 'delete', key, act: () => objects.delete(key) }),
    putFile: (key, localPath) => put(key, readFileSync(localPath)),
    async fetchFile(key, localPath) {
      const bytes = await get(key);
      if (bytes !== undefined) writeFileSync(localPath, bytes);
      return bytes !== undefined;
    },
  };
}

/** The store without turns and faults, for setting up and for checks. */
export function directStore(objects: SimulatedObjects): ObjectStore {
  return {
    ...SIMULATED_URIS,
    async get(key, range) {
      const bytes = objects.get(key);
      return range === undefined ? bytes?.slice() : bytes?.slice(range.start, range.end);
    },
    async *listFrom(prefix, startAfter = '') {
      yield* objects.list({ prefix, after: startAfter, limit: Infinity, hiddenFrom: Infinity });
    },
    putIfAbsent: async (key, bytes) => objects.putIfAbsent(key, bytes),
    put: async (key, bytes) => objects.put(key, bytes),
    startPut: async (key) => gatheredPut(async (bytes) => objects.put(key, bytes)),
    delete: async (key) => objects.delete(key),
    putFile: async (key, localPath) => objects.put(key, readFileSync(localPath)),
    async fetchFile(key, localPath) {
      const bytes = objects.get(key);
      if (bytes !== undefined) writeFileSync(localPath, bytes);
      return bytes !== undefined;
    },
  };
}
