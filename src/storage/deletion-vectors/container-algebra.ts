import { ARRAY_LIMIT, BITMAP_WORDS, CHUNK_SIZE, type Container, setBit, valuesOfWords } from './container.ts';

/*
 * Union, difference and the choice of the smallest form all go through 65,536 bits: 8 KiB that stay
 * in the first cache, tens of microseconds a chunk whatever the forms are. Chunks that only one of
 * two sets has never come here, and a data file of 100 million rows has 1,526.
 */

/** The integers of both. */
export function unionOf(left: Container, right: Container): Container {
  const words = wordsOf(left);
  const more = wordsOf(right);
  for (let at = 0; at < BITMAP_WORDS; at += 1) words[at] = (words[at] ?? 0) | (more[at] ?? 0);
  return smallestForm(words) ?? left;
}

/** The integers of `left` that are not in `right`; undefined when none is left. */
export function differenceOf(left: Container, right: Container): Container | undefined {
  const words = wordsOf(left);
  const less = wordsOf(right);
  for (let at = 0; at < BITMAP_WORDS; at += 1) words[at] = (words[at] ?? 0) & ~(less[at] ?? 0);
  return smallestForm(words);
}

/** The same set in its smallest form; equal sets have equal smallest forms. */
export function compact(container: Container): Container {
  return smallestForm(wordsOf(container)) ?? container;
}

/** The bits of a container, in words that are the caller's. */
function wordsOf(container: Container): Uint32Array {
  if (container.kind === 'bitmap') return container.words.slice();
  const words = new Uint32Array(BITMAP_WORDS);
  if (container.kind === 'array') {
    for (const value of container.values) setBit(words, value);
    return words;
  }
  const { runs } = container;
  for (let at = 0; at < runs.length; at += 2) {
    const first = runs[at] ?? 0;
    setBits(words, first, first + (runs[at + 1] ?? 0));
  }
  return words;
}

/** Sets the bits of `first` to `last`, whole words at once. */
function setBits(words: Uint32Array, first: number, last: number): void {
  const end = last >>> 5;
  for (let at = first >>> 5; at <= end; at += 1) {
    const from = at === first >>> 5 ? -1 << (first & 31) : -1;
    const to = at === end ? -1 >>> (31 - (last & 31)) : -1;
    words[at] = (words[at] ?? 0) | (from & to);
  }
}

/**
 * The smallest form of the set whose bits `words` are, or undefined when no bit is set. Java's and
 * C's writers choose the same. The words become the container's.
 */
export function smallestForm(words: Uint32Array): Container | undefined {
  let cardinality = 0;
  let runs = 0;
  let carry = 0;
  for (let at = 0; at < BITMAP_WORDS; at += 1) {
    const word = words[at] ?? 0;
    cardinality += bitsOf(word);
    // A run starts at each bit whose lower neighbour is not set.
    runs += bitsOf(word & ~((word << 1) | carry));
    carry = word >>> 31;
  }
  if (cardinality === 0) return undefined;
  const plainBytes = cardinality <= ARRAY_LIMIT ? 2 * cardinality : 4 * BITMAP_WORDS;
  if (2 + 4 * runs < plainBytes) return { kind: 'run', runs: runsOfWords(words, runs), cardinality };
  if (cardinality <= ARRAY_LIMIT) return { kind: 'array', values: valuesOfWords(words, cardinality) };
  return { kind: 'bitmap', words, cardinality };
}

function runsOfWords(words: Uint32Array, count: number): Uint16Array {
  const runs = new Uint16Array(2 * count);
  let at = 0;
  let first = -1;
  let carry = 0;
  for (let index = 0; index < BITMAP_WORDS; index += 1) {
    const word = words[index] ?? 0;
    // A bit that differs from its lower neighbour starts a run or follows the end of one.
    for (let edges = word ^ ((word << 1) | carry); edges !== 0; edges &= edges - 1) {
      const value = 32 * index + 31 - Math.clz32(edges & -edges);
      if (first === -1) first = value;
      else {
        runs[at] = first;
        runs[at + 1] = value - first - 1;
        at += 2;
        first = -1;
      }
    }
    carry = word >>> 31;
  }
  if (first !== -1) {
    runs[at] = first;
    runs[at + 1] = CHUNK_SIZE - first - 1;
  }
  return runs;
}

/** How many bits of a word are set. */
export function bitsOf(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
