import { AppError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { BUCKETS, REGISTERS } from './approximate.ts';
import { passes } from './event-layout.ts';
import { addToGroup, emptyGroup, GROUP_STRIDE, takeFromGroup } from './group-sums.ts';
import type { TileGroup, TileLayout } from './tile-layout.ts';

/** Offsets of a tile's header: index, newest event time, next tile + 1, events. */
export const TILE = { index: 0, newest: 1, next: 2, count: 3 } as const;
/** Numbers of a tile before its groups. */
export const TILE_HEADER = 4;
/** Index of the tile that holds all that an entity ever dropped: below that of any instant. */
export const TOTALS = -(2 ** 52);
/** Index of the tile of what an entity without a bound forgot, where {@link TOTALS} holds what lies on its pages as well. */
export const FORGOTTEN = TOTALS + 1;

/** Where the parts of a tile lie. */
export interface TileOffsets {
  readonly stride: number;
  readonly groups: readonly number[];
  readonly registers: readonly number[];
  readonly histograms: readonly number[];
}

/** Lays a tile out: header, groups, registers, histograms. */
export function tileOffsets({ groups, registers, histograms }: TileLayout): TileOffsets {
  const afterGroups = TILE_HEADER + groups.length * GROUP_STRIDE;
  const afterRegisters = afterGroups + registers.length * REGISTERS;
  return {
    stride: afterRegisters + histograms.length * BUCKETS,
    groups: groups.map((_, at) => TILE_HEADER + at * GROUP_STRIDE),
    registers: registers.map((_, at) => afterGroups + at * REGISTERS),
    histograms: histograms.map((_, at) => afterRegisters + at * BUCKETS),
  };
}

/** Whether anything is kept of what an entity drops. */
export function hasTiles({ widthMicros, hasTotals }: TileLayout): boolean {
  return widthMicros > 0 || hasTotals;
}

/**
 * Aggregates of the events that an entity no longer keeps, by tiles of time: tile k covers
 * `(k·width, (k + 1)·width]`, and one more all time where a window needs it. An entity that dropped
 * nothing has none, so only busy ones pay for them. Tiles of one entity are a chain in no order.
 */
export class TilePool {
  readonly numbers: Float64Array;
  readonly stride: number;
  readonly #layout: TileLayout;
  readonly #offsets: TileOffsets;
  #used = 0;

  /** @param capacity tiles that are wanted; of large ones fewer, by `LIMITS.tilePoolBytes`. */
  constructor(capacity: number, layout: TileLayout) {
    this.#layout = layout;
    this.#offsets = tileOffsets(layout);
    this.stride = this.#offsets.stride;
    const most = Math.floor(LIMITS.tilePoolBytes / (this.stride * Float64Array.BYTES_PER_ELEMENT));
    this.numbers = new Float64Array(Math.min(capacity, most) * this.stride);
  }

  /** Tiles handed out. */
  get used(): number {
    return this.#used;
  }

  /** Whether three more can be handed out: the most that one event takes. */
  get hasRoom(): boolean {
    return (this.#used + 3) * this.stride <= this.numbers.length;
  }

  /** Forgets every tile. */
  clear(): void {
    this.#used = 0;
  }

  /** Takes a restored snapshot's count. */
  restoreUsed(used: number): void {
    this.#used = used;
  }

  /**
   * The chain's tile with that index, or one that may be written over because it is older than
   * `leastIndex`, or a new one at the chain's head. The caller compares `index` to see which.
   *
   * @param chain 1 + the chain's first tile, or 0.
   * @returns the tile; it is the chain's head where it is new.
   */
  find(chain: number, index: number, leastIndex: number): number {
    const { numbers, stride } = this;
    let stale = -1;
    for (let tile = chain - 1; tile >= 0; tile = (numbers[tile * stride + TILE.next] as number) - 1) {
      const at = numbers[tile * stride] as number;
      if (at === index) return tile;
      if (at < leastIndex && at > FORGOTTEN) stale = tile;
    }
    if (stale >= 0 && index > FORGOTTEN) return stale;
    if (!this.hasRoom) {
      throw new AppError(
        'state_full',
        'the store has no room for another tile; serve with Redis, or with a set of fewer approximate features',
      );
    }
    const tile = this.#used;
    this.#used += 1;
    this.#empty(tile, index);
    numbers[tile * stride + TILE.next] = chain;
    return tile;
  }

  /** Which tile of time it is. */
  indexOf(tile: number): number {
    return this.numbers[tile * this.stride + TILE.index] as number;
  }

  /** The tile after it in its chain; −1 where it is the last. */
  nextOf(tile: number): number {
    return (this.numbers[tile * this.stride + TILE.next] as number) - 1;
  }

  /** The newest event time of a tile; Infinity where it holds an event that was retracted. */
  newestOf(tile: number): number {
    return this.numbers[tile * this.stride + TILE.newest] as number;
  }

  /** The rank that a register holds. @param part its place among the layout's registers. */
  rankOf(tile: number, part: number, register: number): number {
    return this.numbers[tile * this.stride + (this.#offsets.registers[part] as number) + register] as number;
  }

  /** Sets what {@link rankOf} gives. */
  setRank(tile: number, part: number, register: number, rank: number): void {
    this.numbers[tile * this.stride + (this.#offsets.registers[part] as number) + register] = rank;
  }

  /** Sets what {@link newestOf} gives. */
  setNewest(tile: number, time: number): void {
    this.numbers[tile * this.stride + TILE.newest] = time;
  }

  /** Adds an event to a tile, which is emptied first where it is still another index's. */
  add(tile: number, index: number, events: Float64Array, base: number): void {
    const { numbers, stride } = this;
    const at = tile * stride;
    if (numbers[at] !== index) {
      const next = numbers[at + TILE.next] as number;
      this.#empty(tile, index);
      numbers[at + TILE.next] = next;
    }
    const time = events[base] as number;
    if (time > (numbers[at + TILE.newest] as number)) numbers[at + TILE.newest] = time;
    numbers[at + TILE.count] = (numbers[at + TILE.count] as number) + 1;
    const { groups, registers, histograms, conditionSlot } = this.#layout;
    for (let group = 0; group < groups.length; group += 1) {
      const { slot, condition } = groups[group] as TileGroup;
      if (!passes(events, base, conditionSlot, condition)) continue;
      addToGroup(numbers, at + (this.#offsets.groups[group] as number), slot < 0 ? 0 : (events[base + slot] as number));
    }
    for (let part = 0; part < registers.length; part += 1) {
      const { slot, condition } = registers[part] as TileGroup;
      if (!passes(events, base, conditionSlot, condition)) continue;
      raiseRegister(numbers, at + (this.#offsets.registers[part] as number), events[base + slot] as number);
    }
    for (let part = 0; part < histograms.length; part += 1) {
      const { slot, condition } = histograms[part] as TileGroup;
      const bucket = events[base + slot] as number;
      if (Number.isNaN(bucket) || !passes(events, base, conditionSlot, condition)) continue;
      const place = at + (this.#offsets.histograms[part] as number) + bucket;
      numbers[place] = (numbers[place] as number) + 1;
    }
  }

  /**
   * Takes an event out of a tile that holds it: counts, sums and histograms. Squares and extremes stay, which no window
   * reads of a tile that holds cold events, and so do registers.
   */
  takeOut(tile: number, event: Float64Array): void {
    const { numbers } = this;
    const at = tile * this.stride;
    numbers[at + TILE.count] = (numbers[at + TILE.count] as number) - 1;
    const { groups, histograms, conditionSlot } = this.#layout;
    for (let group = 0; group < groups.length; group += 1) {
      const { slot, condition } = groups[group] as TileGroup;
      if (!passes(event, 0, conditionSlot, condition)) continue;
      const value = slot < 0 ? 0 : (event[slot] as number);
      takeFromGroup(numbers, at + (this.#offsets.groups[group] as number), value);
    }
    for (let part = 0; part < histograms.length; part += 1) {
      const { slot, condition } = histograms[part] as TileGroup;
      const bucket = event[slot] as number;
      if (Number.isNaN(bucket) || !passes(event, 0, conditionSlot, condition)) continue;
      const place = at + (this.#offsets.histograms[part] as number) + bucket;
      numbers[place] = (numbers[place] as number) - 1;
    }
  }

  #empty(tile: number, index: number): void {
    const at = tile * this.stride;
    this.numbers.fill(0, at, at + this.stride);
    this.numbers[at] = index;
    this.numbers[at + TILE.newest] = -Infinity;
    for (const group of this.#offsets.groups) emptyGroup(this.numbers, at + group);
  }
}

/** A register holds the highest rank that its values had. @param packed register and rank of a value; NaN changes nothing. */
function raiseRegister(numbers: Float64Array, at: number, packed: number): void {
  if (Number.isNaN(packed)) return;
  const place = at + Math.floor(packed / 64);
  const rank = packed % 64;
  if (rank > (numbers[place] as number)) numbers[place] = rank;
}

/** The tile that an instant is in. */
export function tileOf(micros: number, widthMicros: number): number {
  return Math.ceil(micros / widthMicros) - 1;
}
