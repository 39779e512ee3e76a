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
    if (values.buffer instanceof SharedArrayBuffer) return values;
    const copy = this.doubles(values.length);
    copy.set(values);
    return copy;
  },
};

/** Memory that is given out again, in the same order: what was given before is then no more. */
export class ReusedMemory implements ReplayMemory {
  readonly #memory: ReplayMemory;
  readonly #doubles: Float64Array[] = [];
  readonly #integers: Int32Array[] = [];
  readonly #bytes: Uint8Array[] = [];
  #given = { doubles: 0, integers: 0, bytes: 0 };

  constructor(memory: ReplayMemory) {
    this.#memory = memory;
  }

  /** Begins from the first again. */
  again(): void {
    this.#given = { doubles: 0, integers: 0, bytes: 0 };
  }

  doubles(count: number): Float64Array {
    return reused(this.#doubles, this.#given.doubles++, count, this.#memory.doubles);
  }

  integers(count: number): Int32Array {
    return reused(this.#integers, this.#given.integers++, count, this.#memory.integers);
  }

  bytes(count: number): Uint8Array {
    return reused(this.#bytes, this.#given.bytes++, count, this.#memory.bytes);
  }

  held(values: Float64Array): Float64Array {
    return this.#memory.held(values);
  }
}

function reused<T extends Float64Array | Int32Array | Uint8Array>(
  known: T[],
  at: number,
  count: number,
  make: (count: number) => T,
): T {
  const before = known[at];
  if (before !== undefined && before.length >= count) return before.subarray(0, count).fill(0) as T;
  const made = make(count);
  known[at] = made;
  return made;
}
