import type { EntityKind } from '../domain/entity-keys.ts';
import { ColdPool } from './cold/cold-pool.ts';
import { memoryPages } from './cold/memory-pages.ts';
import { EntityLists } from './entity-lists.ts';
import { EntityView } from './entity-view.ts';
import type { EpochBook } from './epoch-book.ts';
import { EventWriter } from './event-layout.ts';
import { EventSlab } from './event-slab.ts';
import { ColumnDeriver } from './expression/derived-columns.ts';
import type { FeatureOutput } from './feature-output.ts';
import type { FeatureSet } from './feature-set.ts';
import { FEATURE_STATUS } from './feature-status.ts';
import type { HistoryBlock } from './history-block.ts';
import { LABEL_STRIDE, LabelEngine } from './label-engine.ts';
import type { Groups } from './replay-groups.ts';
import type { ReplayInput } from './replay-input.ts';
import { NO_TILES } from './tile-layout.ts';
import { TilePool } from './tile-pool.ts';
import { writeAbsent } from './vector-engine.ts';
import { WindowEngine } from './window-engine.ts';
import { type KindPlan, labelKeeping } from './window-plan.ts';

/** Names of rows as numbers. */
export interface ReplayRows {
  readonly tokens: Float64Array;
  readonly labelTokens: Float64Array;
  /** Rows of a payment's events by its token, for payments that have a second side or two events. */
  readonly eventsOf: ReadonlyMap<number, readonly number[]>;
  /** For an event whose payment has another event (a store had lost the first): those that come before it in a base. */
  readonly earlierEvents: ReadonlyMap<number, readonly number[]>;
}

/** What the replay of one kind of entity works with. */
export interface EntityReplayContext {
  readonly set: FeatureSet;
  readonly input: ReplayInput;
  readonly book: EpochBook;
  readonly rows: ReplayRows;
  readonly paymentJournals: Int32Array;
  readonly labelJournals: Int32Array;
  readonly block: HistoryBlock;
  readonly out: FeatureOutput;
}

/** An epoch's numbers follow those of all earlier ones: one sorted double says both, exact for 2^20 epochs of 2^32. */
const EPOCH_STEP = 2 ** 32;

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
  readonly #kind: EntityKind;
  readonly #plan: KindPlan;
  readonly #engine: WindowEngine;
  readonly #labelEngine: LabelEngine;
  readonly #lists: EntityLists;
  readonly #tiles: TilePool;
  readonly #labels: EntityLists;
  readonly #writer: EventWriter;
  readonly #event: Float64Array;
  readonly #label = new Float64Array(LABEL_STRIDE);
  readonly #deriver = new ColumnDeriver();
  readonly #view = new EntityView();
  readonly #labelView = new EntityView();
  /** The state in which each event's row was fed; states are numbered. */
  readonly #fedIn: Int32Array;
  #state = 0;
  /** Records of the entity in their order: rows of payments, or −1 − rows of labels; with their sort keys. */
  #items = new Int32Array(64);
  #itemKeys = new Float64Array(64);
  #itemCount = 0;
  #numbered = 0;
  /** Reads of the entity in their order. */
  #reads = new Int32Array(64);
  #readKeys = new Float64Array(64);
  #readCount = 0;
  /** Items below `#next` were fed or left out; those from `#checked` on were fed since the last base. */
  #next = 0;
  #checked = 0;
  #leftOut: number[] = [];
  #fedUnnumbered = false;
  /** Whether an event of the entity counts only while another one, perhaps another entity's, is not in the base. */
  #hasDoubtful = false;
  #place = -1;

  constructor(kind: EntityKind, context: EntityReplayContext) {
    const { set, input } = context;
    const plan = set.kinds[kind];
    this.#context = context;
    this.#kind = kind;
    this.#plan = plan;
    this.#engine = new WindowEngine(plan, set.latenessMicros, set.defaults);
    this.#labelEngine = new LabelEngine(plan, set.latenessMicros, set.defaults);
    const { retentionMicros, tiles } = plan.keeping;
    const width = tiles.widthMicros;
    this.#tiles = new TilePool(width === 0 ? 4 : Math.ceil(retentionMicros / width) + 8, tiles);
    const { cold } = plan.keeping;
    const pool = cold === null ? null : new ColdPool(cold, memoryPages());
    this.#lists = new EntityLists(1, plan.keeping, new EventSlab(set.bound * 8, plan.layout.stride), this.#tiles, pool);
    this.#labels = labelLists(set.labelBound);
    this.#writer = new EventWriter(plan.layout);
    this.#event = new Float64Array(plan.layout.stride);
    this.#lists.create();
    this.#labels.create();
    this.#fedIn = new Int32Array(input.payments.count);
  }

  /** Marks what cannot be computed: no such entity, or the store did not answer. */
  writeAbsent(readEntities: Int32Array): void {
    const { input, out } = this.#context;
    const { epochs } = input.reads.saw[this.#kind];
    for (let read = 0; read < readEntities.length; read += 1) {
      const exists = (readEntities[read] as number) >= 0;
      if (exists && (epochs[read] as number) > 0) continue;
      writeAbsent(this.#plan, exists ? FEATURE_STATUS.unavailable : FEATURE_STATUS.notFound, out);
      this.#store(read);
    }
  }

  /** Answers every read of an entity. */
  run(entity: number, events: Groups, labels: Groups, reads: Groups): void {
    this.#takeReads(entity, reads);
    if (this.#readCount === 0) return;
    this.#takeItems(entity, events, labels);
    this.#reset();
    this.#place = -1;
    let epoch = 0;
    for (let at = 0; at < this.#readCount; at += 1) {
      const key = this.#readKeys[at] as number;
      const readEpoch = Math.floor(key / EPOCH_STEP);
      if (readEpoch !== epoch) {
        epoch = readEpoch;
        this.#openEpoch(epoch);
      }
      while (this.#next < this.#numbered && (this.#itemKeys[this.#next] as number) <= key) {
        this.#feed(this.#next);
        this.#next += 1;
      }
      this.#answer(this.#reads[at] as number);
    }
  }

  #takeReads(entity: number, { start, rows }: Groups): void {
    const { epochs, seqs } = this.#context.input.reads.saw[this.#kind];
    const begin = start[entity] as number;
    const count = (start[entity + 1] as number) - begin;
    this.#readCount = count;
    if (count > this.#reads.length) {
      this.#reads = new Int32Array(count * 2);
      this.#readKeys = new Float64Array(count * 2);
    }
    for (let at = 0; at < count; at += 1) {
      const read = rows[begin + at] as number;
      this.#reads[at] = read;
      this.#readKeys[at] = (epochs[read] as number) * EPOCH_STEP + (seqs[read] as number);
    }
    sortByKey(this.#reads, this.#readKeys, count, (a, b) => a - b);
  }

  #takeItems(entity: number, events: Groups, labels: Groups): void {
    const { payments, labels: label } = this.#context.input;
    const eventCount = (events.start[entity + 1] as number) - (events.start[entity] as number);
    const labelCount = (labels.start[entity + 1] as number) - (labels.start[entity] as number);
    const count = eventCount + labelCount;
    if (count > this.#items.length) {
      this.#items = new Int32Array(count * 2);
      this.#itemKeys = new Float64Array(count * 2);
    }
    const keyOf = (epoch: number, seq: number): number => (epoch === 0 ? Infinity : epoch * EPOCH_STEP + seq);
    const { epochs, seqs } = payments.numbers[this.#kind];
    for (let at = 0; at < eventCount; at += 1) {
      const row = events.rows[(events.start[entity] as number) + at] as number;
      this.#items[at] = row;
      this.#itemKeys[at] = keyOf(epochs[row] as number, seqs[row] as number);
    }
    for (let at = 0; at < labelCount; at += 1) {
      const row = labels.rows[(labels.start[entity] as number) + at] as number;
      this.#items[eventCount + at] = -1 - row;
      this.#itemKeys[eventCount + at] = keyOf(label.numbers.epochs[row] as number, label.numbers.seqs[row] as number);
    }
    sortByKey(this.#items, this.#itemKeys, count, (a, b) => this.#compareUnnumbered(a, b));
    const { earlierEvents } = this.#context.rows;
    this.#hasDoubtful =
      earlierEvents.size > 0 && this.#items.subarray(0, count).some((item) => earlierEvents.has(item));
    this.#itemCount = count;
    this.#numbered = count;
    while (this.#numbered > 0 && this.#itemKeys[this.#numbered - 1] === Infinity) this.#numbered -= 1;
  }

  /** Records without a number: by known time, journal, position. */
  #compareUnnumbered(a: number, b: number): number {
    const [left, right] = [this.#placeOf(a), this.#placeOf(b)];
    if (left.knownTime !== right.knownTime) return left.knownTime - right.knownTime;
    if (left.journalId !== right.journalId) return left.journalId < right.journalId ? -1 : 1;
    return left.position - right.position;
  }

  #placeOf(item: number): { knownTime: number; journalId: string; journal: number; position: number } {
    const { input, paymentJournals, labelJournals } = this.#context;
    const row = item < 0 ? -1 - item : item;
    const { places } = item < 0 ? input.labels : input.payments;
    return {
      knownTime: places.knownTimes[row] as number,
      journalId: places.journals[row] as string,
      journal: (item < 0 ? labelJournals : paymentJournals)[row] as number,
      position: places.positions[row] as number,
    };
  }

  #inBase(at: number, place: number): boolean {
    const item = this.#items[at] as number;
    const { input, labelJournals, rows, book } = this.#context;
    if (item < 0) {
      const row = -1 - item;
      return book.inBase(place, labelJournals[row] as number, input.labels.places.positions[row] as number);
    }
    if (!this.#paymentInBase(item, place)) return false;
    // State is keyed by payment: of two events the first counts.
    return rows.earlierEvents.get(item)?.some((row) => this.#paymentInBase(row, place)) !== true;
  }

  #paymentInBase(row: number, place: number): boolean {
    const { input, paymentJournals, book } = this.#context;
    return book.inBase(place, paymentJournals[row] as number, input.payments.places.positions[row] as number);
  }

  /** Makes the state the base of an epoch. */
  #openEpoch(epoch: number): void {
    const place = this.#context.book.placeOf(epoch);
    if (!this.#goesOn(place)) this.#reset();
    const end = epoch * EPOCH_STEP;
    for (; this.#next < this.#numbered && (this.#itemKeys[this.#next] as number) < end; this.#next += 1) {
      if (this.#inBase(this.#next, place)) this.#feed(this.#next);
      else this.#leftOut.push(this.#next);
    }
    for (let at = this.#numbered; at < this.#itemCount; at += 1) {
      if (!this.#inBase(at, place)) continue;
      this.#feed(at);
      this.#fedUnnumbered = true;
    }
    this.#checked = this.#next;
    this.#place = place;
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
    this.#labels.reset(0);
    this.#tiles.clear();
    this.#state += 1;
    this.#next = 0;
    this.#leftOut = [];
    this.#fedUnnumbered = false;
  }

  #feed(at: number): void {
    const item = this.#items[at] as number;
    const { input, rows } = this.#context;
    if (item < 0) {
      const row = -1 - item;
      const { labels } = input;
      this.#label[0] = labels.times[row] as number;
      this.#label[1] = rows.labelTokens[row] as number;
      this.#label[2] = labels.states[row] as number;
      this.#labels.append(0, this.#label, null);
      return;
    }
    this.#lists.append(0, this.#write(item, this.#event), null);
    this.#fedIn[item] = this.#state;
  }

  /** Fills `event` with the event of a payment's row. */
  #write(row: number, event: Float64Array): Float64Array {
    const payment = this.#context.input.payments.row(row);
    this.#writer.write(payment, this.#deriver.read(payment), this.#context.rows.tokens[row] as number, event);
    return event;
  }

  #answer(read: number): void {
    const { input, rows, out } = this.#context;
    const { payments } = input;
    const row = input.reads.rows[read] as number;
    const t = payments.times[row] as number;
    const token = rows.tokens[row] as number;
    const view = this.#view;
    this.#lists.show(0, view);
    const event = rows.eventsOf.get(token)?.find((candidate) => this.#fedIn[candidate] === this.#state);
    if (event !== undefined) {
      view.ownIdentity = token;
      view.ownTime = payments.times[event] as number;
      if (view.own.length === 0) view.own = new Float64Array(this.#event.length);
      this.#write(event, view.own);
    }
    this.#engine.read(view, t, this.#write(row, this.#event), out);
    if (this.#plan.labels.length > 0) {
      this.#labels.show(0, this.#labelView);
      this.#labelEngine.read(this.#labelView, view, t, token, out);
    }
    this.#store(read);
  }

  #store(read: number): void {
    const { block, out } = this.#context;
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

/** Sorts two columns by the second; nearly always they are in order, and then only looks. */
function sortByKey(
  items: Int32Array,
  keys: Float64Array,
  count: number,
  compareTied: (a: number, b: number) => number,
): void {
  let sorted = true;
  for (let at = 1; at < count && sorted; at += 1) {
    const before = keys[at - 1] as number;
    const key = keys[at] as number;
    sorted = before < key || (before === key && compareTied(items[at - 1] as number, items[at] as number) <= 0);
  }
  if (sorted) return;
  const order = Array.from({ length: count }, (_, at) => ({ item: items[at] as number, key: keys[at] as number }));
  order.sort((a, b) => (a.key === b.key ? compareTied(a.item, b.item) : a.key - b.key));
  for (let at = 0; at < count; at += 1) {
    const { item, key } = order[at] as { item: number; key: number };
    items[at] = item;
    keys[at] = key;
  }
}
