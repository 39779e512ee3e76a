import type { EntityKind } from '../../domain/entity-keys.ts';
import { ColdPool } from '../cold/cold-pool.ts';
import { memoryPages } from '../cold/memory-pages.ts';
import { EntityLists } from '../engine/entity-lists.ts';
import { EntityView } from '../engine/entity-view.ts';
import { EVENT_IDENTITY, EVENT_TIME, FIRST_SLOT } from '../engine/event-layout.ts';
import { EventSlab } from '../engine/event-slab.ts';
import { HistoryBlock } from '../engine/history-block.ts';
import { LABEL_STRIDE, LabelEngine } from '../engine/label-engine.ts';
import { NO_TILES } from '../engine/tile-layout.ts';
import { TilePool } from '../engine/tile-pool.ts';
import { featureOutput } from '../engine/vector-engine.ts';
import { WindowEngine } from '../engine/window-engine.ts';
import { type KindPlan, labelKeeping } from '../engine/window-plan.ts';
import type { FeatureOutput } from '../feature-output.ts';
import type { FeatureSet } from '../feature-set.ts';
import type { SpillWriter } from '../spill/spill-writer.ts';
import { type EpochBook, epochBook } from './epoch-book.ts';
import type { EventNumbers } from './event-rows.ts';
import { SEVERAL } from './other-events.ts';
import type { ReplayColumns } from './replay-columns.ts';
import { EPOCH_STEP, type KindReads, type KindRecords } from './replay-items.ts';
import type { ReplayPiece } from './replay-piece.ts';

/** Reads between asking for what one needs and needing it: some 5 µs, of which memory takes 0.1, and few enough to stay near. */
const AHEAD = 6;

/** What the replays of all kinds of entity share on one thread. */
export interface EntityReplayContext {
  readonly set: FeatureSet;
  readonly columns: ReplayColumns;
  readonly book: EpochBook;
  readonly out: FeatureOutput;
  /** The state in which each row's event was fed last; states are numbered over all kinds. */
  readonly fedIn: Int32Array;
  states: number;
  /** The piece that is replayed, and where its values go. */
  piece: ReplayPiece | null;
  block: HistoryBlock;
  /** Where values go that do not lie in the block. */
  spill: SpillWriter | null;
  /** What was read ahead of its use: nobody wants it, but what nobody keeps is not read. */
  asked: number;
}

/** What replays of one thread share, before the first piece. */
export function replayContext(set: FeatureSet, columns: ReplayColumns): EntityReplayContext {
  return {
    set,
    columns,
    book: epochBook(columns.epochs),
    out: featureOutput(set),
    fedIn: new Int32Array(columns.payments.count),
    states: 0,
    piece: null,
    block: new HistoryBlock(set, new Float64Array(0), new Uint8Array(0)),
    spill: null,
    asked: 0,
  };
}

/**
 * Replays entities of one kind, one after another, through one state.
 *
 * An entity's records are sorted by (epoch, number), those without a number last. For each epoch
 * that reads name, the state must hold the epoch's base and nothing else. Nearly always that is
 * what was fed so far (the store was built from all that there was); then the state goes on. Where
 * it is not (something fed is not in the base, or something left out now is) the state is built anew.
 */
export class EntityReplay {
  readonly #context: EntityReplayContext;
  readonly #plan: KindPlan;
  readonly #records: KindRecords;
  readonly #engine: WindowEngine;
  readonly #labelEngine: LabelEngine;
  readonly #lists: EntityLists;
  readonly #tiles: TilePool;
  readonly #labels: EntityLists;
  readonly #events: EventNumbers;
  /** Places of the kind's event in a row of all kinds', in the order of its layout. */
  readonly #places: Int32Array;
  readonly #event: Float64Array;
  /** The row whose event that is. */
  #written = -1;
  readonly #label = new Float64Array(LABEL_STRIDE);
  readonly #view = new EntityView();
  readonly #labelView = new EntityView();
  /** Places of the entity's records: its first, behind its last, behind the last that has a number. */
  #first = 0;
  #end = 0;
  #numbered = 0;
  /** Records below `#next` were fed or left out; those from `#checked` on were fed since the last base. */
  #next = 0;
  #checked = 0;
  #leftOut: number[] = [];
  #fedUnnumbered = false;
  /** Places of records without a number that were fed before their turn. */
  #fedEarly = new Set<number>();
  /** Whether an event of the entity counts only while another one, perhaps another entity's, is not in the base. */
  #hasDoubtful = false;
  #place = -1;

  /** @param records of the kind. */
  constructor(kind: EntityKind, records: KindRecords, context: EntityReplayContext) {
    const { set, columns } = context;
    const plan = set.kinds[kind];
    this.#context = context;
    this.#plan = plan;
    this.#records = records;
    this.#engine = new WindowEngine(plan, set.latenessMicros, set.defaults, 'one');
    this.#labelEngine = new LabelEngine(plan, set.latenessMicros, set.defaults);
    const { retentionMicros, tiles } = plan.keeping;
    const width = tiles.widthMicros;
    this.#tiles = new TilePool(width === 0 ? 4 : Math.ceil(retentionMicros / width) + 8, tiles);
    const { cold } = plan.keeping;
    const pool = cold === null ? null : new ColdPool(cold, memoryPages());
    this.#lists = new EntityLists(1, plan.keeping, new EventSlab(set.bound * 8, plan.layout.stride), this.#tiles, pool);
    this.#labels = labelLists(set.labelBound);
    this.#events = columns.payments.events;
    this.#places = this.#events.placesOf[kind];
    this.#event = new Float64Array(plan.layout.stride);
    this.#lists.create();
    this.#labels.create();
  }

  /** Answers every read of an entity. @param at its place among the entities of the reads. */
  run({ entities, start, reads, keys }: KindReads, at: number): void {
    this.#takeRecords(entities[at] as number);
    this.#reset();
    this.#place = -1;
    let epoch = 0;
    const end = start[at + 1] as number;
    for (let read = start[at] as number; read < end; read += 1) {
      const key = keys[read] as number;
      const readEpoch = Math.floor(key / EPOCH_STEP);
      if (readEpoch !== epoch) {
        epoch = readEpoch;
        this.#openEpoch(epoch);
      }
      while (this.#next < this.#numbered && (this.#records.keys[this.#next] as number) <= key) {
        this.#feed(this.#next);
        this.#next += 1;
      }
      if (read + AHEAD < reads.length) this.#lookAhead(reads[read + AHEAD] as number);
      this.#answer(reads[read] as number);
    }
  }

  /**
   * Asks for the memory that a read of soon needs, of this entity or the next: payments of an entity lie anywhere, and
   * a processor waits for each of their numbers unless it was told before. On a busy machine it saved a tenth to a fifth
   * of 12 values’ time.
   */
  #lookAhead(read: number): void {
    const context = this.#context;
    const { columns, piece, block, spill, fedIn } = context;
    const row = piece?.rows[read] as number;
    const event = this.#numberOf(row, EVENT_TIME) + (columns.payments.eventOf[row] as number) + (fedIn[row] as number);
    context.asked = spill === null ? event + block.firstOf(read) : event;
  }

  #takeRecords(entity: number): void {
    const { start, items, keys } = this.#records;
    this.#first = start[entity] as number;
    this.#end = start[entity + 1] as number;
    this.#numbered = this.#end;
    while (this.#numbered > this.#first && keys[this.#numbered - 1] === Infinity) this.#numbered -= 1;
    const { earlierEvents } = this.#context.columns.payments;
    this.#hasDoubtful =
      earlierEvents.size > 0 && items.subarray(this.#first, this.#end).some((item) => earlierEvents.has(item));
  }

  #inBase(at: number, place: number): boolean {
    const item = this.#records.items[at] as number;
    const { columns, book } = this.#context;
    if (item < 0) {
      const { journals, positions } = columns.labels;
      return book.inBase(place, journals[-1 - item] as number, positions[-1 - item] as number);
    }
    if (!this.#paymentInBase(item, place)) return false;
    // State is keyed by payment: of two events the first counts.
    return columns.payments.earlierEvents.get(item)?.some((row) => this.#paymentInBase(row, place)) !== true;
  }

  #paymentInBase(row: number, place: number): boolean {
    const { columns, book } = this.#context;
    const { journals, positions } = columns.payments;
    return book.inBase(place, journals[row] as number, positions[row] as number);
  }

  /** Makes the state the base of an epoch. */
  #openEpoch(epoch: number): void {
    const place = this.#context.book.placeOf(epoch);
    if (!this.#goesOn(place)) this.#reset();
    const end = epoch * EPOCH_STEP;
    for (; this.#next < this.#numbered && (this.#records.keys[this.#next] as number) < end; this.#next += 1) {
      if (!this.#inBase(this.#next, place)) {
        this.#leftOut.push(this.#next);
        continue;
      }
      this.#feedRetracted(this.#next, place);
      this.#feed(this.#next);
    }
    for (let at = this.#numbered; at < this.#end; at += 1) {
      if (!this.#inBase(at, place) || this.#fedEarly.has(at)) continue;
      this.#feed(at);
      this.#fedUnnumbered = true;
    }
    this.#checked = this.#next;
    this.#place = place;
  }

  /** An event without a number that a record of the base retracts comes right before that, where all others come last. */
  #feedRetracted(at: number, place: number): void {
    const { items } = this.#records;
    const { retractions } = this.#context.columns.payments;
    const row = items[at] as number;
    if (this.#numbered === this.#end || !retractions.has(row)) return;
    const token = this.#numberOf(row, EVENT_IDENTITY);
    for (let early = this.#numbered; early < this.#end; early += 1) {
      const item = items[early] as number;
      if (item < 0 || this.#numberOf(item, EVENT_IDENTITY) !== token || retractions.has(item)) continue;
      if (this.#fedEarly.has(early) || !this.#inBase(early, place)) continue;
      this.#feed(early);
      this.#fedEarly.add(early);
      this.#fedUnnumbered = true;
    }
  }

  /** Whether what was fed so far begins the base at `place`, and nothing before `#next` is missing from it. */
  #goesOn(place: number): boolean {
    const { book } = this.#context;
    if (this.#place < 0) return true;
    if (this.#fedUnnumbered || this.#hasDoubtful || !book.extends(place, this.#place)) return false;
    for (let at = this.#checked; at < this.#next; at += 1) if (!this.#inBase(at, place)) return false;
    return !this.#leftOut.some((at) => this.#inBase(at, place));
  }

  #reset(): void {
    this.#lists.reset(0);
    this.#engine.forget();
    this.#labels.reset(0);
    this.#tiles.clear();
    this.#context.states += 1;
    this.#next = this.#first;
    if (this.#leftOut.length > 0) this.#leftOut = [];
    this.#fedUnnumbered = false;
    if (this.#fedEarly.size > 0) this.#fedEarly = new Set();
  }

  #feed(at: number): void {
    const item = this.#records.items[at] as number;
    const { columns, fedIn, states } = this.#context;
    const { retractions } = columns.payments;
    if (retractions.size > 0 && retractions.has(item)) {
      this.#retract(item);
      return;
    }
    if (item < 0) {
      const row = -1 - item;
      const { labels } = columns;
      this.#label[0] = labels.times[row] as number;
      this.#label[1] = labels.tokens[row] as number;
      this.#label[2] = labels.states[row] as number;
      this.#labels.append(0, this.#label, null);
      return;
    }
    this.#lists.append(0, this.#eventOf(item), null);
    fedIn[item] = states;
  }

  /** Takes the event of a retraction's payment out, where it is in this state. */
  #retract(row: number): void {
    const token = this.#numberOf(row, EVENT_IDENTITY);
    const event = this.#fedEvent(row, token);
    if (event < 0) return;
    this.#lists.retract(0, token, this.#numberOf(event, EVENT_TIME), null);
    this.#context.fedIn[event] = -1;
    // Running sums follow what is appended and dropped, not what is taken out of the midst.
    this.#engine.forget();
  }

  /** The event of a payment's row. Nearly always a payment is read and then fed: it is written once for both. */
  #eventOf(row: number): Float64Array {
    if (this.#written !== row) this.#write(row, this.#event);
    this.#written = row;
    return this.#event;
  }

  /** Fills `event` with the event of a payment's row. */
  #write(row: number, event: Float64Array): Float64Array {
    const { numbers, stride } = this.#events;
    const places = this.#places;
    const base = row * stride;
    event[EVENT_TIME] = numbers[base + EVENT_TIME] as number;
    event[EVENT_IDENTITY] = numbers[base + EVENT_IDENTITY] as number;
    for (let at = 0; at < places.length; at += 1) {
      event[FIRST_SLOT + at] = numbers[base + (places[at] as number)] as number;
    }
    return event;
  }

  #numberOf(row: number, place: number): number {
    return this.#events.numbers[row * this.#events.stride + place] as number;
  }

  #answer(read: number): void {
    const { piece, out } = this.#context;
    const row = piece?.rows[read] as number;
    const scored = this.#eventOf(row);
    const t = scored[EVENT_TIME] as number;
    const token = scored[EVENT_IDENTITY] as number;
    const view = this.#view;
    this.#lists.show(0, view);
    const event = this.#fedEvent(row, token);
    if (event >= 0) {
      view.ownIdentity = token;
      view.ownTime = this.#numberOf(event, EVENT_TIME);
      if (view.own.length === 0) view.own = new Float64Array(this.#event.length);
      this.#write(event, view.own);
    }
    this.#engine.read(view, t, scored, out);
    if (this.#plan.labels.length > 0) {
      this.#labels.show(0, this.#labelView);
      this.#labelEngine.read(this.#labelView, view, t, token, out);
    }
    this.#store(read);
  }

  /** The row of the payment's event in this state; −1 where there is none. */
  #fedEvent(row: number, token: number): number {
    const { columns, fedIn, states } = this.#context;
    const { eventOf, eventsOf } = columns.payments;
    const event = eventOf[row] as number;
    if (event === SEVERAL) return eventsOf.get(token)?.find((candidate) => fedIn[candidate] === states) ?? -1;
    return event >= 0 && fedIn[event] === states ? event : -1;
  }

  #store(read: number): void {
    const { block, spill, out } = this.#context;
    if (spill !== null) {
      spill.store(read, out);
      return;
    }
    block.store(read, this.#plan.outputs, out);
    block.store(read, this.#plan.labelOutputs, out);
  }
}

function labelLists(bound: number): EntityLists {
  return new EntityLists(
    1,
    labelKeeping(bound),
    new EventSlab(bound * 8, LABEL_STRIDE),
    new TilePool(0, NO_TILES),
    null,
  );
}
