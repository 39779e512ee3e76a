import { dirname } from 'node:path';
import type { Random } from '../base/random.ts';
import type { JournalFile, JournalFiles } from './journal-files.ts';

interface Content {
  /** What reads see. */
  bytes: Uint8Array;
  /** What a power cut leaves for sure. */
  durable: Uint8Array;
}

/** A disk in memory that forgets what was not made durable, folder entries included. */
export interface ForgetfulFiles extends JournalFiles {
  /**
   * The power goes: of each write that had not returned any part may be there, whole 512-byte
   * sectors in any choice; an entry whose folder was not synced may be gone. Open files are dead.
   */
  cutPower(random: Random): void;
  /** The next writes fail with this `code` until it is set to undefined. */
  failWrites(code: string | undefined): void;
  /** The same for syncs, of folders as well. */
  failSyncs(code: string | undefined): void;
}

const SECTOR_BYTES = 512;

/** An empty {@link ForgetfulFiles}. */
export function forgetfulFiles(): ForgetfulFiles {
  let files = new Map<string, Content>();
  let durableEntries = new Map<string, Content>();
  let failure: string | undefined;
  let syncFailure: string | undefined;
  let generation = 0;

  const fail = (code: string): never => {
    throw Object.assign(new Error(code), { code });
  };
  return {
    async makeFolder() {},
    list: async (folder) =>
      [...files.keys()]
        .filter((path) => dirname(path) === folder)
        .map((path) => path.slice(folder.length + 1))
        .sort(),
    async open(path, mode) {
      if (failure !== undefined && mode !== 'read') fail(failure);
      let content = files.get(path);
      if (mode === 'create') {
        if (content !== undefined) fail('EEXIST');
        content = { bytes: new Uint8Array(0), durable: new Uint8Array(0) };
        files.set(path, content);
      }
      const opened = generation;
      const check = (code: string | undefined): void => {
        if (opened !== generation) fail('EBADF');
        if (code !== undefined) fail(code);
      };
      return memoryFile(
        content ?? fail('ENOENT'),
        () => check(failure),
        () => check(syncFailure ?? failure),
      );
    },
    async remove(path) {
      files.delete(path);
    },
    async syncFolder(folder) {
      if (syncFailure !== undefined) fail(syncFailure);
      for (const path of durableEntries.keys()) if (dirname(path) === folder) durableEntries.delete(path);
      for (const [path, content] of files) if (dirname(path) === folder) durableEntries.set(path, content);
    },
    cutPower(random) {
      generation += 1;
      for (const [path, content] of files) {
        if (random.chance(0.5)) durableEntries.set(path, content);
      }
      files = new Map(durableEntries);
      durableEntries = new Map(files);
      for (const content of files.values()) {
        content.bytes = afterCut(content, random);
        content.durable = content.bytes;
      }
    },
    failWrites(code) {
      failure = code;
    },
    failSyncs(code) {
      syncFailure = code;
    },
  };
}

function memoryFile(content: Content, check: () => void, checkSync: () => void): JournalFile {
  return {
    sizeBytes: async () => content.bytes.length,
    async write(bytes, offset) {
      check();
      const grown = new Uint8Array(Math.max(content.bytes.length, offset + bytes.length));
      grown.set(content.bytes);
      grown.set(bytes, offset);
      content.bytes = grown;
      // On its way to the disk: a power cut in these turns leaves any part of it.
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      check();
      const durable = new Uint8Array(Math.max(content.durable.length, offset + bytes.length));
      durable.set(content.durable);
      durable.set(bytes, offset);
      content.durable = durable;
    },
    async read(buffer, offset) {
      const part = content.bytes.subarray(offset, offset + buffer.length);
      buffer.set(part);
      return part.length;
    },
    async sync() {
      checkSync();
      content.durable = content.bytes.slice();
    },
    async truncate(sizeBytes) {
      content.bytes = content.bytes.slice(0, sizeBytes);
    },
    async close() {},
  };
}

function afterCut({ bytes, durable }: Content, random: Random): Uint8Array {
  const size = random.chance(0.5)
    ? durable.length
    : durable.length + random.below(Math.abs(bytes.length - durable.length) + 1);
  const left = new Uint8Array(size);
  left.set(durable.subarray(0, size));
  for (let at = 0; at < size; at += SECTOR_BYTES) {
    if (random.chance(0.5)) left.set(bytes.subarray(at, Math.min(at + SECTOR_BYTES, size, bytes.length)), at);
  }
  return left;
}
