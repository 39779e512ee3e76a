import {
  ARRAY_LIMIT,
  BITMAP_WORDS,
  CHUNK_SIZE,
  type Container,
  cardinalityOf,
  containerHas,
  containerValues,
  setBit,
} from './container.ts';
import { differenceOf, smallestForm, unionOf } from './container-algebra.ts';

/** Rows of one chunk: those from `key` · 65,536 on. */
export interface Chunk {
  readonly key: number;
  readonly container: Container;
}

/**
 * A set of rows of one file, by their indexes from 0 (PROTOCOL.md, "Deletion Vector Format"): a
 * roaring bitmap. It never changes; sets made from others share their chunks.
 */
export class RowSet implements Iterable<number> {
  /** The set of no rows. */
  static readonly EMPTY: RowSet = new RowSet([]);

  /** Chunks by ascending key, none empty. */
  readonly chunks: readonly Chunk[];
  /** How many rows there are. */
  readonly cardinality: number;

  /** @param chunks by ascending key; for the codec, others use {@link RowSet.from}. */
  constructor(chunks: readonly Chunk[]) {
    this.chunks = chunks;
    this.cardinality = chunks.reduce((sum, { container }) => sum + cardinalityOf(container), 0);
  }

  /**
   * The set of row indexes in any order, repeated or not; ascending ones are fastest. Each is an
   * integer of 0 to 2^53 − 1.
   */
  static from(rows: Iterable<number>): RowSet {
    const drafts = new Map<number, Draft>();
    let key = -1;
    let draft: Draft | undefined;
    for (const row of rows) {
      // Not `assert`, whose message is made for every row: 10 instead of 20 million rows a second.
      if (!Number.isSafeInteger(row) || row < 0) throw new Error(`no row index: ${row}`);
      const rowKey = Math.floor(row / CHUNK_SIZE);
      if (rowKey !== key || draft === undefined) {
        key = rowKey;
        draft = drafts.get(key) ?? new Draft();
        drafts.set(key, draft);
      }
      // The lowest 16 bits, of numbers of more than 32 bits too.
      draft.add(row & 0xffff);
    }
    const chunks: Chunk[] = [];
    for (const [chunkKey, { container }] of [...drafts].sort(([left], [right]) => left - right)) {
      if (container !== undefined) chunks.push({ key: chunkKey, container });
    }
    return new RowSet(chunks);
  }

  /** The greatest row index; undefined in the empty set. */
  get last(): number | undefined {
    const chunk = this.chunks.at(-1);
    const low = chunk && containerValues(chunk.container).at(-1);
    return chunk === undefined || low === undefined ? undefined : chunk.key * CHUNK_SIZE + low;
  }

  /** Whether a row is in the set. */
  has(row: number): boolean {
    const chunk = this.#chunk(Math.floor(row / CHUNK_SIZE));
    return chunk !== undefined && containerHas(chunk.container, row & 0xffff);
  }

  /** The rows, ascending. Holds 128 KiB at a time, however many there are. */
  *[Symbol.iterator](): IterableIterator<number> {
    for (const { key, container } of this.chunks) {
      const base = key * CHUNK_SIZE;
      for (const low of containerValues(container)) yield base + low;
    }
  }

  /** Rows of either set. */
  union(other: RowSet): RowSet {
    return new RowSet(merged(this.chunks, other.chunks));
  }

  /** Rows of this set that the other does not have. */
  difference(other: RowSet): RowSet {
    const chunks: Chunk[] = [];
    for (const chunk of this.chunks) {
      const against = other.#chunk(chunk.key);
      const container = against === undefined ? chunk.container : differenceOf(chunk.container, against.container);
      if (container !== undefined) chunks.push({ key: chunk.key, container });
    }
    return new RowSet(chunks);
  }

  /** Whether the sets hold the same rows. */
  equals(other: RowSet): boolean {
    return this.cardinality === other.cardinality && this.difference(other).cardinality === 0;
  }

  #chunk(key: number): Chunk | undefined {
    let low = 0;
    let high = this.chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.chunks[middle]?.key ?? 0) < key) low = middle + 1;
      else high = middle;
    }
    const found = this.chunks[low];
    return found?.key === key ? found : undefined;
  }
}

/** The chunks of both sides, each by ascending key. */
function merged(left: readonly Chunk[], right: readonly Chunk[]): Chunk[] {
  const chunks: Chunk[] = [];
  let at = 0;
  for (const chunk of left) {
    for (let other = right[at]; other !== undefined && other.key < chunk.key; other = right[at]) {
      chunks.push(other);
      at += 1;
    }
    const same = right[at];
    if (same?.key === chunk.key) {
      chunks.push({ key: chunk.key, container: unionOf(chunk.container, same.container) });
      at += 1;
    } else chunks.push(chunk);
  }
  return chunks.concat(right.slice(at));
}

/** A chunk that is being filled: a list while it is short, so that scattered rows cost no bitmaps. */
class Draft {
  #values: number[] = [];
  #words: Uint32Array | undefined;

  add(value: number): void {
    if (this.#words !== undefined) {
      setBit(this.#words, value);
      return;
    }
    this.#values.push(value);
    if (this.#values.length <= ARRAY_LIMIT) return;
    this.#words = new Uint32Array(BITMAP_WORDS);
    for (const earlier of this.#values) setBit(this.#words, earlier);
    this.#values = [];
  }

  get container(): Container | undefined {
    if (this.#words !== undefined) return smallestForm(this.#words);
    const words = new Uint32Array(BITMAP_WORDS);
    for (const value of this.#values) setBit(words, value);
    return smallestForm(words);
  }
}
