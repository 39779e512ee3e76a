import { token53 } from '../base/hash128.ts';
import { ENTITY_KINDS, type EntityKind, type EntityNumber, type EntityNumbers } from '../domain/entity-keys.ts';
import type { FeatureSet } from './feature-set.ts';
import { FEATURE_STATUS } from './feature-status.ts';
import {
  type FeatureRead,
  type FeatureReading,
  NO_NUMBERS,
  type Observation,
  type ObservedPayment,
} from './online-store.ts';
import { paymentOutputs, writeNulls } from './payment-outputs.ts';
import type { Reply } from './redis-connection.ts';
import { EVENT_BYTES, HEADER_BYTES, LABEL_HEADER_BYTES } from './redis-layout.ts';
import { ReplyReader } from './redis-reply.ts';
import { OBSERVED } from './redis-scripts.ts';
import { createVectorEngine, featureOutput, type VectorEngine, writeAbsent } from './vector-engine.ts';

/** The bytes of an entity. */
interface EntityBytes {
  readonly header: Buffer;
  readonly events: Buffer;
}

/** What the observing script returned. */
interface ObservedReply {
  readonly code: number;
  readonly entities: Readonly<Record<EntityKind, EntityBytes>>;
  readonly tiles: readonly Buffer[];
  readonly labels: Buffer;
  /** The payment's value as it was found; empty where it was recorded now. */
  readonly payment: Buffer;
  /** Headers of payer, payee, pair and labels below the payment's event; empty where they are not kept. */
  readonly below: Buffer;
}

/** What is known of the payment's event where it was recorded before. */
interface OwnEvent {
  readonly numbers: readonly number[];
  readonly payerToken: number;
  readonly payeeToken: number;
  readonly time: number;
  readonly amount: number;
}

/** Headers as they were below a payment's event, by the kind's place, and of the payee's labels. */
interface EntitiesBelow {
  header(at: number): Buffer;
  readonly labels: Buffer;
}

/** Reads a script's reply. The caller has looked at the code. */
function parseReply(reply: readonly Reply[]): ObservedReply {
  const bytes = (at: number): Buffer => reply[at] as Buffer;
  const entity = (at: number): EntityBytes => ({ header: bytes(at), events: bytes(at + 1) });
  return {
    code: reply[0] as number,
    entities: { payer: entity(1), payee: entity(3), pair: entity(5) },
    tiles: reply[7] as readonly Buffer[],
    labels: bytes(8),
    payment: bytes(9),
    below: bytes(10),
  };
}

function ownEvent(payment: Buffer): OwnEvent | null {
  if (payment.length === 0) return null;
  const number = (at: number): number => payment.readDoubleLE(at * 8);
  return {
    numbers: [number(0), number(1), number(2)],
    payerToken: number(3),
    payeeToken: number(4),
    time: number(5),
    amount: number(6),
  };
}

/** Turns replies of the observing script into observations, through the one engine. */
export class ObservationReader {
  readonly #set: FeatureSet;
  readonly #engine: VectorEngine;
  readonly #paymentOutputs: Int32Array;
  readonly #reader: ReplyReader;

  constructor(set: FeatureSet) {
    this.#set = set;
    this.#engine = createVectorEngine(set);
    this.#paymentOutputs = paymentOutputs(set);
    this.#reader = new ReplyReader(set);
  }

  /** The observation of a payment in an epoch. */
  observation(payment: ObservedPayment, epoch: number, reply: readonly Reply[]): Observation {
    const observed = parseReply(reply);
    const own = ownEvent(observed.payment);
    const repeated = observed.code === OBSERVED.repeated && own !== null;
    const below = repeated ? this.#entitiesBelow(payment, observed) : undefined;
    const { row, keys } = payment;
    const reading = this.#read({ row, keys, atMicros: row.event_time }, epoch, observed, own, below);
    const isEvent = observed.code !== OBSERVED.second;
    return { ...reading, isEvent, numbers: numbersOf(observed, own, reading.saw, epoch), mark: 0 };
  }

  /** What a read in an epoch gives. */
  reading(read: FeatureRead, epoch: number, reply: readonly Reply[]): FeatureReading {
    const observed = parseReply(reply);
    return this.#read(read, epoch, observed, ownEvent(observed.payment), undefined);
  }

  #read(
    { row, keys, atMicros }: FeatureRead,
    epoch: number,
    observed: ObservedReply,
    own: OwnEvent | null,
    below: EntitiesBelow | undefined,
  ): FeatureReading {
    const out = featureOutput(this.#set);
    const token = row === null ? -1 : token53(row.end_to_end_id);
    const saw: Record<EntityKind, EntityNumber | null> = { payer: null, payee: null, pair: null };
    for (const [at, kind] of ENTITY_KINDS.entries()) {
      if (keys[kind] === null) {
        writeAbsent(this.#set.kinds[kind], FEATURE_STATUS.notFound, out);
        continue;
      }
      const entity = observed.entities[kind];
      const header = below?.header(at) ?? entity.header;
      const seq = this.#reader.readEntity(header, entity.events, kind === 'payee' ? observed.tiles : []);
      saw[kind] = { epoch, seq };
      const { view } = this.#reader;
      if (own !== null && below === undefined && isIn(own, kind, keys)) {
        view.ownIdentity = token;
        view.ownTime = own.time;
        view.ownAmount = own.amount;
      }
      this.#engine[kind].read(view, atMicros, out);
      if (kind !== 'payee') continue;
      this.#reader.readLabels(observed.labels, below?.labels);
      const others = view.count - (view.ownIdentity < 0 ? 0 : 1);
      this.#engine.labels.read(this.#reader.labelView, others > 0, atMicros, token, out);
    }
    this.#engine.expressions.read(row, out);
    if (row === null) writeNulls(this.#paymentOutputs, out);
    return { saw, values: out.values, status: out.status };
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
      const { events } = entities[kind];
      const place = header(at).readDoubleLE(56) * EVENT_BYTES;
      if (place + EVENT_BYTES > events.length || events.readDoubleLE(place + 24) !== identity) return undefined;
    }
    const labelsBelow = below.subarray(3 * HEADER_BYTES, 3 * HEADER_BYTES + LABEL_HEADER_BYTES);
    if (labels.length > 0 && labels.readDoubleLE(8) !== labelsBelow.readDoubleLE(8)) return undefined;
    return { header, labels: labelsBelow };
  }
}

/** Whether the payment's event is an event of the entity: its other side may name another account. */
function isIn(own: OwnEvent, kind: EntityKind, keys: ObservedPayment['keys']): boolean {
  const payer = keys.payer !== null && own.payerToken === token53(keys.payer);
  const payee = keys.payee !== null && own.payeeToken === token53(keys.payee);
  return kind === 'payer' ? payer : kind === 'payee' ? payee : payer && payee;
}

function numbersOf({ code }: ObservedReply, own: OwnEvent | null, saw: EntityNumbers, epoch: number): EntityNumbers {
  if (code === OBSERVED.second) return NO_NUMBERS;
  const number = (at: number): EntityNumber | null => {
    const seen = saw[ENTITY_KINDS[at] ?? 'payer'];
    if (seen === null) return null;
    const seq = own === null ? seen.seq + 1 : (own.numbers[at] ?? 0);
    // An event that is in the epoch's base has no number of its own.
    return seq === 0 ? null : { epoch, seq };
  };
  return { payer: number(0), payee: number(1), pair: number(2) };
}
