/*
 * A container is a set of 16-bit integers: one chunk of a roaring bitmap (RoaringFormatSpec,
 * "Container type"). It takes the smallest of three forms; all are immutable, so that sets share them.
 */

/** A set of 16-bit integers that is not empty. */
export type Container = ArrayContainer | BitmapContainer | RunContainer;

/** At most {@link ARRAY_LIMIT} integers, ascending. */
interface ArrayContainer {
  readonly kind: 'array';
  readonly values: Uint16Array;
}

/** One bit an integer, the lowest of the first word first. */
interface BitmapContainer {
  readonly kind: 'bitmap';
  readonly words: Uint32Array;
  readonly cardinality: number;
}

/** Ascending runs as pairs: the first integer, and how many follow it. */
interface RunContainer {
  readonly kind: 'run';
  readonly runs: Uint16Array;
  readonly cardinality: number;
}

/** Above this an array of 16-bit integers is larger than the bitmap (RoaringFormatSpec, "Container type"). */
export const ARRAY_LIMIT = 4096;

/** 32-bit words of a bitmap. */
export const BITMAP_WORDS = 2048;

/** How many integers there can be. */
export const CHUNK_SIZE = 65_536;

/** One bit an integer; `words` are {@link BITMAP_WORDS} words. */
export function setBit(words: Uint32Array, value: number): void {
  words[value >>> 5] = (words[value >>> 5] ?? 0) | (1 << (value & 31));
}

/** How many integers a container holds. */
export function cardinalityOf(container: Container): number {
  return container.kind === 'array' ? container.values.length : container.cardinality;
}

/** Whether a container holds an integer. */
export function containerHas(container: Container, value: number): boolean {
  switch (container.kind) {
    case 'array': {
      const at = lastAtMost(container.values, 1, value);
      return at >= 0 && container.values[at] === value;
    }
    case 'bitmap':
      return ((container.words[value >>> 5] ?? 0) & (1 << (value & 31))) !== 0;
    case 'run': {
      const at = lastAtMost(container.runs, 2, value);
      return at >= 0 && value - (container.runs[2 * at] ?? 0) <= (container.runs[2 * at + 1] ?? 0);
    }
  }
}

/** The index of the last of ascending entries, `stride` apart, that is no greater than `value`; −1 if none is. */
function lastAtMost(entries: Uint16Array, stride: 1 | 2, value: number): number {
  let low = 0;
  let high = entries.length / stride;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle * stride] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The integers, ascending. */
export function containerValues(container: Container): Uint16Array {
  switch (container.kind) {
    case 'array':
      return container.values;
    case 'bitmap':
      return valuesOfWords(container.words, container.cardinality);
    case 'run': {
      const values = new Uint16Array(container.cardinality);
      let at = 0;
      for (let run = 0; run < container.runs.length; run += 2) {
        const first = container.runs[run] ?? 0;
        const last = first + (container.runs[run + 1] ?? 0);
        for (let value = first; value <= last; value += 1) values[at++] = value;
      }
      return values;
    }
  }
}

/** The integers whose bits are set, which are `cardinality`. */
export function valuesOfWords(words: Uint32Array, cardinality: number): Uint16Array {
  const values = new Uint16Array(cardinality);
  let at = 0;
  for (let index = 0; index < BITMAP_WORDS; index += 1) {
    let word = words[index] ?? 0;
    while (word !== 0) {
      values[at++] = 32 * index + 31 - Math.clz32(word & -word);
      word &= word - 1;
    }
  }
  return values;
}
