import { isHole } from '../cold/cold-hole.ts';
import type { ColdPool } from '../cold/cold-pool.ts';
import {
  BASE,
  CHAIN,
  CLASS,
  COUNT,
  DROPPED,
  EXTRA,
  FIRST,
  FLOATS,
  HEAD,
  INTS,
  KEPT,
  NEWEST,
  SECOND,
  SEQUENCE,
} from './entity-record.ts';
import { EntityTiles } from './entity-tiles.ts';
import type { EntityView } from './entity-view.ts';
import { EventRing } from './event-ring.ts';
import type { EventSlab } from './event-slab.ts';
import { type FirstTimes, firstTimesWithout } from './first-times.ts';
import type { TilePool } from './tile-pool.ts';
import type { UndoLog } from './undo-log.ts';
import { type KeepingRule, LEAST_KEPT } from './window-plan.ts';

/** What became of an event that left its place, in the log of what can be undone. */
const DROPPED_HEAD = 0;
const COOLED_HEAD = 1;
const FORGOT_COLD = 2;
const FORGOT_HOLE = 3;

/** Where an event was that is retracted, in the same log; a place in memory is 0 or more. */
const WAS_DROPPED = -1;
const WAS_COLD = -2;

/**
 * The states of many entities of a kind, and the one place that says what an entity keeps: the
 * last `bound` events by sequence; beyond the newest few, none that is older than any window can
 * reach. What is dropped leaves its time behind, and its tile where windows hop. A set without a bound drops
 * only what no window can reach; of the others those beyond the newest `bound` are cold ({@link ColdPool}).
 */
export class EntityLists {
  readonly capacity: number;
  readonly #ints: Int32Array;
  readonly #floats: Float64Array;
  readonly #slab: EventSlab;
  readonly #pool: TilePool;
  readonly #tiles: EntityTiles;
  readonly #rule: KeepingRule;
  readonly #cold: ColdPool | null;
  readonly #ring: EventRing;
  /** Numbers of a cold event that is taken out. */
  readonly #taken: Float64Array;
  #used = 0;

  constructor(capacity: number, rule: KeepingRule, slab: EventSlab, tiles: TilePool, cold: ColdPool | null) {
    this.capacity = capacity;
    this.#rule = rule;
    this.#slab = slab;
    this.#pool = tiles;
    this.#cold = cold;
    this.#taken = new Float64Array(slab.stride);
    this.#floats = new Float64Array(capacity * FLOATS);
    this.#ints = new Int32Array(this.#floats.buffer);
    this.#ring = new EventRing(this.#ints, slab);
    this.#tiles = new EntityTiles(this.#ints, tiles, rule.tiles);
  }

  /** Entities in the table; an entity's index is below it. */
  get used(): number {
    return this.#used;
  }

  /** Makes a state without events. The caller has looked that there is room. */
  create(): number {
    const entity = this.#used;
    this.#used += 1;
    this.reset(entity);
    return entity;
  }

  /** Empties a state and gives its events back; its sequence begins again. */
  reset(entity: number): void {
    const ints = this.#ints;
    const at = entity * INTS;
    const sizeClass = (ints[at + CLASS] as number) - 1;
    if (sizeClass >= 0) this.#slab.give(ints[at + BASE] as number, sizeClass);
    this.#cold?.forget(entity);
    ints.fill(0, at, at + INTS);
    const float = entity * FLOATS;
    this.#floats[float + FIRST] = Infinity;
    this.#floats[float + SECOND] = Infinity;
    this.#floats[float + NEWEST] = -Infinity;
    this.#floats[float + DROPPED] = -Infinity;
  }

  /** The last number that the entity gave. */
  sequence(entity: number): number {
    return this.#ints[entity * INTS + SEQUENCE] as number;
  }

  /** Sets the last number: a new epoch counts from 1 again, a label takes one too. */
  setSequence(entity: number, sequence: number): void {
    this.#ints[entity * INTS + SEQUENCE] = sequence;
  }

  /** A number that the store keeps with the entity: the payee's list of labels + 1. */
  extra(entity: number): number {
    return this.#ints[entity * INTS + EXTRA] as number;
  }

  /** See {@link extra}. */
  setExtra(entity: number, value: number): void {
    this.#ints[entity * INTS + EXTRA] = value;
  }

  /** Events that the entity ever had. */
  count(entity: number): number {
    return this.#ints[entity * INTS + COUNT] as number;
  }

  /** Shows a state to the engine. The view is true until the next append. */
  show(entity: number, view: EntityView): void {
    const ints = this.#ints;
    const floats = this.#floats;
    const at = entity * INTS;
    const float = entity * FLOATS;
    const sizeClass = (ints[at + CLASS] as number) - 1;
    view.events = this.#slab.numbers;
    view.stride = this.#slab.stride;
    view.base = ints[at + BASE] as number;
    view.head = ints[at + HEAD] as number;
    view.mask = sizeClass < 0 ? 0 : (1 << sizeClass) - 1;
    view.kept = ints[at + KEPT] as number;
    view.count = ints[at + COUNT] as number;
    view.first = floats[float + FIRST] as number;
    view.second = floats[float + SECOND] as number;
    view.maxSeen = floats[float + NEWEST] as number;
    view.maxDropped = floats[float + DROPPED] as number;
    view.tiles = this.#pool.numbers;
    view.tileChain = ints[at + CHAIN] as number;
    view.cold = this.#cold === null ? null : this.#cold.of(entity);
    view.ownIdentity = -1;
  }

  /**
   * Appends an event with the entity's next number.
   *
   * @param event its numbers, as the entity's layout names them: the first is its time.
   * @param undo where to note what {@link undoAppend} needs; null where it is never undone.
   */
  append(entity: number, event: Float64Array, undo: UndoLog | null): void {
    const time = event[0] as number;
    const ints = this.#ints;
    const floats = this.#floats;
    const at = entity * INTS;
    const float = entity * FLOATS;
    const first = floats[float + FIRST] as number;
    const second = floats[float + SECOND] as number;
    const newestBefore = floats[float + NEWEST] as number;
    const droppedBefore = floats[float + DROPPED] as number;
    if (time < first) {
      floats[float + SECOND] = first;
      floats[float + FIRST] = time;
    } else if (time < second) {
      floats[float + SECOND] = time;
    }
    const newest = Math.max(time, newestBefore);
    floats[float + NEWEST] = newest;
    ints[at + COUNT] = (ints[at + COUNT] as number) + 1;
    ints[at + SEQUENCE] = (ints[at + SEQUENCE] as number) + 1;
    const horizon = newest - this.#rule.retentionMicros;
    let moves = 0;
    if (ints[at + KEPT] === this.#rule.bound) {
      if (this.#cold === null) this.#dropHead(entity, horizon, undo);
      else this.#coolHead(this.#cold, entity, horizon, undo);
      moves = 1;
    }
    this.#write(at, event);
    if (this.#cold !== null) moves += this.#forgetCold(this.#cold, entity, horizon, undo);
    // Heads go in their order: none in memory before all cold ones.
    const hasCold = (this.#cold?.of(entity)?.count ?? 0) > 0;
    while (!hasCold && (ints[at + KEPT] as number) > LEAST_KEPT && this.#headTime(at) <= horizon) {
      this.#dropHead(entity, horizon, undo);
      moves += 1;
    }
    if (undo === null) return;
    undo.push(first);
    undo.push(second);
    undo.push(newestBefore);
    undo.push(droppedBefore);
    undo.push(moves);
    undo.push(entity);
  }

  /** Takes the newest append back; it must be the newest of all that `undo` holds. */
  undoAppend(undo: UndoLog): void {
    const entity = undo.pop();
    const ints = this.#ints;
    const floats = this.#floats;
    const at = entity * INTS;
    const float = entity * FLOATS;
    const moves = undo.pop();
    floats[float + DROPPED] = undo.pop();
    floats[float + NEWEST] = undo.pop();
    floats[float + SECOND] = undo.pop();
    floats[float + FIRST] = undo.pop();
    ints[at + COUNT] = (ints[at + COUNT] as number) - 1;
    ints[at + SEQUENCE] = (ints[at + SEQUENCE] as number) - 1;
    ints[at + KEPT] = (ints[at + KEPT] as number) - 1;
    for (let move = 0; move < moves; move += 1) this.#undoMove(entity, undo);
  }

  /**
   * Takes an event out that the entity has, with the entity's next number. One that is cold leaves a hole, and its tiles.
   * Where the entity has dropped it, the tiles that hold it are spoiled: what it added to them cannot be taken out. When
   * the entity was first seen is known without it only while nothing was dropped; how late a payment is, is measured
   * against all that was ever seen.
   *
   * @param identity of the event. @param time of it.
   * @param undo where to note what {@link undoRetract} needs; null where it is never undone.
   */
  retract(entity: number, identity: number, time: number, undo: UndoLog | null): void {
    const ints = this.#ints;
    const floats = this.#floats;
    const at = entity * INTS;
    const float = entity * FLOATS;
    const first = floats[float + FIRST] as number;
    const second = floats[float + SECOND] as number;
    const place = this.#takeOut(entity, identity, time, undo);
    ints[at + COUNT] = (ints[at + COUNT] as number) - 1;
    ints[at + SEQUENCE] = (ints[at + SEQUENCE] as number) + 1;
    if (time <= Math.max(first, second)) {
      const isWhole = floats[float + DROPPED] === -Infinity;
      const times = isWhole ? this.#firstTimes(entity) : firstTimesWithout(time, { first, second });
      floats[float + FIRST] = times.first;
      floats[float + SECOND] = times.second;
    }
    if (undo === null) return;
    undo.push(first);
    undo.push(second);
    undo.push(place);
    undo.push(entity);
  }

  /** The two smallest event times of an entity that has dropped nothing. */
  #firstTimes(entity: number): FirstTimes {
    const kept = this.#ring.firstTimes(entity * INTS);
    return this.#cold?.of(entity)?.firstTimes(kept) ?? kept;
  }

  /** Takes the newest retraction back; it must be the newest of all that `undo` holds. */
  undoRetract(undo: UndoLog): void {
    const entity = undo.pop();
    const place = undo.pop();
    const ints = this.#ints;
    const at = entity * INTS;
    this.#floats[entity * FLOATS + SECOND] = undo.pop();
    this.#floats[entity * FLOATS + FIRST] = undo.pop();
    ints[at + COUNT] = (ints[at + COUNT] as number) + 1;
    ints[at + SEQUENCE] = (ints[at + SEQUENCE] as number) - 1;
    if (place >= 0) {
      this.#ring.putBack(at, place, undo);
      return;
    }
    this.#tiles.restore(undo);
    if (place === WAS_COLD) this.#cold?.of(entity)?.undoTakeOut(undo);
  }

  /** Takes an event out of where it is. @returns its place in memory, or where else it was. */
  #takeOut(entity: number, identity: number, time: number, undo: UndoLog | null): number {
    const at = entity * INTS;
    const place = this.#ring.placeOf(at, identity);
    if (place >= 0) {
      this.#ring.takeOut(at, place, undo);
      return place;
    }
    const cold = this.#cold?.of(entity) ?? null;
    if (cold?.takeOut(identity, time, this.#taken, undo) === true) {
      this.#tiles.takeOut(at, this.#taken, cold, undo);
      return WAS_COLD;
    }
    this.#tiles.spoil(at, time, undo);
    return WAS_DROPPED;
  }

  #headTime(at: number): number {
    const slot = (this.#ints[at + BASE] as number) + (this.#ints[at + HEAD] as number);
    return this.#slab.numbers[slot * this.#slab.stride] as number;
  }

  #write(at: number, event: Float64Array): void {
    const ints = this.#ints;
    const kept = ints[at + KEPT] as number;
    let sizeClass = (ints[at + CLASS] as number) - 1;
    if (sizeClass < 0 || kept === 1 << sizeClass) {
      this.#grow(at, sizeClass);
      sizeClass += 1;
    }
    const mask = (1 << sizeClass) - 1;
    const { numbers, stride } = this.#slab;
    const slot = ((ints[at + BASE] as number) + (((ints[at + HEAD] as number) + kept) & mask)) * stride;
    for (let number = 0; number < stride; number += 1) numbers[slot + number] = event[number] as number;
    ints[at + KEPT] = kept + 1;
  }

  #grow(at: number, sizeClass: number): void {
    const ints = this.#ints;
    const base = this.#slab.take(sizeClass + 1);
    if (sizeClass >= 0) {
      const old = ints[at + BASE] as number;
      const head = ints[at + HEAD] as number;
      const size = 1 << sizeClass;
      const { numbers, stride } = this.#slab;
      const split = (old + head) * stride;
      numbers.copyWithin(base * stride, split, (old + size) * stride);
      numbers.copyWithin((base + size - head) * stride, old * stride, split);
      this.#slab.give(old, sizeClass);
    }
    ints[at + BASE] = base;
    ints[at + HEAD] = 0;
    ints[at + CLASS] = sizeClass + 2;
  }

  /** Drops the oldest event: its time stays, and what tiles sum of it. */
  #dropHead(entity: number, horizon: number, undo: UndoLog | null): void {
    const at = entity * INTS;
    const { numbers, stride } = this.#slab;
    const from = this.#takeHead(at) * stride;
    const time = numbers[from] as number;
    this.#noteDropped(entity, time);
    this.#tiles.add(at, numbers, from, horizon, this.#cold !== null, undo);
    if (undo === null) return;
    for (let number = 0; number < stride; number += 1) undo.push(numbers[from + number] as number);
    undo.push(DROPPED_HEAD);
  }

  /** Moves the oldest event in memory to the cold ones. */
  #coolHead(cold: ColdPool, entity: number, horizon: number, undo: UndoLog | null): void {
    const at = entity * INTS;
    const { numbers, stride } = this.#slab;
    const from = this.#takeHead(at) * stride;
    this.#tiles.add(at, numbers, from, horizon, false, undo);
    cold.make(entity).push(numbers, from);
    undo?.push(COOLED_HEAD);
  }

  /** Drops cold events that no window can reach, and the holes between them. @returns how many. */
  #forgetCold(cold: ColdPool, entity: number, horizon: number, undo: UndoLog | null): number {
    const events = cold.of(entity);
    if (events === null) return 0;
    let forgotten = 0;
    const inMemory = this.#ints[entity * INTS + KEPT] as number;
    while (events.count > 0 && events.count + inMemory > LEAST_KEPT) {
      const { numbers, at: from } = events.head();
      const time = numbers[from] as number;
      if (time > horizon) break;
      const wasHole = isHole(numbers, from);
      if (!wasHole) {
        this.#noteDropped(entity, time);
        this.#tiles.addForgotten(entity * INTS, numbers, from, undo);
      }
      events.dropHead(wasHole, undo);
      forgotten += 1;
      undo?.push(wasHole ? FORGOT_HOLE : FORGOT_COLD);
    }
    return forgotten;
  }

  /** Takes the oldest event in memory off its list. @returns its place, whose numbers are still there. */
  #takeHead(at: number): number {
    const ints = this.#ints;
    const head = ints[at + HEAD] as number;
    ints[at + HEAD] = (head + 1) & ((1 << ((ints[at + CLASS] as number) - 1)) - 1);
    ints[at + KEPT] = (ints[at + KEPT] as number) - 1;
    return (ints[at + BASE] as number) + head;
  }

  #noteDropped(entity: number, time: number): void {
    const place = entity * FLOATS + DROPPED;
    if (time > (this.#floats[place] as number)) this.#floats[place] = time;
  }

  #undoMove(entity: number, undo: UndoLog): void {
    const code = undo.pop();
    if (code === FORGOT_COLD || code === FORGOT_HOLE) {
      this.#cold?.of(entity)?.undoDrop(code === FORGOT_HOLE);
    } else {
      const at = entity * INTS;
      const ints = this.#ints;
      const head = ((ints[at + HEAD] as number) - 1) & ((1 << ((ints[at + CLASS] as number) - 1)) - 1);
      const { numbers, stride } = this.#slab;
      const to = ((ints[at + BASE] as number) + head) * stride;
      ints[at + HEAD] = head;
      ints[at + KEPT] = (ints[at + KEPT] as number) + 1;
      if (code === COOLED_HEAD) this.#cold?.of(entity)?.pop(numbers, to);
      else for (let number = stride - 1; number >= 0; number -= 1) numbers[to + number] = undo.pop();
    }
    if (code !== FORGOT_HOLE) this.#tiles.restore(undo);
  }

  /** The columns that a snapshot keeps. */
  recordBytes(): Uint8Array {
    return new Uint8Array(this.#floats.buffer, 0, this.#used * FLOATS * 8);
  }

  /** Takes a snapshot's columns. */
  restoreRecords(bytes: Uint8Array): void {
    new Uint8Array(this.#floats.buffer).set(bytes);
    this.#used = bytes.length / (FLOATS * 8);
  }
}
