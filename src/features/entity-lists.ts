import type { EntityView } from './entity-view.ts';
import type { EventSlab } from './event-slab.ts';
import { type TilePool, TOTALS, tileOf } from './tile-pool.ts';
import type { UndoLog } from './undo-log.ts';
import { type KeepingRule, LEAST_KEPT } from './window-plan.ts';

/*
 * An entity's record is 64 bytes, one cache line, seen as int32 and as float64:
 *   int32    0 base · 1 head · 2 kept · 3 1 + size class · 4 sequence · 5 count · 14 tile chain · 15 extra
 *   float64  3 first time · 4 second time · 5 newest time · 6 newest dropped time
 */
const INTS = 16;
const FLOATS = 8;
const BASE = 0;
const HEAD = 1;
const KEPT = 2;
const CLASS = 3;
const SEQUENCE = 4;
const COUNT = 5;
const CHAIN = 14;
const EXTRA = 15;
const FIRST = 3;
const SECOND = 4;
const NEWEST = 5;
const DROPPED = 6;

/**
 * The states of many entities of a kind, and the one place that says what an entity keeps: the
 * last `bound` events by sequence; beyond the newest few, none that is older than any window can
 * reach. What is dropped leaves its time behind, and its tile where windows hop.
 */
export class EntityLists {
  readonly capacity: number;
  readonly #ints: Int32Array;
  readonly #floats: Float64Array;
  readonly #slab: EventSlab;
  readonly #tiles: TilePool;
  readonly #rule: KeepingRule;
  #used = 0;

  constructor(capacity: number, rule: KeepingRule, slab: EventSlab, tiles: TilePool) {
    this.capacity = capacity;
    this.#rule = rule;
    this.#slab = slab;
    this.#tiles = tiles;
    this.#floats = new Float64Array(capacity * FLOATS);
    this.#ints = new Int32Array(this.#floats.buffer);
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
    view.tiles = this.#tiles.numbers;
    view.tileChain = ints[at + CHAIN] as number;
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
    let drops = 0;
    if (ints[at + KEPT] === this.#rule.bound) {
      this.#dropHead(at, float, horizon, undo);
      drops = 1;
    }
    this.#write(at, event);
    while ((ints[at + KEPT] as number) > LEAST_KEPT && this.#headTime(at) <= horizon) {
      this.#dropHead(at, float, horizon, undo);
      drops += 1;
    }
    if (undo === null) return;
    undo.push(first);
    undo.push(second);
    undo.push(newestBefore);
    undo.push(droppedBefore);
    undo.push(drops);
    undo.push(entity);
  }

  /** Takes the newest append back; it must be the newest of all that `undo` holds. */
  undoAppend(undo: UndoLog): void {
    const entity = undo.pop();
    const ints = this.#ints;
    const floats = this.#floats;
    const at = entity * INTS;
    const float = entity * FLOATS;
    const drops = undo.pop();
    floats[float + DROPPED] = undo.pop();
    floats[float + NEWEST] = undo.pop();
    floats[float + SECOND] = undo.pop();
    floats[float + FIRST] = undo.pop();
    ints[at + COUNT] = (ints[at + COUNT] as number) - 1;
    ints[at + SEQUENCE] = (ints[at + SEQUENCE] as number) - 1;
    ints[at + KEPT] = (ints[at + KEPT] as number) - 1;
    for (let drop = 0; drop < drops; drop += 1) this.#undoDrop(at, undo);
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

  #dropHead(at: number, float: number, horizon: number, undo: UndoLog | null): void {
    const ints = this.#ints;
    const floats = this.#floats;
    const { numbers, stride } = this.#slab;
    const head = ints[at + HEAD] as number;
    const slot = ((ints[at + BASE] as number) + head) * stride;
    const time = numbers[slot] as number;
    ints[at + HEAD] = (head + 1) & ((1 << ((ints[at + CLASS] as number) - 1)) - 1);
    ints[at + KEPT] = (ints[at + KEPT] as number) - 1;
    if (time > (floats[float + DROPPED] as number)) floats[float + DROPPED] = time;
    const { widthMicros, hasTotals } = this.#rule.tiles;
    let tiled = 0;
    if (widthMicros > 0 && time > horizon) {
      // A tile that ends at the horizon or before it is seen by no window any more.
      this.#addToTile(at, tileOf(time, widthMicros), Math.floor(horizon / widthMicros), slot, undo);
      tiled += 1;
    }
    if (hasTotals) {
      this.#addToTile(at, TOTALS, TOTALS, slot, undo);
      tiled += 1;
    }
    if (undo === null) return;
    undo.push(tiled);
    for (let number = 0; number < stride; number += 1) undo.push(numbers[slot + number] as number);
  }

  #addToTile(at: number, index: number, least: number, slot: number, undo: UndoLog | null): void {
    const tiles = this.#tiles;
    const chain = this.#ints[at + CHAIN] as number;
    const used = tiles.used;
    const tile = tiles.find(chain, index, least);
    const isNew = tiles.used > used;
    if (undo !== null) {
      const from = tile * tiles.stride;
      for (let number = 0; number < tiles.stride; number += 1) undo.push(tiles.numbers[from + number] as number);
      undo.push(tile);
    }
    if (isNew) this.#ints[at + CHAIN] = tile + 1;
    tiles.add(tile, index, this.#slab.numbers, slot);
  }

  #undoDrop(at: number, undo: UndoLog): void {
    const ints = this.#ints;
    const head = ((ints[at + HEAD] as number) - 1) & ((1 << ((ints[at + CLASS] as number) - 1)) - 1);
    const { numbers, stride } = this.#slab;
    const slot = ((ints[at + BASE] as number) + head) * stride;
    ints[at + HEAD] = head;
    ints[at + KEPT] = (ints[at + KEPT] as number) + 1;
    for (let number = stride - 1; number >= 0; number -= 1) numbers[slot + number] = undo.pop();
    const tiles = this.#tiles;
    for (let tiled = undo.pop(); tiled > 0; tiled -= 1) {
      const from = undo.pop() * tiles.stride;
      for (let number = tiles.stride - 1; number >= 0; number -= 1) tiles.numbers[from + number] = undo.pop();
    }
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
