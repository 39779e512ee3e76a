import { AppError } from '../base/errors.ts';

/** A tile's numbers: index, count, sum (low 2^48 and carries), largest amount, newest time, next tile + 1. */
export const TILE_STRIDE = 8;
/** Offsets of a tile's numbers. */
export const TILE = { index: 0, count: 1, sumLow: 2, sumHigh: 3, max: 4, newest: 5, next: 6 } as const;

/** Sums are kept as `high · 2^48 + low`, so that they stay exact up to 2^101. */
export const SUM_SPLIT = 2 ** 48;

/**
 * Aggregates of the events that an entity no longer keeps, by tiles of time: tile k covers
 * `(k·width, (k + 1)·width]`. An entity that dropped nothing has none, so only busy payees pay
 * for them. Tiles of one entity are a chain in no order; 40 at most in the shipped set.
 */
export class TilePool {
  readonly numbers: Float64Array;
  #used = 0;

  constructor(capacity: number) {
    this.numbers = new Float64Array(capacity * TILE_STRIDE);
  }

  /** Tiles handed out. */
  get used(): number {
    return this.#used;
  }

  /** Whether one more can be handed out. */
  get hasRoom(): boolean {
    return (this.#used + 1) * TILE_STRIDE <= this.numbers.length;
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
    const numbers = this.numbers;
    let stale = -1;
    for (let tile = chain - 1; tile >= 0; tile = (numbers[tile * TILE_STRIDE + TILE.next] as number) - 1) {
      const at = numbers[tile * TILE_STRIDE] as number;
      if (at === index) return tile;
      if (at < leastIndex) stale = tile;
    }
    if (stale >= 0) return stale;
    if (!this.hasRoom) {
      throw new AppError('state_full', 'the store has no room for another tile; raise its limit of payments');
    }
    const tile = this.#used;
    this.#used += 1;
    const at = tile * TILE_STRIDE;
    numbers.fill(0, at, at + TILE_STRIDE);
    numbers[at] = index;
    numbers[at + TILE.max] = -Infinity;
    numbers[at + TILE.newest] = -Infinity;
    numbers[at + TILE.next] = chain;
    return tile;
  }

  /** Adds an event to a tile, which is emptied first where it is still another index's. */
  add(tile: number, index: number, time: number, amount: number): void {
    const numbers = this.numbers;
    const at = tile * TILE_STRIDE;
    if (numbers[at] !== index) {
      numbers[at] = index;
      numbers[at + TILE.count] = 0;
      numbers[at + TILE.sumLow] = 0;
      numbers[at + TILE.sumHigh] = 0;
      numbers[at + TILE.max] = -Infinity;
      numbers[at + TILE.newest] = -Infinity;
    }
    numbers[at + TILE.count] = (numbers[at + TILE.count] as number) + 1;
    const low = (numbers[at + TILE.sumLow] as number) + amount;
    numbers[at + TILE.sumLow] = low >= SUM_SPLIT ? low - SUM_SPLIT : low;
    if (low >= SUM_SPLIT) numbers[at + TILE.sumHigh] = (numbers[at + TILE.sumHigh] as number) + 1;
    if (amount > (numbers[at + TILE.max] as number)) numbers[at + TILE.max] = amount;
    if (time > (numbers[at + TILE.newest] as number)) numbers[at + TILE.newest] = time;
  }
}

/** The tile that an instant is in. */
export function tileOf(micros: number, widthMicros: number): number {
  return Math.ceil(micros / widthMicros) - 1;
}
