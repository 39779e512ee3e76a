import { ColdSums } from '../cold/cold-sums.ts';
import type { EntityView } from '../engine/entity-view.ts';
import { passes } from '../engine/event-layout.ts';
import { emptyGroup, GROUP, GROUP_STRIDE, SUM_SPLIT, squaresOf } from '../engine/group-sums.ts';
import { FORGOTTEN, TILE, TOTALS, tileOffsets } from '../engine/tile-pool.ts';
import type { WindowEdges } from '../engine/window-edges.ts';
import type { GroupPlan, KindPlan, SpanPlan, SumPlan } from '../engine/window-plan.ts';
import { DOUBT, type KeptSums, type SpanSum } from './span-sum.ts';

/** Adds to sums what an entity has no longer in memory: cold events, and tiles of dropped ones. */
export class DroppedSums {
  readonly #plan: KindPlan;
  readonly #edges: WindowEdges;
  readonly #kept: KeptSums;
  readonly #tileGroups: readonly number[];
  readonly #tileStride: number;
  readonly #conditionSlot: number;
  /** Null where the set has a bound. */
  readonly #cold: ColdSums | null;
  readonly #coldRun = new Float64Array(GROUP_STRIDE);
  #t = 0;
  #scored: Float64Array = NOTHING;
  #later = 0;

  /** @param kept what was looked at when this looks. */
  constructor(plan: KindPlan, edges: WindowEdges, kept: KeptSums) {
    const { tiles, cold } = plan.keeping;
    const offsets = tileOffsets(tiles);
    this.#plan = plan;
    this.#edges = edges;
    this.#kept = kept;
    this.#tileGroups = plan.groups.map(({ tileGroup }) => (tileGroup < 0 ? -1 : (offsets.groups[tileGroup] as number)));
    this.#tileStride = offsets.stride;
    this.#conditionSlot = tiles.conditionSlot;
    this.#cold = cold === null ? null : new ColdSums(cold, plan.groups, plan.spans.length, edges);
  }

  /** Looks at an entity as a payment at `t` sees it; its events in memory were looked at. */
  look(view: EntityView, t: number, scored: Float64Array): void {
    this.#t = t;
    this.#scored = scored;
    this.#later = this.#kept.later;
    if (view.cold === null || this.#cold === null) return;
    this.#cold.read(view.cold, view, t);
    this.#later += this.#cold.later;
  }

  /** Adds what is not in memory of a group's span, or marks what is not known of it. */
  add({ span, group }: SumPlan, { kind, hopMicros }: SpanPlan, view: EntityView, sum: SpanSum): void {
    sum.clearDropped();
    if (view.cold !== null && this.#cold !== null) this.#addCold(this.#cold, span, group, sum);
    if (view.maxDropped === -Infinity) return;
    const start = this.#t - (this.#edges.far[span] as number);
    if (kind === 'all') this.#addTotals(group, view, sum);
    else if (hopMicros > 0 && this.#cold === null) this.#addTiles(group, start, view, sum);
    else if (view.maxDropped > start) sum.doubt = DOUBT.all;
  }

  /** The run of an entity's cold events. */
  #addCold(cold: ColdSums, span: number, group: number, sum: SpanSum): void {
    const run = this.#coldRun;
    emptyGroup(run, 0);
    cold.addRun(group, this.#edges.from[span] as number, this.#edges.to[span] as number, run);
    this.#addPart(group, run, 0, sum);
    sum.max = Math.max(sum.max, run[GROUP.max] as number);
    sum.min = Math.min(sum.min, run[GROUP.min] as number);
  }

  /** What the entity dropped and a hopping window still holds. */
  #addTiles(group: number, start: number, view: EntityView, sum: SpanSum): void {
    const t = this.#t;
    const width = this.#plan.keeping.tiles.widthMicros;
    const { tiles } = view;
    let max = -Infinity;
    let min = Infinity;
    for (let tile = view.tileChain - 1; tile >= 0; tile = (tiles[tile * this.#tileStride + TILE.next] as number) - 1) {
      const at = tile * this.#tileStride;
      const begin = (tiles[at] as number) * width;
      if ((tiles[at] as number) <= FORGOTTEN || tiles[at + TILE.count] === 0 || begin < start || begin >= t) continue;
      // Some of the tile's events are later than the payment, and it is not known which.
      if ((tiles[at + TILE.newest] as number) > t) sum.doubt |= DOUBT.all;
      const from = at + (this.#tileGroups[group] as number);
      this.#addPart(group, tiles, from, sum);
      max = Math.max(max, tiles[from + GROUP.max] as number);
      min = Math.min(min, tiles[from + GROUP.min] as number);
    }
    const ownDropped = view.ownIdentity >= 0 && !this.#kept.hasOwn && view.ownTime > start && view.ownTime <= t;
    this.#addExtremes(group, view, ownDropped, max, min, sum);
  }

  /** All that the entity ever dropped. */
  #addTotals(group: number, view: EntityView, sum: SpanSum): void {
    const t = this.#t;
    // Which of the dropped events are later than the payment is not known, only that none is where the newest is not.
    if (view.maxDropped > t) {
      sum.doubt = DOUBT.all;
      return;
    }
    const { slot, condition, includesOwn } = this.#plan.groups[group] as GroupPlan;
    if (slot < 0 && condition < 0) {
      // How many there were at all, the entity counts.
      const own = view.ownIdentity < 0 ? (includesOwn && this.#scored.length > 0 ? 1 : 0) : includesOwn ? 0 : -1;
      sum.count = view.count - this.#later + own - (includesOwn && view.ownIdentity >= 0 && view.ownTime > t ? 1 : 0);
      return;
    }
    const { tiles } = view;
    const index = this.#cold === null ? TOTALS : FORGOTTEN;
    for (let tile = view.tileChain - 1; tile >= 0; tile = (tiles[tile * this.#tileStride + TILE.next] as number) - 1) {
      const at = tile * this.#tileStride;
      if (tiles[at] !== index || tiles[at + TILE.count] === 0) continue;
      // No dropped event is later than the payment: one that was retracted is in these sums.
      if ((tiles[at + TILE.newest] as number) > t) sum.doubt |= DOUBT.all;
      const from = at + (this.#tileGroups[group] as number);
      this.#addPart(group, tiles, from, sum);
      const isOwnKept = this.#kept.hasOwn || (view.cold !== null && this.#cold?.hasOwn === true);
      const ownDropped = view.ownIdentity >= 0 && !isOwnKept && view.ownTime <= t;
      const [max, min] = [tiles[from + GROUP.max] as number, tiles[from + GROUP.min] as number];
      this.#addExtremes(group, view, ownDropped, max, min, sum);
    }
  }

  #addPart(group: number, tiles: Float64Array, from: number, sum: SpanSum): void {
    sum.count += tiles[from] as number;
    const low = sum.low + (tiles[from + GROUP.sumLow] as number);
    const carry = Math.floor(low / SUM_SPLIT);
    sum.low = low - carry * SUM_SPLIT;
    sum.high += (tiles[from + GROUP.sumHigh] as number) + carry;
    if ((this.#plan.groups[group] as GroupPlan).needsSquares) sum.droppedSquare += squaresOf(tiles, from);
  }

  #addExtremes(group: number, view: EntityView, ownDropped: boolean, max: number, min: number, sum: SpanSum): void {
    if (ownDropped && !(this.#plan.groups[group] as GroupPlan).includesOwn)
      this.#takeOwnOut(group, view, max, min, sum);
    if (max > sum.max) sum.max = max;
    if (min < sum.min) sum.min = min;
  }

  /** The payment's own event is among the dropped ones: sums are known without it, an extreme that it holds is not. */
  #takeOwnOut(group: number, { own }: EntityView, max: number, min: number, sum: SpanSum): void {
    const { slot, condition, needsSquares } = this.#plan.groups[group] as GroupPlan;
    if (!passes(own, 0, this.#conditionSlot, condition)) return;
    const value = slot < 0 ? 0 : (own[slot] as number);
    if (Number.isNaN(value)) return;
    sum.count -= 1;
    const high = Math.floor(value / SUM_SPLIT);
    const low = sum.low - (value - high * SUM_SPLIT);
    const carry = Math.floor(low / SUM_SPLIT);
    sum.low = low - carry * SUM_SPLIT;
    sum.high += carry - high;
    if (needsSquares) sum.droppedSquare -= BigInt(value) * BigInt(value);
    if (value >= max && value > sum.max) sum.doubt |= DOUBT.max;
    if (value <= min && value < sum.min) sum.doubt |= DOUBT.min;
  }
}

const NOTHING = new Float64Array(0);
