/**
 * Finds the rows of a growing list by their keys, without keeping the keys: a table of rows by a
 * hash, whose candidates the caller confirms. 12 bytes a row.
 *
 * Open addressing with linear probing; a slot holds 1 + its row. Rows are never taken out.
 */
export class KeyIndex {
  #slots = new Int32Array(1024);
  #hashes = new Int32Array(512);
  #count = 0;

  /** Rows that were added. */
  get count(): number {
    return this.#count;
  }

  /** Adds the next row. */
  add(hash: number): void {
    if (this.#count === this.#hashes.length) this.#grow(this.#count * 2);
    this.#hashes[this.#count] = hash;
    this.#place(this.#count, hash);
    this.#count += 1;
  }

  /** Makes room for so many rows at once; at least twice the room that there was, so that many small calls stay cheap. */
  reserve(rows: number): void {
    if (rows > this.#hashes.length) this.#grow(Math.max(rows, this.#hashes.length * 2));
  }

  /** The newest row of a hash that `isIt` confirms; −1 where there is none. */
  findLast(hash: number, isIt: (row: number) => boolean): number {
    const mask = this.#slots.length - 1;
    let found = -1;
    for (let slot = mixed(hash) & mask; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const row = (this.#slots[slot] as number) - 1;
      if (row > found && this.#hashes[row] === hash && isIt(row)) found = row;
    }
    return found;
  }

  #place(row: number, hash: number): void {
    const mask = this.#slots.length - 1;
    let slot = mixed(hash) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = row + 1;
  }

  #grow(rows: number): void {
    const hashes = new Int32Array(rows);
    hashes.set(this.#hashes.subarray(0, this.#count));
    this.#hashes = hashes;
    // At most half of the slots are taken.
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(rows * 2)));
    for (let row = 0; row < this.#count; row += 1) this.#place(row, hashes[row] as number);
  }
}

/** The hash of a key's UTF-8 bytes: MurmurHash3's mixing, four bytes at a time. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x2f0b4f35;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    hash = stirred(hash, word);
  }
  for (; at < end; at += 1) hash = stirred(hash, bytes[at] as number);
  return hash ^ (end - start);
}

function stirred(hash: number, word: number): number {
  const product = Math.imul(word, 0xcc9e2d51);
  const block = Math.imul((product << 15) | (product >>> 17), 0x1b873593);
  const next = hash ^ block;
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}

function mixed(hash: number): number {
  const next = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (next ^ (next >>> 13)) >>> 0;
}
