import { token53 } from '../../base/hash128.ts';
import {
  ENTITY_KINDS,
  type EntityKeys,
  type EntityKind,
  type EntityNumber,
  NO_NUMBERS,
} from '../../domain/entity-keys.ts';
import { EVENT_IDENTITY, type KindEvents, NO_EVENT } from '../engine/event-layout.ts';
import { featureOutput, type VectorEngine, writeAbsent } from '../engine/vector-engine.ts';
import type { FeatureSet } from '../feature-set.ts';
import { FEATURE_STATUS } from '../feature-status.ts';
import type { FeatureRead, FeatureReading, Observation, ObservedPayment } from '../online-store.ts';
import { type EntityBytes, numbersOf, type ObservedState, type OwnEvent } from './redis-observed.ts';
import { ReplyReader } from './redis-reply.ts';

/** Turns what Redis said of payments into observations, through the one engine. */
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
  observation({ row, keys }: ObservedPayment, events: KindEvents, epoch: number, state: ObservedState): Observation {
    const seesBelow = state.isEvent && this.#keepsBelow(row.end_to_end_id, state);
    const reading = this.#read({ row, keys, atMicros: row.event_time }, events, epoch, state, seesBelow);
    return { ...reading, isEvent: state.isEvent, numbers: numbersOf(state, epoch), mark: 0 };
  }

  /** What a read in an epoch gives. */
  reading(read: FeatureRead, epoch: number, state: ObservedState): FeatureReading {
    const events = read.row === null ? null : this.#engine.write(read.row);
    return this.#read(read, events, epoch, state, false);
  }

  #read(
    { row, keys, atMicros }: FeatureRead,
    events: KindEvents | null,
    epoch: number,
    state: ObservedState,
    seesBelow: boolean,
  ): FeatureReading {
    const out = featureOutput(this.#set);
    const saw: Record<EntityKind, EntityNumber | null> = { ...NO_NUMBERS };
    for (let at = 0; at < ENTITY_KINDS.length; at += 1) {
      const kind = ENTITY_KINDS[at] as EntityKind;
      const entity = state.entities[at];
      const plan = this.#set.kinds[kind];
      if (entity == null) {
        writeAbsent(plan, FEATURE_STATUS.notFound, out);
        continue;
      }
      const { own } = entity;
      const below = seesBelow && own.kind === 'held' ? own.below : null;
      const seq = this.#reader.readEntity(at, below?.entity ?? entity.header, entity.events, entity.tiles);
      saw[kind] = { epoch, seq };
      const event = events?.[at] ?? NO_EVENT;
      if (own.kind === 'held' && below === null) this.#showOwn(at, keys, state.payment, event);
      this.#engine.windows[at]?.read(this.#reader.view, atMicros, event, out);
      if (plan.labels.length === 0) continue;
      this.#reader.readLabels(entity.labels, below?.labels);
      const { view, labelView } = this.#reader;
      this.#engine.labels.read(labelView, view, atMicros, event[EVENT_IDENTITY] ?? -1, out);
    }
    this.#engine.readRow(row, out);
    return { saw, values: out.values, status: out.status };
  }

  /** The payment's event is in the entity that is shown: as it was recorded. It is not where the payment named another one then. */
  #showOwn(at: number, keys: EntityKeys, payment: OwnEvent | null, event: Float64Array): void {
    const kind = ENTITY_KINDS[at] as EntityKind;
    const key = keys[kind];
    if (payment === null || key === null || payment.tokens[at] !== token53(key)) return;
    const { view } = this.#reader;
    view.ownIdentity = event[EVENT_IDENTITY] as number;
    view.ownTime = payment.time;
    const { slots, start } = this.#set.own.byKind[kind];
    for (let slot = 0; slot < slots.length; slot += 1) {
      view.own[slots[slot] as number] = payment.own[start + slot] as number;
    }
  }

  /**
   * Whether a payment that is asked for again sees what lay below its event, as the first attempt did: only where
   * every entity that holds it still keeps all that it kept then; else the payment is seen as it is now, and its
   * numbers say so. So it is where the payment was corrected meanwhile, or a retraction spoiled a tile.
   */
  #keepsBelow(endToEndId: string, { payment, entities }: ObservedState): boolean {
    if ((payment?.revision ?? 0) > 0) return false;
    const identity = token53(endToEndId);
    return entities.every(
      (entity, at) => entity === null || entity.own.kind !== 'held' || this.#entityKeepsBelow(at, identity, entity),
    );
  }

  #entityKeepsBelow(at: number, identity: number, { events, tiles, labels, own }: EntityBytes): boolean {
    const below = own.kind === 'held' ? own.below : null;
    if (below === null) return false;
    for (let tile = 1; tile < tiles.length; tile += 2) if (tiles[tile]?.readDoubleLE(0) === Infinity) return false;
    const size = this.#set.kinds[ENTITY_KINDS[at] as EntityKind].layout.stride * 8;
    const place = below.entity.readDoubleLE(56) * size;
    if (place + size > events.length) return false;
    if (events.readDoubleLE(place + EVENT_IDENTITY * 8) !== identity) return false;
    return labels.length === 0 || labels.readDoubleLE(8) === below.labels.readDoubleLE(8);
  }
}
