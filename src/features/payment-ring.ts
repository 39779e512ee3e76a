import { IdTable } from '../base/id-table.ts';

/**
 * The payments that a store knows by their endToEndIds: when, how much, and whose. A ring: the
 * oldest go first. A payment's ordinal counts all that came before it in this store.
 */
export class PaymentRing {
  readonly capacity: number;
  readonly #ids: IdTable;
  readonly #times: Float64Array;
  readonly #amounts: Float64Array;
  readonly #entities: Int32Array;
  readonly #sides: Uint8Array;
  #oldest = 0;
  #next = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#ids = new IdTable(capacity);
    this.#times = new Float64Array(capacity);
    this.#amounts = new Float64Array(capacity);
    this.#entities = new Int32Array(capacity * 3);
    this.#sides = new Uint8Array(capacity);
  }

  /** Payments known. */
  get count(): number {
    return this.#next - this.#oldest;
  }

  /** Whether no other payment can be added before the oldest goes. */
  get isFull(): boolean {
    return this.count === this.capacity;
  }

  /** Ordinal of a payment, or −1. */
  find(name: Int32Array): number {
    const slot = this.#ids.find(name);
    if (slot < 0) return -1;
    const oldestSlot = this.#oldest % this.capacity;
    return this.#oldest + (slot >= oldestSlot ? slot - oldestSlot : slot + this.capacity - oldestSlot);
  }

  /** Adds a payment and gives its ordinal; there is room. @param side a number that the caller gives the side of its first record. */
  add(name: Int32Array, time: number, amount: number, side: number): number {
    const ordinal = this.#next;
    const slot = ordinal % this.capacity;
    this.#ids.put(slot, name);
    this.#times[slot] = time;
    this.#amounts[slot] = amount;
    this.#sides[slot] = side;
    this.#next += 1;
    return ordinal;
  }

  /** Says whose a payment is: indexes of entities, −1 where there is none. */
  setEntities(ordinal: number, payer: number, payee: number, pair: number): void {
    const at = (ordinal % this.capacity) * 3;
    this.#entities[at] = payer;
    this.#entities[at + 1] = payee;
    this.#entities[at + 2] = pair;
  }

  /** Ordinal of the newest payment. */
  newest(): number {
    return this.#next - 1;
  }

  /** Takes the newest payment back, also one that was so old that it was forgotten already. */
  undoAdd(): void {
    this.#next -= 1;
    if (this.#next < this.#oldest) this.#oldest = this.#next;
    else this.#ids.remove(this.#next % this.capacity);
  }

  /** Event time of the oldest payment. */
  oldestTime(): number {
    return this.#times[this.#oldest % this.capacity] as number;
  }

  /** Forgets the oldest payment. */
  dropOldest(): void {
    this.#ids.remove(this.#oldest % this.capacity);
    this.#oldest += 1;
  }

  /** Event time, microseconds. */
  timeOf(ordinal: number): number {
    return this.#times[ordinal % this.capacity] as number;
  }

  /** Centavos. */
  amountOf(ordinal: number): number {
    return this.#amounts[ordinal % this.capacity] as number;
  }

  /** The side that the caller gave. */
  sideOf(ordinal: number): number {
    return this.#sides[ordinal % this.capacity] as number;
  }

  /** Ordinal of the oldest payment that is known. */
  oldest(): number {
    return this.#oldest;
  }

  /** Copies the name of a payment that is known. */
  nameOf(ordinal: number, out: Int32Array): void {
    this.#ids.nameAt(ordinal % this.capacity, out);
  }

  /** Index of the payment's entity: 0 payer, 1 payee, 2 pair; −1 where it has none. */
  entityOf(ordinal: number, kind: number): number {
    return this.#entities[(ordinal % this.capacity) * 3 + kind] as number;
  }

  /** Names of all payments that are known, oldest first, 16 bytes each. */
  names(): Uint8Array {
    const names = new Int32Array(this.count * 4);
    for (let ordinal = this.#oldest; ordinal < this.#next; ordinal += 1) {
      this.nameOf(ordinal, names.subarray((ordinal - this.#oldest) * 4));
    }
    return new Uint8Array(names.buffer);
  }

  /** The columns of all payments that are known, oldest first. */
  columns(): PaymentColumns {
    const count = this.count;
    const columns = {
      times: new Float64Array(count),
      amounts: new Float64Array(count),
      entities: new Int32Array(count * 3),
      sides: new Uint8Array(count),
    };
    for (let at = 0; at < count; at += 1) {
      const slot = (this.#oldest + at) % this.capacity;
      columns.times[at] = this.#times[slot] as number;
      columns.amounts[at] = this.#amounts[slot] as number;
      columns.sides[at] = this.#sides[slot] as number;
      for (let kind = 0; kind < 3; kind += 1)
        columns.entities[at * 3 + kind] = this.#entities[slot * 3 + kind] as number;
    }
    return columns;
  }

  /** Fills an empty ring: payments keep their ordinals, which events name them by. */
  restore(firstOrdinal: number, names: Uint8Array, { times, amounts, entities, sides }: PaymentColumns): void {
    const lanes = new Int32Array(Uint8Array.from(names).buffer);
    this.#oldest = firstOrdinal;
    this.#next = firstOrdinal;
    for (let at = 0; at < times.length; at += 1) {
      const name = lanes.subarray(at * 4, at * 4 + 4);
      const ordinal = this.add(name, times[at] as number, amounts[at] as number, sides[at] as number);
      this.setEntities(
        ordinal,
        entities[at * 3] as number,
        entities[at * 3 + 1] as number,
        entities[at * 3 + 2] as number,
      );
    }
  }
}

/** Payments by columns; three entities each. */
export interface PaymentColumns {
  readonly times: Float64Array;
  readonly amounts: Float64Array;
  readonly entities: Int32Array;
  readonly sides: Uint8Array;
}
