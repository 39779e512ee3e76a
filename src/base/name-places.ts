import { assert } from './assert.ts';
import { hash128 } from './hash128.ts';
import { IdTable } from './id-table.ts';

/**
 * Places of texts, for millions of them: 28 bytes each outside of the heap, where a Map takes 130 and ends with a
 * RangeError at 2^24 entries. Texts are hashed and not kept.
 */
export interface NamePlaces {
  /** Different texts that were put. */
  readonly count: number;
  /** The place of a text; −1 where it was not put. */
  find(text: string): number;
  /** Puts a text at a place that no other has; of two places of one text the last counts. */
  put(text: string, place: number): void;
}

/** @param capacity places, from 0: at least as many as are put. */
export function namePlaces(capacity: number): NamePlaces {
  const table = new IdTable(Math.max(1, capacity));
  const name = new Int32Array(4);
  const find = (text: string): number => {
    hash128(text, name);
    return table.find(name);
  };
  return {
    get count() {
      return table.count;
    },
    find,
    put(text, place) {
      assert(place < capacity, 'a place lies within the capacity');
      const before = find(text);
      if (before >= 0) table.remove(before);
      table.put(place, name);
    },
  };
}
