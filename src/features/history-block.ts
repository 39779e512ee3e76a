import type { FeatureOutput } from './feature-output.ts';
import type { FeatureSet } from './feature-set.ts';

/** Values and statuses of the features that come from entities, for many reads; entities fill it in any order. */
export class HistoryBlock {
  readonly #outputs: Int32Array;
  /** Place of a feature in a read's part; −1 where it is not from an entity. */
  readonly #placeOf: Int32Array;
  readonly #values: Float64Array;
  readonly #status: Uint8Array;

  /** How many reads it has room for. */
  readonly reads: number;

  constructor(set: FeatureSet, reads: number) {
    this.reads = reads;
    const kinds = Object.values(set.kinds);
    this.#outputs = Int32Array.from(kinds.flatMap((plan) => [...plan.outputs, ...plan.labelOutputs]));
    this.#placeOf = new Int32Array(set.names.length).fill(-1);
    for (const [place, output] of this.#outputs.entries()) this.#placeOf[output] = place;
    this.#values = new Float64Array(reads * this.#outputs.length);
    this.#status = new Uint8Array(reads * this.#outputs.length);
  }

  /** Takes the named outputs of a read. */
  store(read: number, outputs: Int32Array, out: FeatureOutput): void {
    const base = read * this.#outputs.length;
    for (let at = 0; at < outputs.length; at += 1) {
      const output = outputs[at] as number;
      const place = base + (this.#placeOf[output] as number);
      this.#values[place] = out.values[output] as number;
      this.#status[place] = out.status[output] as number;
    }
  }

  /** Gives all outputs of a read. */
  load(read: number, out: FeatureOutput): void {
    const base = read * this.#outputs.length;
    for (let place = 0; place < this.#outputs.length; place += 1) {
      const output = this.#outputs[place] as number;
      out.values[output] = this.#values[base + place] as number;
      out.status[output] = this.#status[base + place] as number;
    }
  }
}
