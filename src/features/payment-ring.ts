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
}
