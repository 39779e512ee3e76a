import type { Random } from '../base/random.ts';

/**
 * Random shapes from + − × ÷ and square root only: V8's `exp` and `ln` are not promised to agree
 * between versions, and the same seed must give the same bytes on every machine.
 */

/** An unsigned 32-bit number that belongs to (seed, index, salt) for ever: attributes need no memory. */
export function mix(seed: number, index: number, salt: number): number {
  let hash = Math.imul(index ^ Math.imul(salt + 1, 0x9e3779b1), 0x85ebca6b) ^ seed;
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x7feb352d);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x846ca68b) ^ Math.imul(index, 0x27d4eb2f);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 13;
  return hash >>> 0;
}

/** The same as a double in [0, 1). */
export function mixUnit(seed: number, index: number, salt: number): number {
  return mix(seed, index, salt) / 4294967296;
}

/** Nearly normal, mean 0, deviation 1, within ±3.5: four uniforms (Irwin–Hall). */
export function normalOf(random: Random): number {
  return (random.next() + random.next() + random.next() + random.next() - 2) * 1.7320508075688772;
}

/** Log-normal with the given median; `sigma` is the deviation of the logarithm. */
export function logNormalOf(random: Random, median: number, sigma: number): number {
  return median * exponential(sigma * normalOf(random));
}

/** e^x for |x| ≤ 20 to about 1e-12: squarings of a Taylor series around 0. */
export function exponential(x: number): number {
  const small = x / 64;
  let term = 1;
  let sum = 1;
  for (let order = 1; order <= 9; order += 1) {
    term *= small / order;
    sum += term;
  }
  for (let square = 0; square < 6; square += 1) sum *= sum;
  return sum;
}

/** The index of a table of weights that a number in [0, total) falls into. */
export function weightedIndex(weights: readonly number[], at: number): number {
  let rest = at;
  for (let index = 0; index < weights.length; index += 1) {
    rest -= weights[index] ?? 0;
    if (rest < 0) return index;
  }
  return weights.length - 1;
}
