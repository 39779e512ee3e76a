import type { ColdEvents } from '../cold/cold-events.ts';
import { CHAIN } from './entity-record.ts';
import { EVENT_TIME, passes } from './event-layout.ts';
import type { TileGroup, TileLayout } from './tile-layout.ts';
import { FORGOTTEN, type TilePool, TOTALS, tileOf } from './tile-pool.ts';
import type { UndoLog } from './undo-log.ts';

/**
 * What the tiles of entities take in of events that leave memory, and what is taken out of them again. A record begins
 * at `at`, counted in int32. Each change notes the tiles that it touches in `undo`, as they were: {@link restore} takes
 * it back. Null where it is never undone.
 */
export class EntityTiles {
  readonly #ints: Int32Array;
  readonly #tiles: TilePool;
  readonly #layout: TileLayout;

  /** @param ints records of entities. */
  constructor(ints: Int32Array, tiles: TilePool, layout: TileLayout) {
    this.#ints = ints;
    this.#tiles = tiles;
    this.#layout = layout;
  }

  /** Adds an event that leaves memory. @param horizon older events are in no window. @param isForgotten whether a set without a bound keeps it nowhere else. */
  add(
    at: number,
    numbers: Float64Array,
    from: number,
    horizon: number,
    isForgotten: boolean,
    undo: UndoLog | null,
  ): void {
    const { widthMicros, hasTotals } = this.#layout;
    const time = numbers[from] as number;
    let tiled = 0;
    if (widthMicros > 0 && time > horizon) {
      // A tile that ends at the horizon or before it is seen by no window any more.
      this.#addTo(at, tileOf(time, widthMicros), Math.floor(horizon / widthMicros), numbers, from, undo);
      tiled += 1;
    }
    if (hasTotals) {
      this.#addTo(at, TOTALS, TOTALS, numbers, from, undo);
      tiled += 1;
    }
    if (hasTotals && isForgotten) {
      this.#addTo(at, FORGOTTEN, FORGOTTEN, numbers, from, undo);
      tiled += 1;
    }
    undo?.push(tiled);
  }

  /** Adds a cold event that is forgotten to those of which nothing else is known. */
  addForgotten(at: number, numbers: Float64Array, from: number, undo: UndoLog | null): void {
    const { hasTotals } = this.#layout;
    if (hasTotals) this.#addTo(at, FORGOTTEN, FORGOTTEN, numbers, from, undo);
    undo?.push(hasTotals ? 1 : 0);
  }

  /** Marks the tiles that hold a dropped event as of no known time: a window that reaches one is `truncated`. */
  spoil(at: number, time: number, undo: UndoLog | null): void {
    const { widthMicros } = this.#layout;
    const index = widthMicros > 0 ? tileOf(time, widthMicros) : TOTALS;
    const tiles = this.#tiles;
    let spoiled = 0;
    for (let tile = (this.#ints[at + CHAIN] as number) - 1; tile >= 0; tile = tiles.nextOf(tile)) {
      const other = tiles.indexOf(tile);
      if (other !== index && other !== TOTALS && other !== FORGOTTEN) continue;
      this.#note(tile, undo);
      tiles.setNewest(tile, Infinity);
      spoiled += 1;
    }
    undo?.push(spoiled);
  }

  /**
   * Takes a cold event out of the tiles that hold it, as if it had never been there: what sums it is less by it, and a
   * register that it alone held so high is found again among the other events that tiles have of `cold`.
   */
  takeOut(at: number, event: Float64Array, cold: ColdEvents, undo: UndoLog | null): void {
    const { widthMicros } = this.#layout;
    const own = widthMicros > 0 ? tileOf(event[EVENT_TIME] as number, widthMicros) : TOTALS;
    const tiles = this.#tiles;
    let touched = 0;
    for (let tile = (this.#ints[at + CHAIN] as number) - 1; tile >= 0; tile = tiles.nextOf(tile)) {
      const index = tiles.indexOf(tile);
      if (index !== own && index !== TOTALS) continue;
      this.#note(tile, undo);
      tiles.takeOut(tile, event);
      this.#lowerRegisters(at, tile, event, cold);
      touched += 1;
    }
    undo?.push(touched);
  }

  /** Takes the newest change back. */
  restore(undo: UndoLog): void {
    const { numbers, stride } = this.#tiles;
    for (let touched = undo.pop(); touched > 0; touched -= 1) {
      const place = undo.pop() * stride;
      for (let number = stride - 1; number >= 0; number -= 1) numbers[place + number] = undo.pop();
    }
  }

  /** @param least tiles of a lower index may be written over. */
  #addTo(at: number, index: number, least: number, numbers: Float64Array, from: number, undo: UndoLog | null): void {
    const tiles = this.#tiles;
    const { used } = tiles;
    const tile = tiles.find(this.#ints[at + CHAIN] as number, index, least);
    const isNew = tiles.used > used;
    this.#note(tile, undo);
    if (isNew) this.#ints[at + CHAIN] = tile + 1;
    tiles.add(tile, index, numbers, from);
  }

  #note(tile: number, undo: UndoLog | null): void {
    if (undo === null) return;
    const { numbers, stride } = this.#tiles;
    const place = tile * stride;
    for (let number = 0; number < stride; number += 1) undo.push(numbers[place + number] as number);
    undo.push(tile);
  }

  /** Lowers the registers of a tile to what its other events hold, where the event that was taken out was the highest. */
  #lowerRegisters(at: number, tile: number, event: Float64Array, cold: ColdEvents): void {
    const { registers, conditionSlot, widthMicros } = this.#layout;
    const tiles = this.#tiles;
    const index = tiles.indexOf(tile);
    const [start, end] = index === TOTALS ? [-Infinity, Infinity] : [index * widthMicros, (index + 1) * widthMicros];
    for (let part = 0; part < registers.length; part += 1) {
      const { slot, condition } = registers[part] as TileGroup;
      const packed = event[slot] as number;
      if (Number.isNaN(packed) || !passes(event, 0, conditionSlot, condition)) continue;
      const register = Math.floor(packed / 64);
      const highest = tiles.rankOf(tile, part, register);
      if (packed % 64 < highest) continue;
      const counts = (numbers: Float64Array, from: number): boolean => passes(numbers, from, conditionSlot, condition);
      const ofCold = cold.highestRank({ slot, register, counts, start, end }, highest);
      tiles.setRank(tile, part, register, Math.max(ofCold, this.#forgottenRank(at, index, part, register)));
    }
  }

  /** What the totals hold that no cold event tells any more. */
  #forgottenRank(at: number, index: number, part: number, register: number): number {
    if (index !== TOTALS) return 0;
    const tiles = this.#tiles;
    let tile = (this.#ints[at + CHAIN] as number) - 1;
    while (tile >= 0 && tiles.indexOf(tile) !== FORGOTTEN) tile = tiles.nextOf(tile);
    return tile < 0 ? 0 : tiles.rankOf(tile, part, register);
  }
}
