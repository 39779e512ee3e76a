import { createHash } from 'node:crypto';
import { canonicalJson } from '../base/canonical-json.ts';

/**
 * The sum of rows whatever the file that holds them: for each row in order, the canonical JSON of
 * its columns other than features, a line feed, and its features as little-endian floats (doubles
 * where the export has doubles), absent ones as the quiet NaN.
 */
export interface RowsHash {
  /** @param features NaN where absent. */
  add(row: Readonly<Record<string, unknown>>, features: FeatureVector): void;
  /** SHA-256 so far, hex. */
  digest(): string;
}

/** Features as an export writes them, NaN where absent. */
export type FeatureVector = Float32Array | Float64Array;

/** Starts a sum. */
export function rowsHash(): RowsHash {
  const hash = createHash('sha256');
  return {
    add(row, features) {
      hash.update(`${canonicalJson(row)}\n`);
      // Every machine that Node runs on is little-endian, and writes NaN as the quiet one with no payload.
      hash.update(new Uint8Array(features.buffer, features.byteOffset, features.byteLength));
    },
    digest: () => hash.copy().digest('hex'),
  };
}
