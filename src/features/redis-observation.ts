import { token53 } from '../base/hash128.ts';
import {
  ENTITY_KINDS,
  type EntityKind,
  type EntityNumber,
  type EntityNumbers,
  NO_NUMBERS,
} from '../domain/entity-keys.ts';
import { EVENT_IDENTITY, type KindEvents, NO_EVENT } from './event-layout.ts';
import type { FeatureSet } from './feature-set.ts';
import { FEATURE_STATUS } from './feature-status.ts';
import type { FeatureRead, FeatureReading, Observation, ObservedPayment } from './online-store.ts';
import type { Reply } from './redis-connection.ts';
import { HEADER_BYTES, LABEL_HEADER_BYTES } from './redis-layout.ts';
import { ReplyReader } from './redis-reply.ts';
import { OBSERVED } from './redis-scripts.ts';
import { featureOutput, type VectorEngine, writeAbsent } from './vector-engine.ts';

/** The bytes of an entity. */
interface EntityBytes {
  readonly header: Buffer;
  readonly events: Buffer;
  readonly tiles: readonly Buffer[];
}

/** What the observing script returned. */
interface ObservedReply {
  readonly code: number;
  readonly labels: Buffer;
  /** The payment's value as it was found; empty where it was recorded now. */
  readonly payment: Buffer;
  /** Headers of each kind's entity and of labels below the payment's event; empty where they are not kept. */
  readonly below: Buffer;
  /** In the order of ENTITY_KINDS. */
  readonly entities: readonly EntityBytes[];
}

const KINDS = ENTITY_KINDS.length;

/** What is known of the payment's event where it was recorded before: by kind its number and its entity's token. */
interface OwnEvent {
  readonly numbers: readonly number[];
  readonly tokens: readonly number[];
  readonly time: number;
  /** What tiles took in of it, in the order of the set. */
  readonly own: readonly number[];
}

/** Headers as they were below a payment's event, by the kind's place, and of the payee's labels. */
interface EntitiesBelow {
  header(at: number): Buffer;
  readonly labels: Buffer;
}

/** Reads a script's reply. The caller has looked at the code. */
function parseReply(reply: readonly Reply[]): ObservedReply {
  return {
    code: reply[0] as number,
    labels: reply[1] as Buffer,
    payment: reply[2] as Buffer,
    below: reply[3] as Buffer,
    entities: ENTITY_KINDS.map((_, at) => ({
      header: reply[4 + at * 3] as Buffer,
      events: reply[5 + at * 3] as Buffer,
      tiles: reply[6 + at * 3] as readonly Buffer[],
    })),
  };
}

function ownEvent(payment: Buffer, set: FeatureSet): OwnEvent | null {
  if (payment.length === 0) return null;
  const numbers = (from: number, count: number): number[] =>
    Array.from({ length: count }, (_, at) => payment.readDoubleLE((from + at) * 8));
  return {
    numbers: numbers(0, KINDS),
    tokens: numbers(KINDS, KINDS),
    time: payment.readDoubleLE(KINDS * 16),
    own: numbers(KINDS * 2 + 1, set.own.count),
  };
}

/** Turns replies of the observing script into observations, through the one engine. */
export class ObservationReader {
  readonly #set: FeatureSet;
  readonly #engine: VectorEngine;
  readonly #reader: ReplyReader;

  constructor(set: FeatureSet, engine: VectorEngine) {
    this.#set = set;
    this.#engine = engine;
    this.#reader = new ReplyReader(set);
  }

  /** The observation of a payment in an epoch. @param events what was sent for it. */
  observation(payment: ObservedPayment, events: KindEvents, epoch: number, reply: readonly Reply[]): Observation {
    const observed = parseReply(reply);
    const own = ownEvent(observed.payment, this.#set);
    const repeated = observed.code === OBSERVED.repeated && own !== null;
    const below = repeated ? this.#entitiesBelow(payment, observed) : undefined;
    const { row, keys } = payment;
    const reading = this.#read({ row, keys, atMicros: row.event_time }, events, epoch, observed, own, below);
    const isEvent = observed.code !== OBSERVED.second;
    return { ...reading, isEvent, numbers: numbersOf(observed, own, reading.saw, epoch), mark: 0 };
  }

  /** What a read in an epoch gives. */
  reading(read: FeatureRead, epoch: number, reply: readonly Reply[]): FeatureReading {
    const observed = parseReply(reply);
    const events = read.row === null ? null : this.#engine.write(read.row);
    return this.#read(read, events, epoch, observed, ownEvent(observed.payment, this.#set), undefined);
  }

  #read(
    { row, keys, atMicros }: FeatureRead,
    events: KindEvents | null,
    epoch: number,
    observed: ObservedReply,
    own: OwnEvent | null,
    below: EntitiesBelow | undefined,
  ): FeatureReading {
    const out = featureOutput(this.#set);
    const saw: Record<EntityKind, EntityNumber | null> = { ...NO_NUMBERS };
    for (const [at, kind] of ENTITY_KINDS.entries()) {
      const plan = this.#set.kinds[kind];
      if (keys[kind] === null) {
        writeAbsent(plan, FEATURE_STATUS.notFound, out);
        continue;
      }
      const entity = observed.entities[at] as EntityBytes;
      const header = below?.header(at) ?? entity.header;
      const seq = this.#reader.readEntity(at, header, entity.events, entity.tiles);
      saw[kind] = { epoch, seq };
      const event = events?.[at] ?? NO_EVENT;
      if (own !== null && below === undefined && own.tokens[at] === token53(keys[kind])) {
        this.#showOwn(kind, own, event);
      }
      this.#engine.windows[at]?.read(this.#reader.view, atMicros, event, out);
      if (plan.labels.length === 0) continue;
      this.#reader.readLabels(observed.labels, below?.labels);
      const { view, labelView } = this.#reader;
      this.#engine.labels.read(labelView, view, atMicros, event[EVENT_IDENTITY] ?? -1, out);
    }
    this.#engine.readRow(row, out);
    return { saw, values: out.values, status: out.status };
  }

  /** The payment's event is in the entity that is shown: as it was recorded. */
  #showOwn(kind: EntityKind, { time, own }: OwnEvent, event: Float64Array): void {
    const { view } = this.#reader;
    view.ownIdentity = event[EVENT_IDENTITY] as number;
    view.ownTime = time;
    const { slots, start } = this.#set.own.byKind[kind];
    for (let at = 0; at < slots.length; at += 1) view.own[slots[at] as number] = own[start + at] as number;
  }

  /**
   * The headers below the event of a payment that is asked for again: the retry sees what the first
   * attempt saw. Only where every entity still keeps all that it kept then; else the payment is
   * seen as it is now, and its numbers say so.
   */
  #entitiesBelow(
    { row, keys }: ObservedPayment,
    { entities, labels, below }: ObservedReply,
  ): EntitiesBelow | undefined {
    if (below.length === 0) return undefined;
    const header = (at: number): Buffer => below.subarray(at * HEADER_BYTES, (at + 1) * HEADER_BYTES);
    const identity = token53(row.end_to_end_id);
    for (const [at, kind] of ENTITY_KINDS.entries()) {
      if (keys[kind] === null) continue;
      const { events } = entities[at] as EntityBytes;
      const size = this.#set.kinds[kind].layout.stride * 8;
      const place = header(at).readDoubleLE(56) * size;
      if (place + size > events.length || events.readDoubleLE(place + EVENT_IDENTITY * 8) !== identity)
        return undefined;
    }
    const labelsBelow = below.subarray(KINDS * HEADER_BYTES, KINDS * HEADER_BYTES + LABEL_HEADER_BYTES);
    if (labels.length > 0 && labels.readDoubleLE(8) !== labelsBelow.readDoubleLE(8)) return undefined;
    return { header, labels: labelsBelow };
  }
}

function numbersOf({ code }: ObservedReply, own: OwnEvent | null, saw: EntityNumbers, epoch: number): EntityNumbers {
  if (code === OBSERVED.second) return NO_NUMBERS;
  const numbers: Record<EntityKind, EntityNumber | null> = { ...NO_NUMBERS };
  for (const [at, kind] of ENTITY_KINDS.entries()) {
    const seen = saw[kind];
    if (seen === null) continue;
    const seq = own === null ? seen.seq + 1 : (own.numbers[at] ?? 0);
    // An event that is in the epoch's base has no number of its own.
    numbers[kind] = seq === 0 ? null : { epoch, seq };
  }
  return numbers;
}
