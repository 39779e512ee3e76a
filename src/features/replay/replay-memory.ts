/** Where the columns of a replay lie. */
export interface ReplayMemory {
  doubles(count: number): Float64Array;
  integers(count: number): Int32Array;
  bytes(count: number): Uint8Array;
  /** Values that were made elsewhere: themselves, or a copy where they must lie in this memory. */
  held(values: Float64Array): Float64Array;
}

/** Memory of one thread. */
export const OWN_MEMORY: ReplayMemory = {
  doubles: (count) => new Float64Array(count),
  integers: (count) => new Int32Array(count),
  bytes: (count) => new Uint8Array(count),
  held: (values) => values,
};

/** Memory that threads see together: what one writes before it sends a message is there for who receives it. */
export const SHARED_MEMORY: ReplayMemory = {
  doubles: (count) => new Float64Array(new SharedArrayBuffer(count * Float64Array.BYTES_PER_ELEMENT)),
  integers: (count) => new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT)),
  bytes: (count) => new Uint8Array(new SharedArrayBuffer(count)),
  held(values) {
    const copy = this.doubles(values.length);
    copy.set(values);
    return copy;
  },
};
