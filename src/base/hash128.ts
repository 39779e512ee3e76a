/**
 * Hashes a text to 128 bits: four lanes of MurmurHash3's 32-bit mixing over UTF-16 code units, each
 * with a seed and a multiplier of its own. Tables that would otherwise hold millions of strings
 * hold these: the odds that two of 10 M ids meet are 10^-25. It names ids, it hides nothing.
 *
 * @param out receives the four lanes; 0.1 µs for an id of 32 characters.
 */
export function hash128(text: string, out: Int32Array): void {
  let a = SEEDS.a;
  let b = SEEDS.b;
  let c = SEEDS.c;
  let d = SEEDS.d;
  const length = text.length;
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    a = mixed(a, Math.imul(code, 0xcc9e2d51));
    b = mixed(b, Math.imul(code, 0x239b961b));
    c = mixed(c, Math.imul(code, 0xab0e9789));
    d = mixed(d, Math.imul(code, 0x38b34ae5));
  }
  // The lanes stir each other at the end, as in the 128-bit form of the original.
  a = (a ^ length) + b + c + d;
  out[0] = finished(a);
  out[1] = finished(b ^ a);
  out[2] = finished(c ^ (a >>> 3));
  out[3] = finished(d ^ (a << 5));
}

/**
 * A text's name as a non-negative integer below 2^53, for columns of doubles: equal texts have
 * equal tokens, and two of the 256 that an entity keeps meet once in 10^11 entities.
 */
export function token53(text: string): number {
  hash128(text, scratch);
  return tokenOf(scratch[0] as number, scratch[1] as number);
}

/**
 * {@link token53} of a text that lies in bytes, without the text: 0.1 µs for an id of 32 characters, where making the
 * text first takes twice that.
 *
 * @param bytes UTF-8, from place `from` to below `to`. @returns −1 where a character is not of ASCII: then the text is needed.
 */
export function token53OfBytes(bytes: Uint8Array, from: number, to: number): number {
  let a = SEEDS.a;
  let b = SEEDS.b;
  let c = SEEDS.c;
  let d = SEEDS.d;
  for (let at = from; at < to; at += 1) {
    const code = bytes[at] as number;
    if (code > 127) return -1;
    a = mixed(a, Math.imul(code, 0xcc9e2d51));
    b = mixed(b, Math.imul(code, 0x239b961b));
    c = mixed(c, Math.imul(code, 0xab0e9789));
    d = mixed(d, Math.imul(code, 0x38b34ae5));
  }
  a = (a ^ (to - from)) + b + c + d;
  return tokenOf(finished(a), finished(b ^ a));
}

/** 32 bits of a text that lies in bytes, from place `from` to below `to`: one lane of {@link hash128}, for tables that compare texts too. */
export function hash32OfBytes(bytes: Uint8Array, from: number, to: number): number {
  let hash = SEEDS.a;
  for (let at = from; at < to; at += 1) hash = mixed(hash, Math.imul(bytes[at] as number, 0xcc9e2d51));
  return finished(hash ^ (to - from));
}

function tokenOf(first: number, second: number): number {
  return (first & 0x1fffff) * 4294967296 + (second >>> 0);
}

/** Of each lane. */
const SEEDS: Readonly<Record<'a' | 'b' | 'c' | 'd', number>> = {
  a: 0x9747b28c | 0,
  b: 0x3c6ef372,
  c: 0x1b56c4e9,
  d: 0x7f4a7c15,
};

const scratch = new Int32Array(4);

function mixed(hash: number, product: number): number {
  const block = Math.imul((product << 15) | (product >>> 17), 0x1b873593);
  const next = hash ^ block;
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}

function finished(hash: number): number {
  let next = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  next = Math.imul(next ^ (next >>> 13), 0xc2b2ae35);
  return next ^ (next >>> 16);
}
