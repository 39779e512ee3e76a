import { byKind, type EntityKind } from '../../domain/entity-keys.ts';
import type { PaymentRow } from '../../domain/payment-row.ts';
import { type EventSlot, type ReadSlot, slotReader } from '../engine/event-layout.ts';
import { ColumnDeriver } from '../expression/derived-columns.ts';
import type { FeatureSet } from '../feature-set.ts';
import type { ReplayMemory } from './replay-memory.ts';

/**
 * The numbers of payments' events, column by column: a number that events of several kinds of entity hold is there
 * once, 56 bytes a payment with the shipped set. Rows are written when they are first needed.
 */
export class EventColumns {
  readonly columns: readonly Float64Array[];
  /** Columns of a kind's event, in the order of its layout. */
  readonly placesOf: Readonly<Record<EntityKind, Int32Array>>;
  readonly #reads: readonly ReadSlot[];
  readonly #payment: (row: number) => PaymentRow;
  readonly #deriver = new ColumnDeriver();
  readonly #isWritten: Uint8Array;
  #missing: number;

  /** @param payment the payment of a row. @param count rows. */
  constructor(set: FeatureSet, payment: (row: number) => PaymentRow, count: number, memory: ReplayMemory) {
    const slots: EventSlot[] = [];
    this.placesOf = byKind((kind) => Int32Array.from(set.kinds[kind].layout.slots, (slot) => placeIn(slots, slot)));
    this.#reads = slots.map(slotReader);
    this.columns = slots.map(() => memory.doubles(count));
    this.#payment = payment;
    this.#isWritten = new Uint8Array(count);
    this.#missing = count;
  }

  /** Whether no row is left to write. */
  get isWhole(): boolean {
    return this.#missing === 0;
  }

  /** Writes the event of a row, unless it is there. */
  write(row: number): void {
    if (this.#isWritten[row] === 1) return;
    this.#isWritten[row] = 1;
    this.#missing -= 1;
    const payment = this.#payment(row);
    const derived = this.#deriver.read(payment);
    for (let at = 0; at < this.columns.length; at += 1) {
      (this.columns[at] as Float64Array)[row] = (this.#reads[at] as ReadSlot)(payment, derived);
    }
  }
}

function placeIn(slots: EventSlot[], slot: EventSlot): number {
  const known = slots.findIndex((other) => nameOf(other) === nameOf(slot));
  return known < 0 ? slots.push(slot) - 1 : known;
}

function nameOf(slot: EventSlot): string {
  return slot.kind === 'conditions'
    ? JSON.stringify(slot.conditions.map(({ text }) => text))
    : `${slot.kind} ${slot.column}`;
}
