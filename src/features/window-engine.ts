import { bigIntToDouble } from '../base/to-double.ts';
import { DistinctSet } from './distinct-set.ts';
import type { EntityView } from './entity-view.ts';
import { EVENT_STRIDE } from './event-slab.ts';
import { FEATURE_STATUS } from './feature-status.ts';
import { SUM_SPLIT, TILE, TILE_STRIDE } from './tile-pool.ts';
import { AGGREGATE, HISTORY, type KindPlan } from './window-plan.ts';

const { present, null: nothing, notFound, truncated, tooLate, overflow } = FEATURE_STATUS;

/** Where the engine writes: a value, NaN where absent, and a status for each feature. */
export interface FeatureOutput {
  readonly values: Float64Array;
  readonly status: Uint8Array;
}

/** A sum of 2^63 or more does not fit Delta's long. */
const OVERFLOW_HIGH = 2 ** 15;

/**
 * Computes every window and history feature of one entity in one pass over the events that it
 * keeps. An event goes to the bucket of the shortest window that holds it; windows are nested, so
 * each one's count, sum, extremes and distinct values are those of its bucket merged with those of
 * all shorter ones. What the entity dropped comes from its tiles where a window hops, and makes
 * the window `truncated` where it slides.
 *
 * Everything before the last step is integer arithmetic in doubles below 2^53; a value takes one
 * division, last. No allocation for a read.
 */
export class WindowEngine {
  readonly #plan: KindPlan;
  readonly #latenessMicros: number;
  readonly #defaults: Float64Array;
  readonly #distinct: DistinctSet;
  /** Age below which an event is in window w, for the instant that is read. */
  readonly #limits: Float64Array;
  readonly #counts: Float64Array;
  readonly #sums: Float64Array;
  readonly #carries: Float64Array;
  readonly #maxima: Float64Array;
  readonly #minima: Float64Array;
  readonly #distincts: Float64Array;
  readonly #squares: Float64Array;
  /** 1 where tiles cannot say what is in the window; 2 where they cannot say its maximum. */
  readonly #doubt: Uint8Array;
  #latest = -Infinity;
  #later = 0;
  #ownKept = false;

  /** @param defaults a value for each output where the entity was never seen; NaN where there is none. */
  constructor(plan: KindPlan, latenessMicros: number, defaults: Float64Array) {
    const windows = plan.sizes.length;
    this.#plan = plan;
    this.#latenessMicros = latenessMicros;
    this.#defaults = defaults;
    this.#distinct = new DistinctSet(plan.keeping.bound);
    this.#limits = new Float64Array(windows);
    this.#counts = new Float64Array(windows);
    this.#sums = new Float64Array(windows);
    this.#carries = new Float64Array(windows);
    this.#maxima = new Float64Array(windows);
    this.#minima = new Float64Array(windows);
    this.#distincts = new Float64Array(windows);
    this.#squares = new Float64Array(windows);
    this.#doubt = new Uint8Array(windows);
  }

  /** Writes the features of an entity in `view` as a payment at `t` sees them. */
  read(view: EntityView, t: number, out: FeatureOutput): void {
    const { outputs } = this.#plan;
    const others = view.ownIdentity < 0 ? view.count : view.count - 1;
    if (others === 0) {
      for (let at = 0; at < outputs.length; at += 1) {
        const output = outputs[at] as number;
        out.values[output] = this.#defaults[output] as number;
        out.status[output] = notFound;
      }
      return;
    }
    this.#setLimits(t);
    this.#scan(view, t);
    if (t < view.maxSeen - this.#latenessMicros) this.#writeTooLate(out);
    else this.#writeWindows(view, t, out);
    if (this.#plan.history.length > 0) this.#writeHistory(view, t, out);
  }

  #setLimits(t: number): void {
    const { sizes, hops } = this.#plan;
    for (let window = 0; window < sizes.length; window += 1) {
      const size = sizes[window] as number;
      const hop = hops[window] as number;
      this.#limits[window] = hop === 0 ? size : t - Math.floor((t - size) / hop) * hop;
      this.#counts[window] = 0;
      this.#sums[window] = 0;
      this.#carries[window] = 0;
      this.#maxima[window] = -Infinity;
      this.#minima[window] = Infinity;
      this.#distincts[window] = 0;
      this.#squares[window] = 0;
      this.#doubt[window] = 0;
    }
  }

  /** The pass: newest by sequence first, because times nearly follow and the bucket is then the last one or the next. */
  #scan(view: EntityView, t: number): void {
    const { needsDistinct, needsSquares } = this.#plan;
    const limits = this.#limits;
    const counts = this.#counts;
    const sums = this.#sums;
    const maxima = this.#maxima;
    const minima = this.#minima;
    const windows = limits.length;
    const { events, base, head, mask, ownIdentity } = view;
    let latest = -Infinity;
    let later = 0;
    let ownKept = false;
    let window = 0;
    if (needsDistinct) this.#distinct.clear();
    for (let at = view.kept - 1; at >= 0; at -= 1) {
      const event = (base + ((head + at) & mask)) * EVENT_STRIDE;
      const time = events[event] as number;
      if (events[event + 3] === ownIdentity) {
        ownKept = true;
        continue;
      }
      const age = t - time;
      if (age < 0) {
        later += 1;
        continue;
      }
      if (time > latest) latest = time;
      if (window > 0 && age < (limits[window - 1] as number)) window = 0;
      while (window < windows && age >= (limits[window] as number)) window += 1;
      if (window === windows) continue;
      const amount = events[event + 1] as number;
      counts[window] = (counts[window] as number) + 1;
      sums[window] = (sums[window] as number) + amount;
      if (amount > (maxima[window] as number)) maxima[window] = amount;
      if (amount < (minima[window] as number)) minima[window] = amount;
      if (needsSquares) this.#squares[window] = (this.#squares[window] as number) + amount * amount;
      if (needsDistinct && (events[event + 2] as number) >= 0) {
        this.#distinct.add(events[event + 2] as number, window, this.#distincts);
      }
    }
    this.#latest = latest;
    this.#later = later;
    this.#ownKept = ownKept;
  }

  #writeTooLate(out: FeatureOutput): void {
    const { readOutputs } = this.#plan;
    for (let read = 0; read < readOutputs.length; read += 1) {
      out.values[readOutputs[read] as number] = Number.NaN;
      out.status[readOutputs[read] as number] = tooLate;
    }
  }

  #writeWindows(view: EntityView, t: number, out: FeatureOutput): void {
    const { sizes, hops, readStart } = this.#plan;
    this.#mergePrefixes();
    if (view.maxDropped > -Infinity) {
      for (let window = 0; window < sizes.length; window += 1) {
        if ((hops[window] as number) > 0) this.#addTiles(window, view, t);
        else if (view.maxDropped > t - (sizes[window] as number)) this.#doubt[window] = 1;
      }
    }
    for (let window = 0; window < sizes.length; window += 1) {
      const end = readStart[window + 1] as number;
      for (let read = readStart[window] as number; read < end; read += 1) this.#writeRead(read, window, view, t, out);
    }
  }

  #mergePrefixes(): void {
    for (let window = 1; window < this.#counts.length; window += 1) {
      const before = window - 1;
      this.#counts[window] = (this.#counts[window] as number) + (this.#counts[before] as number);
      this.#sums[window] = (this.#sums[window] as number) + (this.#sums[before] as number);
      this.#distincts[window] = (this.#distincts[window] as number) + (this.#distincts[before] as number);
      this.#squares[window] = (this.#squares[window] as number) + (this.#squares[before] as number);
      if ((this.#maxima[before] as number) > (this.#maxima[window] as number)) {
        this.#maxima[window] = this.#maxima[before] as number;
      }
      if ((this.#minima[before] as number) < (this.#minima[window] as number)) {
        this.#minima[window] = this.#minima[before] as number;
      }
    }
  }

  /** What the entity dropped and a hopping window still holds. */
  #addTiles(window: number, view: EntityView, t: number): void {
    const start = t - (this.#limits[window] as number);
    const width = this.#plan.keeping.tileMicros;
    const { tiles } = view;
    let largest = -Infinity;
    for (let tile = view.tileChain - 1; tile >= 0; tile = (tiles[tile * TILE_STRIDE + TILE.next] as number) - 1) {
      const at = tile * TILE_STRIDE;
      const begin = (tiles[at] as number) * width;
      if (tiles[at + TILE.count] === 0 || begin < start || begin >= t) continue;
      // Some of the tile's events are later than the payment, and it is not known which.
      if ((tiles[at + TILE.newest] as number) > t) this.#doubt[window] = 1;
      this.#counts[window] = (this.#counts[window] as number) + (tiles[at + TILE.count] as number);
      const low = (this.#sums[window] as number) + (tiles[at + TILE.sumLow] as number);
      const carry = Math.floor(low / SUM_SPLIT);
      this.#sums[window] = low - carry * SUM_SPLIT;
      this.#carries[window] = (this.#carries[window] as number) + (tiles[at + TILE.sumHigh] as number) + carry;
      if ((tiles[at + TILE.max] as number) > largest) largest = tiles[at + TILE.max] as number;
    }
    const ownDropped = view.ownIdentity >= 0 && !this.#ownKept && view.ownTime > start && view.ownTime <= t;
    if (ownDropped) this.#takeOwnOut(window, view, largest);
    if (largest > (this.#maxima[window] as number)) this.#maxima[window] = largest;
  }

  /** The payment's own event is among the dropped ones: count and sum are known without it, a maximum that it holds is not. */
  #takeOwnOut(window: number, view: EntityView, largest: number): void {
    this.#counts[window] = (this.#counts[window] as number) - 1;
    const low = (this.#sums[window] as number) - view.ownAmount;
    this.#sums[window] = low < 0 ? low + SUM_SPLIT : low;
    if (low < 0) this.#carries[window] = (this.#carries[window] as number) - 1;
    if (view.ownAmount >= largest && view.ownAmount > (this.#maxima[window] as number))
      this.#doubt[window] = (this.#doubt[window] as number) | 2;
  }

  #writeRead(read: number, window: number, view: EntityView, t: number, out: FeatureOutput): void {
    const code = this.#plan.readCodes[read] as number;
    const output = this.#plan.readOutputs[read] as number;
    const doubt = this.#doubt[window] as number;
    if ((doubt & 1) === 1 || (doubt === 2 && code === AGGREGATE.max)) {
      out.values[output] = Number.NaN;
      out.status[output] = truncated;
      return;
    }
    const value = this.#valueOf(code, window, view, t);
    out.values[output] = value;
    if (!Number.isNaN(value)) {
      out.status[output] = present;
      return;
    }
    const overflows = code === AGGREGATE.sum && (this.#carries[window] as number) >= OVERFLOW_HIGH;
    out.status[output] = overflows ? overflow : nothing;
  }

  /** NaN where there is none. */
  #valueOf(code: number, window: number, view: EntityView, t: number): number {
    const count = this.#counts[window] as number;
    switch (code) {
      case AGGREGATE.count:
        return count;
      case AGGREGATE.sum:
        return (this.#carries[window] as number) >= OVERFLOW_HIGH ? Number.NaN : this.#sumOf(window);
      case AGGREGATE.mean:
        return count === 0 ? Number.NaN : this.#sumOf(window) / count;
      case AGGREGATE.max:
        return count === 0 ? Number.NaN : (this.#maxima[window] as number);
      case AGGREGATE.min:
        return count === 0 ? Number.NaN : (this.#minima[window] as number);
      case AGGREGATE.distinct:
        return this.#distincts[window] as number;
      default:
        return count < 2 ? Number.NaN : this.#deviationOf(window, count, view, t);
    }
  }

  /** An integer as a double by the one written rule: exact below 2^53, else rounded once. */
  #sumOf(window: number): number {
    return (this.#carries[window] as number) * SUM_SPLIT + (this.#sums[window] as number);
  }

  /**
   * √((n·Σx² − (Σx)²) / (n(n − 1))). Where n·n·max² is below 2^53 every step is exact in doubles,
   * which is so for 98 % of payers (R$ 30,000 in 30 payments); else the sums are taken again in bigints.
   */
  #deviationOf(window: number, count: number, view: EntityView, t: number): number {
    const largest = this.#maxima[window] as number;
    const sum = this.#sums[window] as number;
    if (count * largest * (count * largest) < 2 ** 53) {
      const spread = count * (this.#squares[window] as number) - sum * sum;
      return Math.sqrt(spread / (count * (count - 1)));
    }
    let squares = 0n;
    const { events, base, head, mask, ownIdentity } = view;
    const limit = this.#limits[window] as number;
    for (let at = 0; at < view.kept; at += 1) {
      const event = (base + ((head + at) & mask)) * EVENT_STRIDE;
      const age = t - (events[event] as number);
      if (age < 0 || age >= limit || events[event + 3] === ownIdentity) continue;
      const amount = BigInt(events[event + 1] as number);
      squares += amount * amount;
    }
    const spread = bigIntToDouble(BigInt(count) * squares - BigInt(sum) * BigInt(sum));
    return Math.sqrt(spread / (count * (count - 1)));
  }

  #writeHistory(view: EntityView, t: number, out: FeatureOutput): void {
    for (const { code, unitMicros, output } of this.#plan.history) {
      const value = this.#historyOf(code, unitMicros, view, t);
      out.values[output] = value < 0 ? Number.NaN : value;
      out.status[output] = value === MISSING ? nothing : value === UNKNOWN ? truncated : present;
    }
  }

  /** A value that is not negative, or {@link MISSING}, or {@link UNKNOWN}. */
  #historyOf(code: number, unitMicros: number, view: EntityView, t: number): number {
    const own = view.ownIdentity >= 0;
    if (code === HISTORY.count) {
      // Of the dropped events it is not known which are later than t, only that none is where the newest is not.
      if (view.maxDropped > t) return UNKNOWN;
      return view.count - this.#later - (own ? 1 : 0);
    }
    const first = own && view.ownTime === view.first ? view.second : view.first;
    if (first > t) return MISSING;
    if (code === HISTORY.sinceFirst) return (t - first) / unitMicros;
    if (view.maxDropped > this.#latest) return UNKNOWN;
    return (t - this.#latest) / unitMicros;
  }
}

const MISSING = -1;
const UNKNOWN = -2;
