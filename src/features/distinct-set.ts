/**
 * Counts distinct counterparties of nested windows in one pass: for each counterparty the
 * shortest window that one of its events is in; the counts of longer windows are prefix sums.
 * Twice the slots of the largest bound; emptied by a new generation, not by writing.
 */
export class DistinctSet {
  readonly #keys: Float64Array;
  readonly #generations: Uint32Array;
  readonly #windows: Uint8Array;
  readonly #mask: number;
  #generation = 0;

  /** @param bound the most values between two calls of {@link clear}. */
  constructor(bound: number) {
    const slots = 2 ** Math.ceil(Math.log2(bound * 2));
    this.#keys = new Float64Array(slots);
    this.#generations = new Uint32Array(slots);
    this.#windows = new Uint8Array(slots);
    this.#mask = slots - 1;
  }

  /** Forgets every value. */
  clear(): void {
    this.#generation += 1;
    if (this.#generation === 0xffffffff) {
      this.#generations.fill(0);
      this.#generation = 1;
    }
  }

  /** Notes a value in a window, and moves its count in `counts` to the shortest window of its own. */
  add(value: number, window: number, counts: Float64Array): void {
    let slot = Math.imul(value | 0, 0x9e3779b1) >>> 16;
    for (;;) {
      slot &= this.#mask;
      if (this.#generations[slot] !== this.#generation) {
        this.#generations[slot] = this.#generation;
        this.#keys[slot] = value;
        this.#windows[slot] = window;
        counts[window] = (counts[window] as number) + 1;
        return;
      }
      if (this.#keys[slot] === value) {
        const before = this.#windows[slot] as number;
        if (window < before) {
          counts[before] = (counts[before] as number) - 1;
          counts[window] = (counts[window] as number) + 1;
          this.#windows[slot] = window;
        }
        return;
      }
      slot += 1;
    }
  }
}
