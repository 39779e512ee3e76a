/**
 * Tells values apart: how many there are, and which comes most often. A table of twice the slots,
 * emptied by a new generation and not by writing.
 */
export class ValueTally {
  readonly #keys: Float64Array;
  readonly #generations: Uint32Array;
  readonly #counts: Int32Array;
  readonly #mask: number;
  #generation = 0;

  /** @param room the most values of one call. */
  constructor(room: number) {
    const slots = 2 ** Math.ceil(Math.log2(room * 2));
    this.#keys = new Float64Array(slots);
    this.#generations = new Uint32Array(slots);
    this.#counts = new Int32Array(slots);
    this.#mask = slots - 1;
  }

  /** How many of the values from `from` to below `to` differ. */
  distinct(values: Float64Array, from: number, to: number): number {
    this.#clear();
    let distinct = 0;
    for (let at = from; at < to; at += 1) if (this.#add(values[at] as number) === 1) distinct += 1;
    return distinct;
  }

  /** The value that comes most often; of several the one whose last comes last. There is at least one. */
  top(values: Float64Array, from: number, to: number): number {
    this.#clear();
    let most = 0;
    for (let at = from; at < to; at += 1) most = Math.max(most, this.#add(values[at] as number));
    let at = to - 1;
    while (this.#countOf(values[at] as number) < most) at -= 1;
    return values[at] as number;
  }

  #clear(): void {
    this.#generation += 1;
    if (this.#generation < 0xffffffff) return;
    this.#generations.fill(0);
    this.#generation = 1;
  }

  #add(value: number): number {
    const slot = this.#find(value);
    if (this.#generations[slot] !== this.#generation) {
      this.#generations[slot] = this.#generation;
      this.#keys[slot] = value;
      this.#counts[slot] = 0;
    }
    this.#counts[slot] = (this.#counts[slot] as number) + 1;
    return this.#counts[slot] as number;
  }

  #countOf(value: number): number {
    return this.#counts[this.#find(value)] as number;
  }

  /** The value's slot, or the free one where it would go. */
  #find(value: number): number {
    let slot = (Math.imul(value | 0, 0x9e3779b1) >>> 16) & this.#mask;
    while (this.#generations[slot] === this.#generation && this.#keys[slot] !== value) slot = (slot + 1) & this.#mask;
    return slot;
  }
}
