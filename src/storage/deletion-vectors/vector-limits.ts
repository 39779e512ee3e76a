/** The limits of deletion vectors, each with its reason. */
export const VECTOR_LIMITS = {
  /** Row indexes are JavaScript numbers; Parquet files of 2^53 rows do not exist. */
  rowIndexes: Number.MAX_SAFE_INTEGER,
  /** A bitmap of 2^31 scattered rows, which is more than Spark reads out of one file; larger sizes are garbage. */
  vectorBytes: 320 * 1024 * 1024,
  /** `offset` and `sizeInBytes` are signed 32-bit integers in the log (PROTOCOL.md), so a file ends there. */
  fileBytes: 2 ** 31 - 1,
} as const;
