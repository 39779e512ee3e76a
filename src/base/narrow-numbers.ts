/** Numbers by row in as few bytes as they take. */
export type NumberArray = Int8Array | Int16Array | Int32Array | Float64Array;

/** By bytes: the least of each kind of whole numbers stands for "none". */
const NONE = { 1: -128, 2: -32_768, 4: -2_147_483_648 } as const;

/**
 * Gathers numbers, NaN where there is none, in one, two, four or eight bytes each, as the widest of them takes: most
 * columns of payments are flags, small counts and days.
 */
export class NarrowNumbers {
  #values: NumberArray;
  #length = 0;

  /** @param expected rows, so that memory is taken once. */
  constructor(expected: number) {
    this.#values = new Int8Array(Math.max(1, expected));
  }

  get length(): number {
    return this.#length;
  }

  push(values: Float64Array): void {
    const bytes = Math.max(widthOf(values), this.#values.BYTES_PER_ELEMENT);
    const least = this.#length + values.length;
    const size = this.#values.length;
    if (bytes > this.#values.BYTES_PER_ELEMENT || least > size) {
      this.#values = this.#copied(bytes, least > size ? Math.max(least, size * 2) : size);
    }
    put(this.#values, this.#length, values);
    this.#length = least;
  }

  /** The number of a row; NaN where there is none. */
  at(row: number): number {
    const value = this.#values[row] as number;
    return value === noneOf(this.#values) ? Number.NaN : value;
  }

  /** All of them, NaN where there is none; they are held in this form from now on. */
  doubles(): Float64Array {
    const values = this.#trimmed(8);
    this.#values = values;
    return values as Float64Array;
  }

  /** All of them, 0 where there is none; nothing else is asked any more. */
  zeroed(): NumberArray {
    const values = this.#trimmed(this.#values.BYTES_PER_ELEMENT);
    const none = noneOf(values);
    for (let row = 0; row < values.length; row += 1)
      if (values[row] === none || Number.isNaN(values[row])) values[row] = 0;
    return values;
  }

  #trimmed(bytes: number): NumberArray {
    const isExact = this.#values.length === this.#length && this.#values.BYTES_PER_ELEMENT === bytes;
    return isExact ? this.#values : this.#copied(bytes, this.#length);
  }

  #copied(bytes: number, size: number): NumberArray {
    const made = arrayOf(bytes, size);
    const [from, to] = [noneOf(this.#values), noneOf(made)];
    for (let row = 0; row < this.#length; row += 1) {
      const value = this.#values[row] as number;
      made[row] = value === from ? to : value;
    }
    return made;
  }
}

function arrayOf(bytes: number, size: number): NumberArray {
  switch (bytes) {
    case 1:
      return new Int8Array(size);
    case 2:
      return new Int16Array(size);
    case 4:
      return new Int32Array(size);
    default:
      // Shared, so that threads of a replay read them without a copy.
      return new Float64Array(new SharedArrayBuffer(size * Float64Array.BYTES_PER_ELEMENT));
  }
}

function noneOf(values: NumberArray): number {
  return values instanceof Float64Array ? Number.NaN : NONE[values.BYTES_PER_ELEMENT as 1 | 2 | 4];
}

function put(values: NumberArray, at: number, numbers: Float64Array): void {
  if (values instanceof Float64Array) {
    values.set(numbers, at);
    return;
  }
  const none = noneOf(values);
  for (let row = 0; row < numbers.length; row += 1) {
    const number = numbers[row] as number;
    values[at + row] = Number.isNaN(number) ? none : number;
  }
}

/** Bytes that the widest of some numbers takes. */
function widthOf(values: Float64Array): number {
  let most = 0;
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row] as number;
    if (Number.isNaN(value)) continue;
    // A whole number of 32 bits is itself after `| 0`, but for −0 and for the one that stands for none.
    if (value !== (value | 0) || Object.is(value, -0) || value === NONE[4]) return 8;
    most = Math.max(most, Math.abs(value));
  }
  return most <= 127 ? 1 : most <= 32_767 ? 2 : 4;
}
