import { assert } from '../../base/assert.ts';

/*
 * Aggregates that do not grow with their events, exact in their own definition: integers until the
 * last division, so that every engine gives the same bits.
 */

/** Registers of an approximate distinct count: 2^12, a standard error of 1.6 %. */
export const REGISTERS = 4096;
/** Buckets of an approximate quantile: 16 a power of two, up to 2^53. */
export const BUCKETS = 16 * 50;

/**
 * The bucket of an integer from 0 to 2^53 − 1: below 16 each has its own, above that a power of two
 * is cut into 16 parts, so that a bucket is at most 6.25 % wide. Negative numbers are in the first.
 */
export function amountBucket(value: number): number {
  if (Number.isNaN(value)) return Number.NaN;
  if (value < 16) return Math.max(0, value);
  let power = 0;
  let rest = value;
  while (rest >= 32) {
    rest = Math.floor(rest / 2);
    power += 1;
  }
  return 16 * power + rest;
}

/** The smallest value of a bucket: what an approximate quantile gives. */
export function bucketFloor(bucket: number): number {
  if (bucket < 32) return bucket;
  const power = Math.floor(bucket / 16) - 1;
  return (16 + (bucket % 16)) * 2 ** power;
}

/** Bucket of the value of rank ⌈n·num/den⌉ of a histogram of n > 0 values. */
export function quantileBucket(counts: Float64Array, n: number, numerator: number, denominator: number): number {
  const rank = rankOf(n, numerator, denominator);
  let bucket = 0;
  let seen = counts[0] as number;
  while (seen < rank) {
    bucket += 1;
    assert(bucket < counts.length, 'a histogram holds the values that it counts');
    seen += counts[bucket] as number;
  }
  return bucket;
}

/** Nearest rank, ⌈n·num/den⌉ and at least 1, in integers. */
export function rankOf(n: number, numerator: number, denominator: number): number {
  return Math.max(1, Math.ceil((n * numerator) / denominator));
}

/**
 * Register and rank of a value's token, as `register·64 + rank`: of its 53 bits the lowest 12 say the register, the
 * place of the first one of the others the rank, 1 to 42. NaN of no value.
 */
export function registerOf(token: number): number {
  if (Number.isNaN(token)) return Number.NaN;
  const register = token % REGISTERS;
  let rest = Math.floor(token / REGISTERS);
  let rank = 1;
  while (rank < 42 && rest % 2 === 0) {
    rest = Math.floor(rest / 2);
    rank += 1;
  }
  return register * 64 + rank;
}

/**
 * The estimate of HyperLogLog (Flajolet et al., 2007) from its registers, as an integer: the harmonic
 * sum is an exact integer over 2^42, so only the last division rounds. Where registers are empty and
 * the estimate is below 2.5·2^12, linear counting: `m·ln(m/empty)`, from a table that is made once.
 */
export function distinctEstimate(registers: Uint8Array): number {
  let empty = 0;
  for (let at = 0; at < 43; at += 1) RANKS[at] = 0;
  for (let at = 0; at < REGISTERS; at += 1) {
    const rank = registers[at] as number;
    RANKS[rank] = (RANKS[rank] as number) + 1;
  }
  empty = RANKS[0] as number;
  // Σ counts·2^(42 − rank) is at most 2^54: the two largest terms are kept apart to stay exact.
  let low = 0;
  for (let rank = 2; rank < 43; rank += 1) low += (RANKS[rank] as number) * 2 ** (42 - rank);
  const sum = BigInt(empty) * 2n ** 42n + BigInt(RANKS[1] as number) * 2n ** 41n + BigInt(low);
  // α·m² with α = 0.7213/(1 + 1.079/m), as a fraction of integers.
  const numerator = 7213n * BigInt(REGISTERS) ** 3n * 2n ** 42n * 1000n;
  const denominator = 10n * (1000n * BigInt(REGISTERS) + 1079n) * 1000n * sum;
  const raw = Number((2n * numerator + denominator) / (2n * denominator));
  return empty > 0 && raw <= 2.5 * REGISTERS ? (linearCounts()[empty] as number) : raw;
}

const RANKS = new Float64Array(64);
let linear: Float64Array | undefined;

/** m·ln(m/empty), rounded, by `empty`: ln(m/e) = Σ over e < i ≤ m of ln(i/(i − 1)), each by its series in integers. */
function linearCounts(): Float64Array {
  if (linear !== undefined) return linear;
  const counts = new Float64Array(REGISTERS + 1);
  const scale = 2n ** 96n;
  let sum = 0n;
  for (let empty = REGISTERS; empty >= 1; empty -= 1) {
    counts[empty] = Number((2n * BigInt(REGISTERS) * sum + scale) / (2n * scale));
    if (empty > 1) sum += lnOfStep(BigInt(empty), scale);
  }
  linear = counts;
  return counts;
}

/** ln(i/(i − 1)) = 2·artanh(1/(2i − 1)), times `scale`. */
function lnOfStep(i: bigint, scale: bigint): bigint {
  const x = 2n * i - 1n;
  let power = scale / x;
  let sum = 0n;
  for (let odd = 1n; power > 0n; odd += 2n) {
    sum += power / odd;
    power /= x * x;
  }
  return 2n * sum;
}

/**
 * Weights of decay by age in whole hops: 2^30·2^(−age·hop/halfLife), rounded. Made of square roots and
 * products alone, which every engine rounds alike; ends where a weight is 0.
 */
export function decayWeights(hopMicros: number, halfLifeMicros: number, most: number): Float64Array {
  const weights = new Float64Array(most);
  for (let age = 0; age < most; age += 1) {
    weights[age] = Math.floor(halving((age * hopMicros) / halfLifeMicros) * 2 ** 30 + 0.5);
  }
  return weights;
}

/** 2^(−x) for x ≥ 0: whole halvings, and a root for each binary digit of the rest. */
function halving(x: number): number {
  const whole = Math.floor(x);
  if (whole > 40) return 0;
  let rest = x - whole;
  let value = 1 / 2 ** whole;
  let root = 0.5;
  for (let digit = 0; digit < 52 && rest > 0; digit += 1) {
    root = Math.sqrt(root);
    rest *= 2;
    if (rest < 1) continue;
    rest -= 1;
    value *= root;
  }
  return value;
}
