import { byKind, type EntityKind } from '../../domain/entity-keys.ts';
import {
  EVENT_IDENTITY,
  EVENT_TIME,
  type EventSlot,
  FIRST_SLOT,
  type ReadSlot,
  slotReader,
} from '../engine/event-layout.ts';
import { ColumnDeriver } from '../expression/derived-columns.ts';
import type { FeatureSet } from '../feature-set.ts';
import type { ReplayPayments } from './replay-input.ts';
import type { ReplayMemory } from './replay-memory.ts';

/** Events of payments, row by row. */
export interface EventNumbers {
  /** {@link EVENT_TIME}, {@link EVENT_IDENTITY}, then the slots of all kinds of entity, each once. */
  readonly numbers: Float64Array;
  /** Numbers of a row. */
  readonly stride: number;
  /** Places in a row of the slots of a kind's event, in the order of its layout. */
  readonly placesOf: Readonly<Record<EntityKind, Int32Array>>;
}

/**
 * The numbers of payments' events, row by row: a number that events of several kinds of entity hold is there once, 72
 * bytes a payment with the shipped set. An entity's payments lie anywhere, and what is read of one lies side by side: column
 * by column it was as many misses of the cache as columns. Rows are written when they are first needed.
 */
export class EventRows implements EventNumbers {
  readonly numbers: Float64Array;
  readonly stride: number;
  readonly placesOf: Readonly<Record<EntityKind, Int32Array>>;
  readonly #reads: readonly ReadSlot[];
  readonly #payments: ReplayPayments;
  readonly #tokens: Float64Array;
  readonly #deriver = new ColumnDeriver();
  readonly #isWritten: Uint8Array;
  #missing: number;

  /** @param tokens of endToEndIds, by row. */
  constructor(set: FeatureSet, payments: ReplayPayments, tokens: Float64Array, memory: ReplayMemory) {
    const slots: EventSlot[] = [];
    this.placesOf = byKind((kind) =>
      Int32Array.from(set.kinds[kind].layout.slots, (slot) => FIRST_SLOT + placeIn(slots, slot)),
    );
    this.#reads = slots.map(slotReader);
    this.stride = FIRST_SLOT + slots.length;
    this.numbers = memory.doubles(payments.count * this.stride);
    this.#payments = payments;
    this.#tokens = tokens;
    this.#isWritten = new Uint8Array(payments.count);
    this.#missing = payments.count;
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
    const base = row * this.stride;
    this.numbers[base + EVENT_TIME] = this.#payments.times[row] as number;
    this.numbers[base + EVENT_IDENTITY] = this.#tokens[row] as number;
    if (this.#reads.length === 0) return;
    const payment = this.#payments.row(row);
    const derived = this.#deriver.read(payment);
    for (let at = 0; at < this.#reads.length; at += 1) {
      this.numbers[base + FIRST_SLOT + at] = (this.#reads[at] as ReadSlot)(payment, derived);
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
