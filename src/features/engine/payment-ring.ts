import { IdTable } from '../../base/id-table.ts';
import { ENTITY_KINDS } from '../../domain/entity-keys.ts';

/** Entities of a payment, one of each kind. */
const KINDS = ENTITY_KINDS.length;

/**
 * The payments that a store knows by their endToEndIds: when, whose, and what of them tiles took in.
 * A ring: the oldest go first. A payment's ordinal counts all that came before it in this store.
 */
export class PaymentRing {
  readonly capacity: number;
  readonly #ids: IdTable;
  readonly #times: Float64Array;
  /** `ownNumbers` a payment. */
  readonly #owns: Float64Array;
  readonly #ownNumbers: number;
  readonly #entities: Int32Array;
  readonly #sides: Uint8Array;
  #oldest = 0;
  #next = 0;

  /** @param ownNumbers how many numbers of its event are kept with a payment. */
  constructor(capacity: number, ownNumbers: number) {
    this.capacity = capacity;
    this.#ownNumbers = ownNumbers;
    this.#ids = new IdTable(capacity);
    this.#times = new Float64Array(capacity);
    this.#owns = new Float64Array(capacity * ownNumbers);
    this.#entities = new Int32Array(capacity * KINDS);
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
  add(name: Int32Array, time: number, side: number): number {
    const ordinal = this.#next;
    const slot = ordinal % this.capacity;
    this.#ids.put(slot, name);
    this.#times[slot] = time;
    this.#sides[slot] = side;
    this.#next += 1;
    return ordinal;
  }

  /** Says whose a payment is. @param kind place of the kind in ENTITY_KINDS. @param entity −1 where there is none. */
  setEntity(ordinal: number, kind: number, entity: number): void {
    this.#entities[(ordinal % this.capacity) * KINDS + kind] = entity;
  }

  /** Sets the event time of a payment that was replaced. */
  setTime(ordinal: number, time: number): void {
    this.#times[ordinal % this.capacity] = time;
  }

  /** Sets a number of the payment's event. */
  setOwn(ordinal: number, at: number, value: number): void {
    this.#owns[(ordinal % this.capacity) * this.#ownNumbers + at] = value;
  }

  /** A number that {@link setOwn} set. */
  ownOf(ordinal: number, at: number): number {
    return this.#owns[(ordinal % this.capacity) * this.#ownNumbers + at] as number;
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

  /** Index of the payment's entity of a kind, by its place in ENTITY_KINDS; −1 where it has none. */
  entityOf(ordinal: number, kind: number): number {
    return this.#entities[(ordinal % this.capacity) * KINDS + kind] as number;
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
    const own = this.#ownNumbers;
    const columns = {
      times: new Float64Array(count),
      owns: new Float64Array(count * own),
      entities: new Int32Array(count * KINDS),
      sides: new Uint8Array(count),
    };
    for (let at = 0; at < count; at += 1) {
      const slot = (this.#oldest + at) % this.capacity;
      columns.times[at] = this.#times[slot] as number;
      columns.sides[at] = this.#sides[slot] as number;
      columns.owns.set(this.#owns.subarray(slot * own, (slot + 1) * own), at * own);
      columns.entities.set(this.#entities.subarray(slot * KINDS, (slot + 1) * KINDS), at * KINDS);
    }
    return columns;
  }

  /** Fills an empty ring: payments keep their ordinals, which events name them by. */
  restore(firstOrdinal: number, names: Uint8Array, { times, owns, entities, sides }: PaymentColumns): void {
    const lanes = new Int32Array(Uint8Array.from(names).buffer);
    const own = this.#ownNumbers;
    this.#oldest = firstOrdinal;
    this.#next = firstOrdinal;
    for (let at = 0; at < times.length; at += 1) {
      const name = lanes.subarray(at * 4, at * 4 + 4);
      const slot = this.add(name, times[at] as number, sides[at] as number) % this.capacity;
      this.#owns.set(owns.subarray(at * own, (at + 1) * own), slot * own);
      this.#entities.set(entities.subarray(at * KINDS, (at + 1) * KINDS), slot * KINDS);
    }
  }
}

/** Payments by columns: an entity of each kind a payment, and the numbers of its event that are kept. */
export interface PaymentColumns {
  readonly times: Float64Array;
  readonly owns: Float64Array;
  readonly entities: Int32Array;
  readonly sides: Uint8Array;
}
