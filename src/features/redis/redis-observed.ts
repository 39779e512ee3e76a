import {
  ENTITY_KINDS,
  type EntityKind,
  type EntityNumber,
  type EntityNumbers,
  NO_NUMBERS,
} from '../../domain/entity-keys.ts';
import { hasTiles } from '../engine/tile-pool.ts';
import type { FeatureSet } from '../feature-set.ts';
import type { Reply } from './redis-connection.ts';
import {
  HEADER_BYTES,
  ID_BYTES,
  IN_BASE,
  LABEL_HEADER_BYTES,
  tokenOfName,
  VALUE_HEADER_BYTES,
} from './redis-layout.ts';
import { OBSERVED, SETTLED } from './redis-scripts.ts';

/** The bytes of an entity, and what is in them of the payment that was asked for. */
export interface EntityBytes {
  /** Empty where there is no such entity yet. */
  readonly header: Buffer;
  readonly events: Buffer;
  readonly tiles: readonly Buffer[];
  /** Of a payee. */
  readonly labels: Buffer;
  /**
   * The payment's event there: `recorded` now, above what the bytes hold; `held`, in what they hold; `none`.
   * A held event has no number where it came with the epoch's base.
   */
  readonly own:
    | { readonly kind: 'recorded' | 'none' }
    | { readonly kind: 'held'; readonly number: number | null; readonly below: HeadersBelow | null };
}

/** Headers as they were below a payment's event. */
export interface HeadersBelow {
  readonly entity: Buffer;
  /** Of the payee's labels. */
  readonly labels: Buffer;
}

/** What is kept of a payment beside its entities. */
export interface OwnEvent {
  /** Of its entities, by kind; −1 where it named none. */
  readonly tokens: readonly number[];
  readonly time: number;
  /** What tiles took in of it, in the order of the set. */
  readonly own: readonly number[];
}

/** A payment's value as it was found. */
export interface FoundPayment extends OwnEvent {
  readonly isOfSameSide: boolean;
  /** Whether its event is in its entities for certain and is not appended any more: it came with the base, or long ago. */
  readonly isSettled: boolean;
  /** Rows of corrections so far; above 0 it was corrected. */
  readonly revision: number;
  /** Whether a Cluster has a correction of it under way. */
  readonly isBeingCorrected: boolean;
}

/** What Redis said of a payment and its entities. */
export interface ObservedState {
  /** Whether the payment's first record was this one. */
  readonly isEvent: boolean;
  /** The payment as it was found; null where it was recorded now, or is not known. */
  readonly payment: FoundPayment | null;
  /** By kind; null where the payment names none. */
  readonly entities: readonly (EntityBytes | null)[];
}

/** The numbers that a payment's event has in an epoch, as far as is known; none where it is another record's. */
export function numbersOf({ isEvent, entities }: ObservedState, epoch: number): EntityNumbers {
  if (!isEvent) return NO_NUMBERS;
  const numbers: Record<EntityKind, EntityNumber | null> = { ...NO_NUMBERS };
  for (const [at, kind] of ENTITY_KINDS.entries()) {
    const entity = entities[at];
    if (entity == null) continue;
    const { own, header } = entity;
    if (own.kind === 'recorded') {
      numbers[kind] = { epoch, seq: (header.length === 0 ? 0 : header.readDoubleLE(0)) + 1 };
    } else if (own.kind === 'held' && own.number !== null) numbers[kind] = { epoch, seq: own.number };
  }
  return numbers;
}

/** Reads replies of the observing script. The caller has looked whether another epoch is open. */
export class ObservedReplies {
  readonly #tiled: readonly boolean[];
  readonly #labelled: readonly boolean[];
  readonly #ownCount: number;

  constructor(set: FeatureSet) {
    const plans = ENTITY_KINDS.map((kind) => set.kinds[kind]);
    this.#tiled = plans.map(({ keeping }) => hasTiles(keeping.tiles));
    this.#labelled = plans.map((plan) => plan.labels.length > 0);
    this.#ownCount = set.own.count;
  }

  /** The payment's value in a reply; null where there was none. */
  payment(reply: readonly Reply[]): FoundPayment | null {
    const value = reply[1] as Buffer;
    if (value.length === 0) return null;
    const { tokens, behind } = entitiesOf(value);
    const numbers = Array.from({ length: 2 + this.#ownCount }, (_, at) => value.readDoubleLE(behind + at * 8));
    const [revision = 0, time = 0, ...own] = numbers;
    return {
      tokens,
      time,
      own,
      isOfSameSide: reply[0] === OBSERVED.repeated,
      isSettled: value[1] === IN_BASE || (reply[2] as Buffer).toString('latin1') === SETTLED,
      revision,
      isBeingCorrected: (value[0] as number) >= FIRST_SMALL_LETTER,
    };
  }

  /** Rows of corrections of the payment that a reply's marker knows of; −1 where there is no marker. */
  revisionIn(reply: readonly Reply[]): number {
    const marker = reply[1] as Buffer;
    if (marker.length === 0) return -1;
    const behind = VALUE_HEADER_BYTES + (marker[1] as number) * 8;
    return marker.length > behind ? marker.readDoubleLE(behind) : 0;
  }

  /** Whether a payment's value is of a side's record. */
  isOfSide(value: Buffer, side: string): boolean {
    return value.toString('latin1', 0, 1).toUpperCase() === side;
  }

  /** The numbers in a payment's value or a marker of it; none where another side's record has set it. */
  numbers(value: Buffer, side: string, kinds: readonly number[], epoch: number): EntityNumbers {
    const numbers: Record<EntityKind, EntityNumber | null> = { ...NO_NUMBERS };
    if (!this.isOfSide(value, side) || value[1] !== kinds.length) return numbers;
    for (const [place, kind] of kinds.entries()) {
      const seq = value.readDoubleLE(VALUE_HEADER_BYTES + place * 8);
      numbers[ENTITY_KINDS[kind] as EntityKind] = { epoch, seq };
    }
    return numbers;
  }

  /**
   * Reads the entities of a reply.
   *
   * @param kinds that were asked for, in their order.
   * @param held whether the payment's event is in the entities even where the reply has no value of it.
   * @param into receives them by kind.
   */
  entities(reply: readonly Reply[], kinds: readonly number[], held: boolean, into: (EntityBytes | null)[]): void {
    const value = reply[1] as Buffer;
    const isRecorded = reply[0] === OBSERVED.recorded;
    const isHeld = held || value.length > 0;
    // Numbers are of the kinds that were asked for when it was recorded: those of another side may be others.
    const hasNumbers = reply[0] === OBSERVED.repeated && value[1] === kinds.length;
    const below = reply[2] as Buffer;
    const labelsBelow = kinds.some((kind) => this.#labelled[kind]) ? LABEL_HEADER_BYTES : 0;
    const hasBelow = hasNumbers && below.length === kinds.length * HEADER_BYTES + labelsBelow;
    let at = 3;
    for (const [place, kind] of kinds.entries()) {
      const [header, events] = [reply[at] as Buffer, reply[at + 1] as Buffer];
      at += 2;
      const tiles = this.#tiled[kind] ? (reply[at++] as readonly Buffer[]) : NO_BUFFERS;
      const labels = this.#labelled[kind] ? (reply[at++] as Buffer) : NO_BUFFER;
      into[kind] = {
        header,
        events,
        tiles,
        labels,
        own: isRecorded
          ? RECORDED
          : isHeld
            ? {
                kind: 'held',
                number: hasNumbers ? value.readDoubleLE(VALUE_HEADER_BYTES + place * 8) : null,
                below: hasBelow
                  ? {
                      entity: below.subarray(place * HEADER_BYTES, (place + 1) * HEADER_BYTES),
                      labels: below.subarray(kinds.length * HEADER_BYTES),
                    }
                  : null,
              }
            : NONE,
      };
    }
  }
}

/** Nothing of any entity yet, by kind. */
export function noEntities(): (EntityBytes | null)[] {
  return ENTITY_KINDS.map(() => null);
}

const FIRST_SMALL_LETTER = 0x61;
const scratch = new Int32Array(2);

/** The tokens of a payment's entities, by kind, −1 where it has none; and where its value goes on behind their ids. */
function entitiesOf(value: Buffer): { readonly tokens: readonly number[]; readonly behind: number } {
  const count = value[1] as number;
  let at = VALUE_HEADER_BYTES + (count === IN_BASE ? 0 : count * 8);
  const mask = value[at] as number;
  at += 1;
  const tokens = ENTITY_KINDS.map((_, kind) => {
    if (((mask >> kind) & 1) === 0) return -1;
    scratch[0] = value.readInt32LE(at);
    scratch[1] = value.readInt32LE(at + 4);
    at += ID_BYTES;
    return tokenOfName(scratch);
  });
  return { tokens, behind: at };
}

const NO_BUFFERS: readonly Buffer[] = [];
const NO_BUFFER = Buffer.alloc(0);
const RECORDED = { kind: 'recorded' } as const;
const NONE = { kind: 'none' } as const;
