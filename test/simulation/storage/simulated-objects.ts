import {
  compareUtf8,
  type ObjectEntry,
  type ObjectStore,
  type PutOutcome,
} from '../../../src/storage/store/object-store.ts';
import { checkedKey, keyOfUri, uriOfKey } from '../../../src/storage/store/object-uri.ts';

/** What of a listing is told at once: small, so that others act between two pages. */
export interface ListPage {
  readonly prefix: string;
  readonly after: string;
  readonly limit: number;
  /** Objects written at or after this number are not told of yet, unless they are a minute old. */
  readonly hiddenFrom: number;
}

/** How long a listing may leave out what was written. */
export const STALE_MS = 60_000;

interface SimulatedObject {
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
  readonly sequence: number;
}

/**
 * The bytes of a simulated store. What was ever written stays in `archive`, so that a check at the end sees
 * commits that a clean-up deleted, and files that a vacuum did.
 */
export class SimulatedObjects {
  readonly archive = new Map<string, Uint8Array>();
  readonly writtenMs = new Map<string, number>();
  /** What no writer may do, whatever fails: noted as it happens. */
  readonly violations: string[] = [];
  readonly #objects = new Map<string, SimulatedObject>();
  readonly #nowMs: () => number;
  #sequence = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** How many writes there were. */
  get sequence(): number {
    return this.#sequence;
  }

  get(key: string): Uint8Array | undefined {
    return this.#objects.get(key)?.bytes;
  }

  putIfAbsent(key: string, bytes: Uint8Array): PutOutcome {
    if (this.#objects.has(key)) return 'exists';
    if (/_delta_log\/\d{20}\.json$/.test(key) && this.archive.has(key)) {
      this.violations.push(`the commit ${key} was written a second time, after its clean-up`);
    }
    this.#write(key, bytes);
    return 'created';
  }

  put(key: string, bytes: Uint8Array): void {
    if (this.archive.has(key) && !/\/_last_[a-z_]+$/.test(key)) this.violations.push(`${key} was written over`);
    this.#write(key, bytes);
  }

  /** Leaves the first bytes of an object, as a disk does whose power is cut. */
  tear(key: string, bytes: Uint8Array): void {
    this.#write(key, bytes.subarray(0, Math.floor(bytes.length / 2)));
  }

  delete(key: string): void {
    this.#objects.delete(key);
  }

  list({ prefix, after, limit, hiddenFrom }: ListPage): ObjectEntry[] {
    const youngMs = this.#nowMs() - STALE_MS;
    const keys: string[] = [];
    for (const [key, { sequence, modifiedMs }] of this.#objects) {
      if (!key.startsWith(prefix) || (sequence >= hiddenFrom && modifiedMs > youngMs)) continue;
      if (compareUtf8(key, after) > 0) keys.push(key);
    }
    return keys
      .sort(compareUtf8)
      .slice(0, limit)
      .map((key) => {
        const { bytes, modifiedMs } = this.#objects.get(key) as SimulatedObject;
        return { key, sizeBytes: bytes.length, modifiedMs };
      });
  }

  #write(key: string, bytes: Uint8Array): void {
    this.#sequence += 1;
    const copy = bytes.slice();
    this.#objects.set(checkedKey(key), { bytes: copy, modifiedMs: this.#nowMs(), sequence: this.#sequence });
    this.archive.set(key, copy);
    this.writtenMs.set(key, this.#nowMs());
  }
}

const ROOT = 'memory:///';

/** The parts of a store that no fault touches. */
export const SIMULATED_URIS: Pick<ObjectStore, 'locate' | 'uriOf' | 'keyOfUri'> = {
  locate: () => undefined,
  uriOf: (key) => uriOfKey(ROOT, key),
  keyOfUri: (uri) => keyOfUri(uri, ROOT),
};
