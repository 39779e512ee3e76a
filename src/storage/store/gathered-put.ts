import type { ObjectWriter } from './object-store.ts';

/** An object that is gathered in memory and put whole at its end: for stores that take no parts. */
export function gatheredPut(put: (bytes: Uint8Array) => Promise<void>): ObjectWriter {
  let parts: Uint8Array[] = [];
  return {
    async append(part) {
      parts.push(part);
    },
    finish: () => put(Buffer.concat(parts)),
    async abandon() {
      parts = [];
    },
  };
}
