import { type CivilZone, civilParts, civilZone } from '../base/civil-time.ts';
import { token53 } from '../base/hash128.ts';
import type { EntityKeys } from '../domain/entity-keys.ts';
import type { PaymentRow } from '../domain/payment-row.ts';
import { amountBucket } from './approximate.ts';
import type { EventColumn } from './definition.ts';
import type { Condition } from './expression/condition.ts';
import { CIVIL_ZONE, type DerivedColumns, isDerivedColumn } from './expression/derived-columns.ts';

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

/** What an entity's events hold, number by number. */
export interface EventLayout {
  readonly slots: readonly EventSlot[];
  /** Numbers of an event: {@link FIRST_SLOT} and a number a slot. */
  readonly stride: number;
}

type ReadSlot = (row: PaymentRow, derived: DerivedColumns) => number;

/** Writes the events of one kind of entity; made once, allocates nothing for an event but what a token's text needs. */
export class EventWriter {
  readonly #zone: CivilZone = civilZone(CIVIL_ZONE);
  readonly #reads: readonly ReadSlot[];
  readonly #needsCivil: boolean;
  readonly #derived: { -readonly [K in keyof DerivedColumns]: DerivedColumns[K] } = {
    payer_account: null,
    payee_account: null,
    day: 0,
    civil_hour: 0,
    weekday: 1,
  };

  constructor({ slots }: EventLayout) {
    this.#reads = slots.map(readOf);
    this.#needsCivil = slots.some((slot) =>
      slot.kind === 'conditions'
        ? slot.conditions.some(({ readsDerived }) => readsDerived)
        : isDerivedColumn(slot.column),
    );
  }

  /** Fills `event` with the event of a payment. @param identity token of its endToEndId. */
  write(row: PaymentRow, keys: EntityKeys, identity: number, event: Float64Array): void {
    event[EVENT_TIME] = row.event_time;
    event[EVENT_IDENTITY] = identity;
    const derived = this.#derived;
    derived.payer_account = keys.payer;
    derived.payee_account = keys.payee;
    if (this.#needsCivil) this.#readCivil(row.event_time);
    const reads = this.#reads;
    for (let slot = 0; slot < reads.length; slot += 1) {
      event[FIRST_SLOT + slot] = (reads[slot] as ReadSlot)(row, derived);
    }
  }

  #readCivil(micros: number): void {
    const { day, hour, weekday } = civilParts(this.#zone, micros);
    this.#derived.day = day;
    this.#derived.civil_hour = hour;
    this.#derived.weekday = weekday;
  }
}

function readOf(slot: EventSlot): ReadSlot {
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

/** Numbers are their own tokens, spread so that small ones do not crowd a table. */
function tokenOf(value: Value): number {
  if (value === null) return Number.NaN;
  return typeof value === 'string' ? token53(value) : token53(String(value));
}

/** Of a token's 53 bits the lowest 12 say the register, the place of the first one of the others its rank, 1 to 42. */
function registerOf(token: number): number {
  if (Number.isNaN(token)) return Number.NaN;
  const register = token % 4096;
  let rest = Math.floor(token / 4096);
  let rank = 1;
  while (rank < 42 && rest % 2 === 0) {
    rest = Math.floor(rest / 2);
    rank += 1;
  }
  return register * 64 + rank;
}
