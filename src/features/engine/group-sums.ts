/** Numbers that sum one column of some events exactly, as they lie in tiles and in pages of cold events. */

/**
 * Offsets of a group: count, sum as `high · 2^48 + low`, sum of squares as three digits to the base 2^40
 * (the highest without bound), extremes.
 */
export const GROUP = { count: 0, sumLow: 1, sumHigh: 2, square0: 3, square1: 4, square2: 5, max: 6, min: 7 } as const;
/** Numbers of a group. */
export const GROUP_STRIDE = 8;

/** Sums are kept as `high · 2^48 + low`, so that they stay exact up to 2^101. */
export const SUM_SPLIT = 2 ** 48;
const SQUARE_SPLIT = 2 ** 40;

/** Makes a group that of no events. */
export function emptyGroup(numbers: Float64Array, at: number): void {
  numbers.fill(0, at, at + GROUP_STRIDE);
  numbers[at + GROUP.max] = -Infinity;
  numbers[at + GROUP.min] = Infinity;
}

/** Adds a value to a group; NaN is none. */
export function addToGroup(numbers: Float64Array, at: number, value: number): void {
  if (Number.isNaN(value)) return;
  numbers[at] = (numbers[at] as number) + 1;
  // Cut before it is added: of two numbers of 53 bits the sum would be rounded.
  const high = Math.floor(value / SUM_SPLIT);
  const low = (numbers[at + GROUP.sumLow] as number) + (value - high * SUM_SPLIT);
  const carry = Math.floor(low / SUM_SPLIT);
  numbers[at + GROUP.sumLow] = low - carry * SUM_SPLIT;
  numbers[at + GROUP.sumHigh] = (numbers[at + GROUP.sumHigh] as number) + high + carry;
  if (value > (numbers[at + GROUP.max] as number)) numbers[at + GROUP.max] = value;
  if (value < (numbers[at + GROUP.min] as number)) numbers[at + GROUP.min] = value;
  addSquare(numbers, at, Math.abs(value));
}

/** Takes a value out of a group's count and sum, which it was added to; squares and extremes stay. NaN is none. */
export function takeFromGroup(numbers: Float64Array, at: number, value: number): void {
  if (Number.isNaN(value)) return;
  numbers[at] = (numbers[at] as number) - 1;
  const high = Math.floor(value / SUM_SPLIT);
  const low = (numbers[at + GROUP.sumLow] as number) - (value - high * SUM_SPLIT);
  const carry = Math.floor(low / SUM_SPLIT);
  numbers[at + GROUP.sumLow] = low - carry * SUM_SPLIT;
  numbers[at + GROUP.sumHigh] = (numbers[at + GROUP.sumHigh] as number) - high + carry;
}

/**
 * x² = h²·2^52 + 2hl·2^26 + l² for x = h·2^26 + l below 2^53: each part is exact in a double, and goes to
 * the digits that it belongs to. The script in Redis does the same, step by step.
 */
function addSquare(numbers: Float64Array, at: number, value: number): void {
  const h = Math.floor(value / 2 ** 26);
  const l = value - h * 2 ** 26;
  addDigits(numbers, at, l * l, 0);
  if (h === 0) return;
  // 2hl·2^26 = hl·2^27.
  const cross = h * l;
  const crossHigh = Math.floor(cross / 2 ** 13);
  addDigits(numbers, at, (cross - crossHigh * 2 ** 13) * 2 ** 27, 0);
  addDigits(numbers, at, crossHigh, 1);
  // h² = high·2^28 + low, from h = a·2^14 + b; h²·2^52 = high·2^80 + low·2^12·2^40.
  const a = Math.floor(h / 2 ** 14);
  const b = h - a * 2 ** 14;
  const middle = 2 * a * b;
  const middleHigh = Math.floor(middle / 2 ** 14);
  const low = (middle - middleHigh * 2 ** 14) * 2 ** 14 + b * b;
  const lowHigh = Math.floor(low / 2 ** 28);
  addDigits(numbers, at, (low - lowHigh * 2 ** 28) * 2 ** 12, 1);
  addDigits(numbers, at, a * a + middleHigh + lowHigh, 2);
}

/** Adds a whole number below 2^53 at a digit, and carries. */
function addDigits(numbers: Float64Array, at: number, value: number, digit: number): void {
  let carry = value;
  for (let place = digit; place < 2 && carry > 0; place += 1) {
    const slot = at + GROUP.square0 + place;
    const high = Math.floor(carry / SQUARE_SPLIT);
    const sum = (numbers[slot] as number) + (carry - high * SQUARE_SPLIT);
    const over = sum >= SQUARE_SPLIT ? 1 : 0;
    numbers[slot] = sum - over * SQUARE_SPLIT;
    carry = high + over;
  }
  numbers[at + GROUP.square2] = (numbers[at + GROUP.square2] as number) + carry;
}

/** A group's sum of squares. */
export function squaresOf(numbers: Float64Array, at: number): bigint {
  const digit = (place: number): bigint => BigInt(numbers[at + GROUP.square0 + place] as number);
  return (digit(2) * BigInt(SQUARE_SPLIT) + digit(1)) * BigInt(SQUARE_SPLIT) + digit(0);
}

/** Adds a group to another one. */
export function mergeGroup(into: Float64Array, at: number, from: Float64Array, source: number): void {
  const count = from[source] as number;
  if (count === 0) return;
  into[at] = (into[at] as number) + count;
  const low = (into[at + GROUP.sumLow] as number) + (from[source + GROUP.sumLow] as number);
  const carry = low >= SUM_SPLIT ? 1 : 0;
  into[at + GROUP.sumLow] = low - carry * SUM_SPLIT;
  into[at + GROUP.sumHigh] = (into[at + GROUP.sumHigh] as number) + (from[source + GROUP.sumHigh] as number) + carry;
  if ((from[source + GROUP.max] as number) > (into[at + GROUP.max] as number))
    into[at + GROUP.max] = from[source + GROUP.max] as number;
  if ((from[source + GROUP.min] as number) < (into[at + GROUP.min] as number))
    into[at + GROUP.min] = from[source + GROUP.min] as number;
  let over = 0;
  for (let place = GROUP.square0; place < GROUP.square2; place += 1) {
    const sum = (into[at + place] as number) + (from[source + place] as number) + over;
    over = sum >= SQUARE_SPLIT ? 1 : 0;
    into[at + place] = sum - over * SQUARE_SPLIT;
  }
  into[at + GROUP.square2] = (into[at + GROUP.square2] as number) + (from[source + GROUP.square2] as number) + over;
}
