import { PackedBuilder, type PackedColumn } from './packed-column.ts';

/** So full a table may be: half leaves chains of one or two, and takes 8 to 16 bytes a text. */
const FULL = 0.5;

/**
 * Numbers millions of texts from 0, as they are first seen. Each is held once, as bytes, and found by an open-addressing
 * table of their numbers: 12 to 20 bytes a text beside its own, where a map of strings takes 100; 0.2 µs a text that is known.
 */
export class TextNumbers {
  readonly #texts: PackedBuilder;
  /** 1 + the number, at the lowest bits of its text's hash or behind; 0 where there is none. */
  #table: Int32Array;
  #count = 0;

  /** @param expected different texts. */
  constructor(expected: number) {
    this.#texts = new PackedBuilder(expected);
    this.#table = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(1, expected) / FULL)));
  }

  /** How many different texts there are. */
  get count(): number {
    return this.#count;
  }

  /** The number of a text, the next one if it was not seen before. */
  numberOf(text: string): number {
    this.#texts.push(text);
    const last = this.#count;
    const place = this.#placeOf(last);
    const known = (this.#table[place] as number) - 1;
    if (known >= 0) {
      this.#texts.pop();
      return known;
    }
    this.#count += 1;
    this.#table[place] = this.#count;
    if (this.#count > this.#table.length * FULL) this.#grow();
    return last;
  }

  /** The texts, by their numbers; nothing is numbered any more. */
  take(): PackedColumn {
    this.#table = new Int32Array(0);
    return this.#texts.take();
  }

  /** Where a text is in the table, or where it belongs. */
  #placeOf(number: number): number {
    const table = this.#table;
    const mask = table.length - 1;
    let place = this.#texts.hashAt(number) & mask;
    while (table[place] !== 0 && !this.#texts.areEqual((table[place] as number) - 1, number))
      place = (place + 1) & mask;
    return place;
  }

  #grow(): void {
    this.#table = new Int32Array(this.#table.length * 2);
    const mask = this.#table.length - 1;
    for (let number = 0; number < this.#count; number += 1) {
      let place = this.#texts.hashAt(number) & mask;
      while (this.#table[place] !== 0) place = (place + 1) & mask;
      this.#table[place] = number + 1;
    }
  }
}
