import { assert } from './assert.ts';

/**
 * A table from 128-bit names to places, for millions of them on a hot path.
 *
 * It is linear hashing (Litwin, 1980): chains, and buckets that are split one at a time as names
 * come, so no insertion ever stops to move the whole table (an open-addressing table of 4 M names
 * takes 300 ms to double). Columns are made at their limit: the system gives memory to a page only
 * when it is first written, and because splitting goes from the front, so does the writing.
 */
export class IdTable {
  readonly capacity: number;
  /** Five numbers a place: the name's four lanes, and 1 + the next place of the chain. */
  readonly #entries: Int32Array;
  /** 1 + the first place of each bucket's chain. */
  readonly #buckets: Int32Array;
  #count = 0;
  #levelMask = 0;
  #split = 0;

  /** @param capacity places; names beyond it cannot be put. */
  constructor(capacity: number) {
    assert(capacity > 0 && capacity <= 2 ** 28, 'a table has 1 to 2^28 places');
    this.capacity = capacity;
    this.#entries = new Int32Array(capacity * 5);
    this.#buckets = new Int32Array(capacity * 2);
  }

  /** Names in the table. */
  get count(): number {
    return this.#count;
  }

  /** The place of a name, or −1. */
  find(name: Int32Array): number {
    const entries = this.#entries;
    const a = name[0] as number;
    let place = (this.#buckets[this.#bucketOf(a)] as number) - 1;
    while (place >= 0) {
      const at = place * 5;
      if (
        entries[at] === a &&
        entries[at + 1] === name[1] &&
        entries[at + 2] === name[2] &&
        entries[at + 3] === name[3]
      ) {
        return place;
      }
      place = (entries[at + 4] as number) - 1;
    }
    return -1;
  }

  /** Puts a name that is not in the table at a place that is free. */
  put(place: number, name: Int32Array): void {
    const at = place * 5;
    this.#entries[at] = name[0] as number;
    this.#entries[at + 1] = name[1] as number;
    this.#entries[at + 2] = name[2] as number;
    this.#entries[at + 3] = name[3] as number;
    this.#link(place);
    this.#count += 1;
    if (this.#count > this.#levelMask + this.#split) this.#splitOne();
  }

  /** Takes the name at a place out. */
  remove(place: number): void {
    const entries = this.#entries;
    const bucket = this.#bucketOf(entries[place * 5] as number);
    const next = entries[place * 5 + 4] as number;
    let before = (this.#buckets[bucket] as number) - 1;
    if (before === place) {
      this.#buckets[bucket] = next;
    } else {
      while ((entries[before * 5 + 4] as number) - 1 !== place) before = (entries[before * 5 + 4] as number) - 1;
      entries[before * 5 + 4] = next;
    }
    this.#count -= 1;
  }

  /** Copies the name at a place. */
  nameAt(place: number, out: Int32Array): void {
    for (let lane = 0; lane < 4; lane += 1) out[lane] = this.#entries[place * 5 + lane] as number;
  }

  /** Buckets are `levelMask + 1 + split`; those below `split` are told apart by one bit more. */
  #bucketOf(hash: number): number {
    const wide = this.#levelMask * 2 + 1;
    const bucket = hash & wide;
    return bucket > this.#levelMask + this.#split ? bucket & this.#levelMask : bucket;
  }

  #link(place: number): void {
    const bucket = this.#bucketOf(this.#entries[place * 5] as number);
    this.#entries[place * 5 + 4] = this.#buckets[bucket] as number;
    this.#buckets[bucket] = place + 1;
  }

  #splitOne(): void {
    const old = this.#split;
    if (this.#levelMask + 1 + old >= this.#buckets.length) return;
    let place = (this.#buckets[old] as number) - 1;
    this.#buckets[old] = 0;
    this.#split += 1;
    while (place >= 0) {
      const next = (this.#entries[place * 5 + 4] as number) - 1;
      this.#link(place);
      place = next;
    }
    if (this.#split > this.#levelMask) {
      this.#levelMask = this.#levelMask * 2 + 1;
      this.#split = 0;
    }
  }
}
