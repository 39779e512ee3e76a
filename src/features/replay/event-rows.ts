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
 * by column it was as many misses of the cache as columns. Times and identities are there at once, slots when a row is first needed.
 */
export class EventRows implements EventNumbers {
  readonly numbers: Float64Array;
  readonly stride: number;
  readonly placesOf: Readonly<Record<EntityKind, Int32Array>>;
  readonly #reads: readonly ReadSlot[];
  readonly #payment: ReplayPayments['row'];
  readonly #deriver = new ColumnDeriver();
  readonly #isWritten: Uint8Array;
  #missing: number;

  /** @param tokenOf token of a row's endToEndId. */
  constructor(
    set: FeatureSet,
    { count, times, row }: ReplayPayments,
    tokenOf: (row: number) => number,
    memory: ReplayMemory,
  ) {
    const slots: EventSlot[] = [];
    this.placesOf = byKind((kind) =>
      Int32Array.from(set.kinds[kind].layout.slots, (slot) => FIRST_SLOT + placeIn(slots, slot)),
    );
    this.#reads = slots.map(slotReader);
    this.stride = FIRST_SLOT + slots.length;
    this.numbers = memory.doubles(count * this.stride);
    this.#payment = row;
    this.#isWritten = new Uint8Array(count);
    this.#missing = count;
    for (let at = 0; at < count; at += 1) {
      this.numbers[at * this.stride + EVENT_TIME] = times[at] as number;
      this.numbers[at * this.stride + EVENT_IDENTITY] = tokenOf(at);
    }
  }

  /** Whether no row is left to write. */
  get isWhole(): boolean {
    return this.#missing === 0;
  }

  /** Token of the endToEndId of a row. */
  tokenAt(row: number): number {
    return this.numbers[row * this.stride + EVENT_IDENTITY] as number;
  }

  /** Writes the slots of a row, unless they are there. */
  write(row: number): void {
    if (this.#isWritten[row] === 1) return;
    this.#isWritten[row] = 1;
    this.#missing -= 1;
    const base = row * this.stride + FIRST_SLOT;
    const payment = this.#payment(row);
    const derived = this.#deriver.read(payment);
    for (let at = 0; at < this.#reads.length; at += 1) {
      this.numbers[base + at] = (this.#reads[at] as ReadSlot)(payment, derived);
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
