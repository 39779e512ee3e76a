/**
 * Our own hash of ids: DuckDB, Spark and JavaScript share none, and equality of distinct counts
 * must not depend on the host. Two rounds of MurmurHash3's 32-bit mixing over UTF-16 code units
 * with different seeds. Not a defence against an adversary; it names ids, it hides nothing.
 */

/** A 64-bit hash as two signed 32-bit halves, which typed arrays hold without a bigint. */
export interface Hash64 {
  readonly high: number;
  readonly low: number;
}

/** Hashes a text to 64 bits. */
export function hash64(text: string): Hash64 {
  return { high: murmur32(text, 0x9747b28c), low: murmur32(text, 0x3c6ef372) };
}

/** The same hash as a signed 64-bit integer, as silver keeps it. */
export function hash64ToBigInt(hash: Hash64): bigint {
  return BigInt.asIntN(64, (BigInt(hash.high) << 32n) | BigInt(hash.low >>> 0));
}

/** MurmurHash3 (x86, 32 bit) with one 32-bit block for each UTF-16 code unit; a signed 32-bit number. */
export function murmur32(text: string, seed: number): number {
  let hash = seed | 0;
  for (let at = 0; at < text.length; at += 1) {
    let block = Math.imul(text.charCodeAt(at), 0xcc9e2d51);
    block = (block << 15) | (block >>> 17);
    hash ^= Math.imul(block, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  hash ^= text.length * 4;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
