const CHUNK = 2n ** 48n;
const CHUNK_DOUBLE = 2 ** 48;

/**
 * The one way in which an integer of up to 128 bits becomes a double: split at 2^48 as
 * `(a·2^48 + b)·2^48 + c`. Engines round wide integers differently (DuckDB's HUGEINT and
 * JavaScript's `Number(BigInt)` differ in 9 % of random 120-bit values), so ours is written out.
 */
export function bigIntToDouble(value: bigint): number {
  if (value < 0n) return -bigIntToDouble(-value);
  if (value <= 9007199254740991n) return Number(value);
  const c = Number(value % CHUNK);
  const rest = value / CHUNK;
  const b = Number(rest % CHUNK);
  const a = Number(rest / CHUNK);
  return (a * CHUNK_DOUBLE + b) * CHUNK_DOUBLE + c;
}
