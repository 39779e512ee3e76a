import { token53 } from '../../base/hash128.ts';
import type { PaymentRow } from '../../domain/payment-row.ts';
import type { EventColumn } from '../definition/definition.ts';
import type { Condition } from '../expression/condition.ts';
import { type DerivedColumns, isDerivedColumn } from '../expression/derived-columns.ts';
import { amountBucket, registerOf } from './approximate.ts';

/** Numbers that begin every event of an entity's list: event time (µs) and identity, the token of its endToEndId. */
export const EVENT_TIME = 0;
/** Place of the identity. */
export const EVENT_IDENTITY = 1;
/** The first number that a layout names. */
export const FIRST_SLOT = 2;
/** Where no payment is scored: entities are only read. */
export const NO_EVENT = new Float64Array(0);

/**
 * One number of an event:
 * - `number`: an integer column as it is, a boolean as 1 or 0;
 * - `token`: a text's token, so that equal texts are equal numbers;
 * - `conditions`: a bit for each condition of the entity's definitions;
 * - `register`: of approximate distinct counts, `register·64 + rank` of the value's token;
 * - `bucket`: of approximate quantiles, the bucket that the value falls in.
 *
 * NaN where the column is null.
 */
export type EventSlot =
  | { readonly kind: 'number' | 'token' | 'register' | 'bucket'; readonly column: EventColumn }
  | { readonly kind: 'conditions'; readonly conditions: readonly Condition[] };

/** A payment's event of each kind of entity, in the order of ENTITY_KINDS. */
export type KindEvents = readonly Float64Array[];

/** What an entity's events hold, number by number. */
export interface EventLayout {
  readonly slots: readonly EventSlot[];
  /** Numbers of an event: {@link FIRST_SLOT} and a number a slot. */
  readonly stride: number;
}

/** Whether a condition's bit is set in an event's conditions. */
export function holds(conditions: number, bit: number): boolean {
  return Math.floor(conditions / 2 ** bit) % 2 === 1;
}

/** Whether an event passes a condition. @param base of the event in `events`. @param bit −1 where all events pass. */
export function passes(events: Float64Array, base: number, conditionSlot: number, bit: number): boolean {
  return bit < 0 || holds(events[base + conditionSlot] as number, bit);
}

/** Reads one number of a payment's event. */
export type ReadSlot = (row: PaymentRow, derived: DerivedColumns) => number;

/** Writes the events of one kind of entity; made once, allocates nothing for an event but what a token's text needs. */
export class EventWriter {
  readonly #reads: readonly ReadSlot[];

  constructor({ slots }: EventLayout) {
    this.#reads = slots.map(slotReader);
  }

  /** Fills `event` with the event of a payment. @param identity token of its endToEndId. */
  write(row: PaymentRow, derived: DerivedColumns, identity: number, event: Float64Array): void {
    event[EVENT_TIME] = row.event_time;
    event[EVENT_IDENTITY] = identity;
    const reads = this.#reads;
    for (let slot = 0; slot < reads.length; slot += 1) {
      event[FIRST_SLOT + slot] = (reads[slot] as ReadSlot)(row, derived);
    }
  }
}

/** What a slot holds of a payment, as a function of its own. */
export function slotReader(slot: EventSlot): ReadSlot {
  if (slot.kind === 'conditions') {
    const { conditions } = slot;
    return (row, derived) => {
      let bits = 0;
      for (let at = 0; at < conditions.length; at += 1) {
        if ((conditions[at] as Condition).holds(row, derived)) bits += 2 ** at;
      }
      return bits;
    };
  }
  const { kind, column } = slot;
  const read = columnReader(column);
  switch (kind) {
    case 'number':
      return (row, derived) => numberOf(read(row, derived));
    case 'token':
      return (row, derived) => tokenOf(read(row, derived));
    case 'register':
      return (row, derived) => registerOf(tokenOf(read(row, derived)));
    case 'bucket':
      return (row, derived) => amountBucket(numberOf(read(row, derived)));
  }
}

type Value = string | number | boolean | null;

function columnReader(column: EventColumn): (row: PaymentRow, derived: DerivedColumns) => Value {
  if (isDerivedColumn(column)) return (_row, derived) => derived[column];
  return (row) => row[column];
}

function numberOf(value: Value): number {
  return value === null ? Number.NaN : Number(value);
}

function tokenOf(value: Value): number {
  return value === null ? Number.NaN : token53(String(value));
}
