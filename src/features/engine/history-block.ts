import { byKind, ENTITY_KINDS, type EntityKind } from '../../domain/entity-keys.ts';
import type { FeatureOutput } from '../feature-output.ts';
import type { FeatureSet } from '../feature-set.ts';
import type { KindPlan } from './window-plan.ts';

/** Values and statuses of every feature that is computed from history, for many reads. Read-major. */
export class HistoryBlock {
  /** Outputs from history, in the order in which they lie; and where each lies, −1 where it is not from an entity. */
  readonly #outputs: Int32Array;
  readonly #placeOf: Int32Array;
  readonly #values: Float64Array;
  readonly #status: Uint8Array;

  /** @param values, status room for {@link historyWidth} numbers a read. */
  constructor(set: FeatureSet, values: Float64Array, status: Uint8Array) {
    this.#outputs = historyOutputs(set);
    this.#placeOf = new Int32Array(set.names.length).fill(-1);
    for (const [place, output] of this.#outputs.entries()) this.#placeOf[output] = place;
    this.#values = values;
    this.#status = status;
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

  /** The first value of a read. */
  firstOf(read: number): number {
    return this.#values[read * this.#outputs.length] as number;
  }

  /** Takes the values of a kind of entity from a record: `width` of them from `from` on. @param place of its first output here, see {@link placesOfKinds}. */
  put(read: number, place: number, values: Float64Array, status: Uint8Array, from: number, width: number): void {
    const base = read * this.#outputs.length + place;
    for (let at = 0; at < width; at += 1) {
      this.#values[base + at] = values[from + at] as number;
      this.#status[base + at] = status[from + at] as number;
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

/** How many features of a set are computed from history. */
export function historyWidth(set: FeatureSet): number {
  return historyOutputs(set).length;
}

/** Outputs of a kind of entity, in the order in which they lie side by side in a block. */
export function outputsOfKind({ outputs, labelOutputs }: KindPlan): Int32Array {
  return Int32Array.from([...outputs, ...labelOutputs]);
}

/** Where the outputs of each kind of entity begin in a read of a block. */
export function placesOfKinds({ kinds }: FeatureSet): Record<EntityKind, number> {
  let next = 0;
  return byKind((kind) => {
    const place = next;
    next += outputsOfKind(kinds[kind]).length;
    return place;
  });
}

function historyOutputs({ kinds }: FeatureSet): Int32Array {
  return Int32Array.from(ENTITY_KINDS.flatMap((kind) => [...outputsOfKind(kinds[kind])]));
}
