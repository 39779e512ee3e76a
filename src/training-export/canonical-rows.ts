import { createHash } from 'node:crypto';

/** Features as an export writes them, row after row, NaN where absent. */
export type FeatureMatrix = Float32Array | Float64Array;

/**
 * The sum of rows whatever the file that holds them: SHA-256 of two SHA-256s. The first is of a
 * line a row, the JSON array of its columns other than features (numbers as ECMAScript writes them,
 * which is the canonical form of RFC 8785), with the statuses of all features in hex at its end where
 * the export has them. The second is of the features, row after row, as little-endian floats (doubles
 * where the export has doubles), absent ones as the quiet NaN.
 */
export interface RowsHash {
  /** @param lines each with its line feed. @param features every NaN in them the same. */
  add(lines: string, features: FeatureMatrix): void;
  /** In hex. */
  digest(): string;
}

/** Starts a sum. */
export function rowsHash(): RowsHash {
  const cells = createHash('sha256');
  const features = createHash('sha256');
  return {
    add(lines, matrix) {
      cells.update(lines);
      // Every machine that Node runs on is little-endian.
      features.update(new Uint8Array(matrix.buffer, matrix.byteOffset, matrix.byteLength));
    },
    digest: () => createHash('sha256').update(cells.digest()).update(features.digest()).digest('hex'),
  };
}
