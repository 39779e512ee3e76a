import { bigIntToDouble } from '../base/to-double.ts';
import { SUMMED } from './aggregate-kinds.ts';
import { ColdSums } from './cold/cold-sums.ts';
import type { EntityView } from './entity-view.ts';
import { EVENT_IDENTITY, passes } from './event-layout.ts';
import type { FeatureOutput } from './feature-output.ts';
import { FEATURE_STATUS } from './feature-status.ts';
import { emptyGroup, GROUP, GROUP_STRIDE, SUM_SPLIT, squaresOf } from './group-sums.ts';
import { FORGOTTEN, TILE, TOTALS, tileOffsets } from './tile-pool.ts';
import type { WindowEdges } from './window-edges.ts';
import type { GroupPlan, KindPlan, SpanPlan, SumPlan } from './window-plan.ts';

const { present, null: nothing, truncated, tooLate, overflow } = FEATURE_STATUS;

/** A sum of 2^63 or more does not fit Delta's long. */
const LEAST_SUM = -(2 ** 63);
/** What a window's dropped events leave unknown: nothing, everything, its largest or its smallest. */
const DOUBT_ALL = 1;
const DOUBT_MAX = 2;
const DOUBT_MIN = 4;

/** Counts, sums, means, deviations and extremes of all windows of one kind of entity. */
export class WindowSums {
  readonly #plan: KindPlan;
  readonly #edges: WindowEdges;
  readonly #tileGroups: readonly number[];
  readonly #tileStride: number;
  readonly #conditionSlot: number;
  /** Null where the set has a bound. */
  readonly #cold: ColdSums | null;
  readonly #coldRun = new Float64Array(GROUP_STRIDE);
  readonly #slots: Int32Array;
  readonly #conditions: Int32Array;
  /** Groups: all of them, and those that the payment itself counts in. */
  readonly #all: Int32Array;
  readonly #including: Int32Array;
  /** By group and bucket. */
  readonly #stride: number;
  readonly #counts: Float64Array;
  readonly #totals: Float64Array;
  readonly #squares: Float64Array;
  readonly #maxima: Float64Array;
  readonly #minima: Float64Array;
  /** Of the sum that is being read: the kept events' total, and the dropped ones' as `high · 2^48 + low`. */
  #count = 0;
  #kept = 0;
  #low = 0;
  #high = 0;
  #square = 0;
  #droppedSquare = 0n;
  #max = -Infinity;
  #min = Infinity;
  #doubt = 0;
  /** Whether a double holds the kept events' total exactly, and their squares' as well. */
  #isExact = true;
  #isSquareExact = true;
  #ownKept = -1;
  #later = 0;

  constructor(plan: KindPlan, edges: WindowEdges) {
    const { tiles } = plan.keeping;
    const offsets = tileOffsets(tiles);
    this.#plan = plan;
    this.#edges = edges;
    this.#tileGroups = plan.groups.map(({ tileGroup }) => (tileGroup < 0 ? -1 : (offsets.groups[tileGroup] as number)));
    this.#tileStride = offsets.stride;
    this.#conditionSlot = tiles.conditionSlot;
    const { cold } = plan.keeping;
    this.#cold = cold === null ? null : new ColdSums(cold, plan.groups, plan.spans.length, edges);
    this.#slots = Int32Array.from(plan.groups, ({ slot }) => slot);
    this.#conditions = Int32Array.from(plan.groups, ({ condition }) => condition);
    this.#all = Int32Array.from(plan.groups.keys());
    this.#including = this.#all.filter((group) => plan.groups[group]?.includesOwn);
    this.#stride = plan.spans.length * 2;
    const cells = plan.groups.length * this.#stride;
    this.#counts = new Float64Array(cells);
    this.#totals = new Float64Array(cells);
    this.#squares = new Float64Array(cells);
    this.#maxima = new Float64Array(cells);
    this.#minima = new Float64Array(cells);
  }

  /** Writes every sum. @param isTooLate whether the payment is behind what windows allow. */
  read(view: EntityView, t: number, scored: Float64Array, isTooLate: boolean, out: FeatureOutput): void {
    const { sums, spans } = this.#plan;
    if (sums.length === 0) return;
    this.#clear();
    this.#scan(view, t);
    if (view.cold !== null) {
      this.#cold?.read(view.cold, view, t);
      this.#later += this.#cold?.later ?? 0;
    }
    this.#addOwn(view, t, scored);
    for (let at = 0; at < sums.length; at += 1) {
      const sum = sums[at] as SumPlan;
      const span = spans[sum.span] as SpanPlan;
      if (isTooLate && span.kind !== 'all') writeAll(sum, tooLate, out);
      else {
        this.#sumUp(sum, span, view, t, scored);
        for (let read = 0; read < sum.reads.length; read += 1) this.#write(sum, read, view, t, scored, out);
      }
    }
  }

  #clear(): void {
    this.#counts.fill(0);
    this.#totals.fill(0);
    this.#squares.fill(0);
    this.#maxima.fill(-Infinity);
    this.#minima.fill(Infinity);
  }

  /** The pass: newest by sequence first, because times nearly follow and the bucket is then the last one or the next. */
  #scan(view: EntityView, t: number): void {
    const { edges } = this.#edges;
    const buckets = this.#edges.buckets;
    const { events, stride, base, head, mask, ownIdentity } = view;
    let bucket = 0;
    let later = 0;
    this.#ownKept = -1;
    for (let at = view.kept - 1; at >= 0; at -= 1) {
      const event = (base + ((head + at) & mask)) * stride;
      if (events[event + EVENT_IDENTITY] === ownIdentity) {
        this.#ownKept = event;
        continue;
      }
      const age = t - (events[event] as number);
      if (age < 0) {
        later += 1;
        continue;
      }
      if (age < (edges[bucket] as number)) bucket = 0;
      while (bucket < buckets && age >= (edges[bucket + 1] as number)) bucket += 1;
      if (bucket === buckets) {
        bucket = 0;
        continue;
      }
      if (age >= (edges[bucket] as number)) this.#add(events, event, bucket, this.#all);
    }
    this.#later = later;
  }

  #add(events: Float64Array, event: number, bucket: number, groups: Int32Array): void {
    const slots = this.#slots;
    const conditions = this.#conditions;
    for (let at = 0; at < groups.length; at += 1) {
      const group = groups[at] as number;
      const condition = conditions[group] as number;
      if (!passes(events, event, this.#conditionSlot, condition)) continue;
      const cell = group * this.#stride + bucket;
      const slot = slots[group] as number;
      if (slot < 0) {
        this.#counts[cell] = (this.#counts[cell] as number) + 1;
        continue;
      }
      const value = events[event + slot] as number;
      if (Number.isNaN(value)) continue;
      this.#counts[cell] = (this.#counts[cell] as number) + 1;
      this.#totals[cell] = (this.#totals[cell] as number) + value;
      this.#squares[cell] = (this.#squares[cell] as number) + value * value;
      if (value > (this.#maxima[cell] as number)) this.#maxima[cell] = value;
      if (value < (this.#minima[cell] as number)) this.#minima[cell] = value;
    }
  }

  /** The payment itself, for windows that include it: as it was recorded where it was, else as it came. */
  #addOwn(view: EntityView, t: number, scored: Float64Array): void {
    if (this.#ownKept >= 0) this.#addOwnEvent(view.events, this.#ownKept, t);
    else if (view.ownIdentity < 0 && scored.length > 0) this.#addOwnEvent(scored, 0, t);
  }

  #addOwnEvent(events: Float64Array, event: number, t: number): void {
    const { edges } = this.#edges;
    const age = t - (events[event] as number);
    for (let bucket = 0; bucket < this.#edges.buckets; bucket += 1) {
      if (age >= (edges[bucket] as number) && age < (edges[bucket + 1] as number))
        this.#add(events, event, bucket, this.#including);
    }
  }

  #sumUp(
    { span, group }: SumPlan,
    { kind, hopMicros }: SpanPlan,
    view: EntityView,
    t: number,
    scored: Float64Array,
  ): void {
    this.#sumBuckets(span, group);
    if (view.cold !== null && this.#cold !== null) this.#addCold(this.#cold, span, group);
    this.#doubt = 0;
    if (view.maxDropped === -Infinity) return;
    const start = t - (this.#edges.far[span] as number);
    if (kind === 'all') this.#addTotals(group, view, t, scored);
    else if (hopMicros > 0 && this.#cold === null) this.#addTiles(group, start, view, t);
    else if (view.maxDropped > start) this.#doubt = DOUBT_ALL;
  }

  #sumBuckets(span: number, group: number): void {
    const first = group * this.#stride;
    const end = first + (this.#edges.to[span] as number);
    let count = 0;
    let total = 0;
    let square = 0;
    let max = -Infinity;
    let min = Infinity;
    for (let cell = first + (this.#edges.from[span] as number); cell < end; cell += 1) {
      count += this.#counts[cell] as number;
      total += this.#totals[cell] as number;
      square += this.#squares[cell] as number;
      if ((this.#maxima[cell] as number) > max) max = this.#maxima[cell] as number;
      if ((this.#minima[cell] as number) < min) min = this.#minima[cell] as number;
    }
    this.#count = count;
    this.#kept = total;
    this.#low = 0;
    this.#high = 0;
    this.#square = square;
    this.#droppedSquare = 0n;
    this.#max = max;
    this.#min = min;
    const most = Math.max(max, -min);
    this.#isExact = count === 0 || count * most < 2 ** 53;
    this.#isSquareExact = count === 0 || count * most * most < 2 ** 53;
  }

  /** The run of an entity's cold events. */
  #addCold(cold: ColdSums, span: number, group: number): void {
    const run = this.#coldRun;
    emptyGroup(run, 0);
    cold.addRun(group, this.#edges.from[span] as number, this.#edges.to[span] as number, run);
    this.#addPart(group, run, 0);
    this.#max = Math.max(this.#max, run[GROUP.max] as number);
    this.#min = Math.min(this.#min, run[GROUP.min] as number);
  }

  /** What the entity dropped and a hopping window still holds. */
  #addTiles(group: number, start: number, view: EntityView, t: number): void {
    const width = this.#plan.keeping.tiles.widthMicros;
    const { tiles } = view;
    let max = -Infinity;
    let min = Infinity;
    for (let tile = view.tileChain - 1; tile >= 0; tile = (tiles[tile * this.#tileStride + TILE.next] as number) - 1) {
      const at = tile * this.#tileStride;
      const begin = (tiles[at] as number) * width;
      if ((tiles[at] as number) <= FORGOTTEN || tiles[at + TILE.count] === 0 || begin < start || begin >= t) continue;
      // Some of the tile's events are later than the payment, and it is not known which.
      if ((tiles[at + TILE.newest] as number) > t) this.#doubt |= DOUBT_ALL;
      const from = at + (this.#tileGroups[group] as number);
      this.#addPart(group, tiles, from);
      max = Math.max(max, tiles[from + GROUP.max] as number);
      min = Math.min(min, tiles[from + GROUP.min] as number);
    }
    const ownDropped = view.ownIdentity >= 0 && this.#ownKept < 0 && view.ownTime > start && view.ownTime <= t;
    this.#addExtremes(group, view, ownDropped, max, min);
  }

  /** All that the entity ever dropped. */
  #addTotals(group: number, view: EntityView, t: number, scored: Float64Array): void {
    // Which of the dropped events are later than the payment is not known, only that none is where the newest is not.
    if (view.maxDropped > t) {
      this.#doubt = DOUBT_ALL;
      return;
    }
    const { slot, condition, includesOwn } = this.#plan.groups[group] as GroupPlan;
    if (slot < 0 && condition < 0) {
      // How many there were at all, the entity counts.
      const own = view.ownIdentity < 0 ? (includesOwn && scored.length > 0 ? 1 : 0) : includesOwn ? 0 : -1;
      this.#count = view.count - this.#later + own - (includesOwn && view.ownIdentity >= 0 && view.ownTime > t ? 1 : 0);
      return;
    }
    const { tiles } = view;
    const index = this.#cold === null ? TOTALS : FORGOTTEN;
    for (let tile = view.tileChain - 1; tile >= 0; tile = (tiles[tile * this.#tileStride + TILE.next] as number) - 1) {
      const at = tile * this.#tileStride;
      if (tiles[at] !== index || tiles[at + TILE.count] === 0) continue;
      const from = at + (this.#tileGroups[group] as number);
      this.#addPart(group, tiles, from);
      const isOwnKept = this.#ownKept >= 0 || (view.cold !== null && this.#cold?.hasOwn === true);
      const ownDropped = view.ownIdentity >= 0 && !isOwnKept && view.ownTime <= t;
      this.#addExtremes(group, view, ownDropped, tiles[from + GROUP.max] as number, tiles[from + GROUP.min] as number);
    }
  }

  #addPart(group: number, tiles: Float64Array, from: number): void {
    this.#count += tiles[from] as number;
    const low = this.#low + (tiles[from + GROUP.sumLow] as number);
    const carry = Math.floor(low / SUM_SPLIT);
    this.#low = low - carry * SUM_SPLIT;
    this.#high += (tiles[from + GROUP.sumHigh] as number) + carry;
    if ((this.#plan.groups[group] as GroupPlan).needsSquares) this.#droppedSquare += squaresOf(tiles, from);
  }

  #addExtremes(group: number, view: EntityView, ownDropped: boolean, max: number, min: number): void {
    if (ownDropped && !(this.#plan.groups[group] as GroupPlan).includesOwn) this.#takeOwnOut(group, view, max, min);
    if (max > this.#max) this.#max = max;
    if (min < this.#min) this.#min = min;
  }

  /** The payment's own event is among the dropped ones: sums are known without it, an extreme that it holds is not. */
  #takeOwnOut(group: number, { own }: EntityView, max: number, min: number): void {
    const { slot, condition, needsSquares } = this.#plan.groups[group] as GroupPlan;
    if (!passes(own, 0, this.#conditionSlot, condition)) return;
    const value = slot < 0 ? 0 : (own[slot] as number);
    if (Number.isNaN(value)) return;
    this.#count -= 1;
    const high = Math.floor(value / SUM_SPLIT);
    const low = this.#low - (value - high * SUM_SPLIT);
    const carry = Math.floor(low / SUM_SPLIT);
    this.#low = low - carry * SUM_SPLIT;
    this.#high += carry - high;
    if (needsSquares) this.#droppedSquare -= BigInt(value) * BigInt(value);
    if (value >= max && value > this.#max) this.#doubt |= DOUBT_MAX;
    if (value <= min && value < this.#min) this.#doubt |= DOUBT_MIN;
  }

  #write(sum: SumPlan, read: number, view: EntityView, t: number, scored: Float64Array, out: FeatureOutput): void {
    const { code, output } = sum.reads[read] as SumPlan['reads'][number];
    const doubt = this.#doubt;
    const isUnknown =
      (doubt & DOUBT_ALL) !== 0 ||
      ((doubt & DOUBT_MAX) !== 0 && code === SUMMED.max) ||
      ((doubt & DOUBT_MIN) !== 0 && code === SUMMED.min);
    const value = isUnknown ? Number.NaN : this.#valueOf(code, sum, view, t, scored);
    out.values[output] = value + 0;
    if (isUnknown) out.status[output] = truncated;
    else if (!Number.isNaN(value)) out.status[output] = present;
    else out.status[output] = code === SUMMED.sum ? overflow : nothing;
  }

  /** NaN where there is none. */
  #valueOf(code: number, sum: SumPlan, view: EntityView, t: number, scored: Float64Array): number {
    const count = this.#count;
    switch (code) {
      case SUMMED.count:
        return count;
      case SUMMED.sum: {
        const total = this.#totalOf(sum, view, t, scored);
        return total < LEAST_SUM || total >= -LEAST_SUM ? Number.NaN : total;
      }
      case SUMMED.mean:
        return count === 0 ? Number.NaN : this.#totalOf(sum, view, t, scored) / count;
      case SUMMED.max:
        return count === 0 ? Number.NaN : this.#max;
      case SUMMED.min:
        return count === 0 ? Number.NaN : this.#min;
      default: {
        if (count < 2) return Number.NaN;
        const variance = this.#spreadOf(sum, view, t, scored) / (count * (count - 1));
        return code === SUMMED.stddev ? Math.sqrt(variance) : variance;
      }
    }
  }

  /** An integer as a double by the one written rule: exact below 2^53, else rounded once. */
  #totalOf(sum: SumPlan, view: EntityView, t: number, scored: Float64Array): number {
    if (!this.#isExact) return bigIntToDouble(this.#wideTotalOf(sum, view, t, scored));
    const carry = Math.floor(this.#kept / SUM_SPLIT);
    const low = this.#kept - carry * SUM_SPLIT + this.#low;
    const over = low >= SUM_SPLIT ? 1 : 0;
    return (this.#high + carry + over) * SUM_SPLIT + (low - over * SUM_SPLIT);
  }

  /**
   * n·Σx² − (Σx)². Where n·n·max² is below 2^53 every step is exact in doubles, which is so for 98 % of
   * payers (R$ 30,000 in 30 payments); else the sums are taken again in bigints.
   */
  #spreadOf(sum: SumPlan, view: EntityView, t: number, scored: Float64Array): number {
    const count = this.#count;
    const most = count * Math.max(this.#max, -this.#min);
    if (most * most < 2 ** 53 && this.#droppedSquare === 0n) {
      return count * this.#square - this.#kept * this.#kept;
    }
    const total = this.#wideTotalOf(sum, view, t, scored);
    const kept = this.#isSquareExact ? BigInt(this.#square) : this.#keptPowers(sum, view, t, scored, 2n);
    const squares = this.#droppedSquare + kept;
    return bigIntToDouble(BigInt(count) * squares - total * total);
  }

  #wideTotalOf(sum: SumPlan, view: EntityView, t: number, scored: Float64Array): bigint {
    const kept = this.#isExact ? BigInt(this.#kept) : this.#keptPowers(sum, view, t, scored, 1n);
    return BigInt(this.#high) * BigInt(SUM_SPLIT) + BigInt(this.#low) + kept;
  }

  /** Σ of the kept events' values, or of their squares, in bigints. */
  #keptPowers({ span, group }: SumPlan, view: EntityView, t: number, scored: Float64Array, power: bigint): bigint {
    const { slot, condition, includesOwn } = this.#plan.groups[group] as GroupPlan;
    const near = this.#edges.near[span] as number;
    const far = this.#edges.far[span] as number;
    const { events, stride, base, head, mask, ownIdentity } = view;
    let sum = 0n;
    const add = (of: Float64Array, event: number): void => {
      const age = t - (of[event] as number);
      const value = of[event + slot] as number;
      if (age < near || age >= far || Number.isNaN(value)) return;
      if (passes(of, event, this.#conditionSlot, condition)) sum += BigInt(value) ** power;
    };
    for (let at = 0; at < view.kept; at += 1) {
      const event = (base + ((head + at) & mask)) * stride;
      if (events[event + EVENT_IDENTITY] !== ownIdentity || includesOwn) add(events, event);
    }
    if (includesOwn && ownIdentity < 0 && scored.length > 0) add(scored, 0);
    return sum;
  }
}

function writeAll({ reads }: SumPlan, status: number, out: FeatureOutput): void {
  for (let read = 0; read < reads.length; read += 1) {
    const { output } = reads[read] as SumPlan['reads'][number];
    out.values[output] = Number.NaN;
    out.status[output] = status;
  }
}
