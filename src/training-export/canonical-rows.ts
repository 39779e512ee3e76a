import { createHash } from 'node:crypto';
import { canonicalJson } from '../base/canonical-json.ts';

/**
 * The sum of rows whatever the file that holds them: for each row in order, the canonical JSON of
 * its columns other than features, a line feed, and its features as little-endian float32, absent
 * ones as the quiet NaN 0x7fc00000.
 */
export interface RowsHash {
  /** @param features NaN where absent. */
  add(row: Readonly<Record<string, unknown>>, features: Float32Array): void;
  /** SHA-256 so far, hex. */
  digest(): string;
}

/** Starts a sum. */
export function rowsHash(): RowsHash {
  const hash = createHash('sha256');
  return {
    add(row, features) {
      hash.update(`${canonicalJson(row)}\n`);
      // Float32Array writes NaN as 0x7fc00000 on every machine that Node runs on, and all of them are little-endian.
      hash.update(new Uint8Array(features.buffer, features.byteOffset, features.byteLength));
    },
    digest: () => hash.copy().digest('hex'),
  };
}
