/**
 * The port to what keeps a lake's bytes. Keys are relative, their segments divided by `/`, in
 * UTF-8; they are never percent-encoded here. `putIfAbsent` is the only primitive that writers
 * coordinate by: of many callers for one key, exactly one gets `created`.
 */
export interface ObjectStore {
  /**
   * The object's bytes, or those in `range`; undefined where there is no such object.
   *
   * @throws AppError storage_failed.
   */
  get(key: string, range?: ByteRange): Promise<Uint8Array | undefined>;
  /**
   * Objects whose key starts with `prefix` and is greater than `startAfter` (a whole key), in the
   * order of their keys as UTF-8 bytes.
   */
  listFrom(prefix: string, startAfter?: string): AsyncIterable<ObjectEntry>;
  /**
   * Writes an object that does not exist, durably, whole or not at all.
   *
   * @throws AppError disk_full, storage_failed.
   */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<PutOutcome>;
  /**
   * Writes an object durably, over what is there.
   *
   * @throws AppError disk_full, storage_failed.
   */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /**
   * Starts to write an object whose bytes come in parts, over what is there: for what is too large to be held whole.
   *
   * @throws AppError disk_full, storage_failed.
   */
  startPut(key: string): Promise<ObjectWriter>;
  /** Deletes an object; no error where there is none. */
  delete(key: string): Promise<void>;
  /** Where another engine in this process opens the object; undefined where it cannot. */
  locate(key: string): string | undefined;
  /**
   * Writes an object durably from a file of this machine, over what is there.
   *
   * @throws AppError disk_full, storage_failed.
   */
  putFile(key: string, localPath: string): Promise<void>;
  /**
   * Copies an object into a new file of this machine.
   *
   * @returns whether there is such an object.
   * @throws AppError disk_full, storage_failed.
   */
  fetchFile(key: string, localPath: string): Promise<boolean>;
  /**
   * Deletes what writers that crashed left under a prefix before an instant, where the store has such; no key names it.
   *
   * @returns how many went.
   */
  discardUnfinished?(prefix: string, olderThanMs: number): Promise<number>;
  /** The URI by which other Delta clients name the object. */
  uriOf(key: string): string;
  /** The key of an absolute URI or path in any of its spellings; undefined where it lies outside the store. */
  keyOfUri(uri: string): string | undefined;
}

/**
 * An object under way, see {@link ObjectStore.startPut}: its key shows nothing of it before {@link finish}. Calls come
 * one after another. Whoever started it finishes or abandons it; after a failure of either it is abandoned too.
 */
export interface ObjectWriter {
  /** Adds bytes, which nobody changes any more. @throws AppError disk_full, storage_failed. */
  append(part: Uint8Array): Promise<void>;
  /** Makes the object durable, whole or not at all. @throws AppError disk_full, storage_failed. */
  finish(): Promise<void>;
  /** Leaves nothing of it. Once it is finished there is nothing to leave, and nothing happens. */
  abandon(): Promise<void>;
}

/** What {@link ObjectStore.putIfAbsent} found. */
export type PutOutcome = 'created' | 'exists';

/** Bytes `[start, end)`; without `end`, to the last. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

/** One object of a listing. */
export interface ObjectEntry {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Whether its key leads through a link to a folder, so that the object may have another key besides. */
  readonly isBehindLink?: true;
}

/** Orders texts as their UTF-8 bytes do; JavaScript's `<` differs above U+D7FF. */
export function compareUtf8(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at += 1) {
    const a = left.charCodeAt(at);
    const b = right.charCodeAt(at);
    if (a === b) continue;
    // Surrogates stand for code points above U+FFFF, so they order after U+E000–U+FFFF.
    const aRank = a >= 0xd800 && a < 0xe000 ? a + 0x10000 : a;
    const bRank = b >= 0xd800 && b < 0xe000 ? b + 0x10000 : b;
    return aRank - bRank;
  }
  return left.length - right.length;
}
