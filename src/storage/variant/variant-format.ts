import { AppError } from '../../base/errors.ts';

/*
 * The binary encoding of variants (github.com/apache/parquet-format, VariantEncoding.md): a value
 * and, apart from it, the dictionary of the names of its objects' fields. All integers are
 * little-endian.
 */

/** A variant, as the two columns of its group in a file. */
export interface VariantBytes {
  readonly metadata: Uint8Array;
  readonly value: Uint8Array;
}

/** The limits of a variant, each with its reason. */
export const VARIANT_LIMITS = {
  /** Delta Spark's own limit of a value and of its metadata. */
  bytes: 16 * 1024 * 1024,
  /** The walks are recursive: 100 levels are some 300 frames. Nothing that people write nests a tenth of it. */
  depth: 100,
  /** Six times the bytes, as control characters take, with room for names; V8's strings end at four times this. */
  textLength: 128 * 1024 * 1024,
  /** Java's JSON reader, and so Spark, takes no longer number; parsing one costs the square of its length. */
  numberLength: 1000,
} as const;

/** The two lowest bits of a value's first byte (VariantEncoding.md, "Encoding types"); 0 is a primitive. */
export const BASIC = { shortString: 1, object: 2, array: 3 } as const;

/** The upper six bits of a primitive's first byte. */
export const PRIMITIVE = {
  null: 0,
  true: 1,
  false: 2,
  int8: 3,
  int16: 4,
  int32: 5,
  int64: 6,
  double: 7,
  decimal4: 8,
  decimal8: 9,
  decimal16: 10,
  date: 11,
  timestamp: 12,
  timestampNtz: 13,
  float: 14,
  binary: 15,
  string: 16,
  time: 17,
  timestampNanos: 18,
  timestampNanosNtz: 19,
  uuid: 20,
} as const;

/** The lowest four bits of the metadata's first byte. */
export const METADATA_VERSION = 1;

/** The longest string whose length stands in its first byte. */
export const SHORT_STRING_BYTES = 63;

/** The most digits of a decimal, and of them after its point. */
export const DECIMAL_DIGITS = 38;

/** The fault of bytes that are no variant. */
export function corruptVariant(what: string): AppError {
  return new AppError('table_corrupt', `A variant is damaged: ${what}`);
}

/** The fault of a variant that may be right and is beyond what we read. */
export function unsupportedVariant(what: string): AppError {
  return new AppError('table_unsupported', `A variant cannot be read: ${what}`);
}
