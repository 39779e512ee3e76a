import { bigIntToDouble } from '../../base/to-double.ts';
import { ColdEach } from '../cold/cold-each.ts';
import { durationMicros } from '../duration.ts';
import type { FeatureOutput } from '../feature-output.ts';
import { FEATURE_STATUS } from '../feature-status.ts';
import { BUCKETS, bucketFloor, decayWeights, distinctEstimate, quantileBucket, REGISTERS } from './approximate.ts';
import type { EntityView } from './entity-view.ts';
import { EVENT_IDENTITY, passes } from './event-layout.ts';
import { GROUP, SUM_SPLIT } from './group-sums.ts';
import { FORGOTTEN, TILE, type TileOffsets, TOTALS, tileOf, tileOffsets } from './tile-pool.ts';
import type { WindowEdges } from './window-edges.ts';
import type { KindPlan, TileRead } from './window-plan.ts';

const { present, null: nothing, truncated, tooLate } = FEATURE_STATUS;

/** Distinct counts by registers, quantiles by histograms, and decay: they use what an entity dropped as well. */
export class TileReads {
  readonly #plan: KindPlan;
  readonly #edges: WindowEdges;
  readonly #offsets: TileOffsets;
  readonly #cold: ColdEach | null;
  /** Whether cold events are looked at one by one, because their tiles hold some that do not count. */
  #looksAtCold = false;
  readonly #registers: Uint8Array;
  readonly #counts: Float64Array;
  readonly #weights: ReadonlyMap<TileRead, Float64Array>;

  constructor(plan: KindPlan, edges: WindowEdges) {
    const { tiles } = plan.keeping;
    this.#plan = plan;
    this.#edges = edges;
    this.#offsets = tileOffsets(tiles);
    this.#cold = plan.keeping.cold === null ? null : new ColdEach();
    this.#registers = new Uint8Array(tiles.registers.length > 0 ? REGISTERS : 0);
    this.#counts = new Float64Array(tiles.histograms.length > 0 ? BUCKETS : 0);
    this.#weights = new Map(
      plan.tiled
        .filter(({ feature }) => feature.halfLife !== undefined)
        .map((read) => [read, weightsOf(read, plan)] as const),
    );
  }

  /** Writes every feature. @param isTooLate whether the payment is behind what windows allow. */
  read(view: EntityView, t: number, scored: Float64Array, isTooLate: boolean, out: FeatureOutput): void {
    const { tiled, spans } = this.#plan;
    for (let at = 0; at < tiled.length; at += 1) {
      const read = tiled[at] as TileRead;
      const isLate = isTooLate && spans[read.span]?.kind !== 'all';
      this.#looksAtCold = false;
      const isInDoubt = !isLate && this.#isInDoubt(read, view, t);
      this.#looksAtCold = isInDoubt && this.#cold !== null;
      const isUnknown = isInDoubt && (!this.#looksAtCold || this.#isForgotten(read, view, t));
      const value = isLate || isUnknown ? Number.NaN : this.#valueOf(read, view, t, scored);
      out.values[read.output] = value + 0;
      if (!Number.isNaN(value)) out.status[read.output] = present;
      else out.status[read.output] = isLate ? tooLate : isUnknown ? truncated : nothing;
    }
  }

  /** NaN where there is none. */
  #valueOf(read: TileRead, view: EntityView, t: number, scored: Float64Array): number {
    switch (read.feature.aggregate) {
      case 'distinct_approx':
        return this.#distinct(read, view, t, scored);
      case 'quantile_approx':
        return this.#quantile(read, view, t, scored);
      default:
        return this.#decayed(read, view, t, scored);
    }
  }

  /**
   * Whether tiles do not tell what the window holds of dropped events: some are later than the payment, the payment's own
   * is among them, or the window has no hop, so that tiles lie across its edges.
   */
  #isInDoubt({ span, includesOwn }: TileRead, view: EntityView, t: number): boolean {
    const start = t - (this.#edges.far[span] as number);
    if (!this.#hasTiles(span)) return view.maxDropped > start || view.cold !== null;
    if (view.tileChain === 0 && view.maxDropped === -Infinity) return false;
    const { tiles } = view;
    let isUnknown = false;
    this.#eachTile(view, span, t, (at) => {
      if ((tiles[at + TILE.newest] as number) > t) isUnknown = true;
    });
    if (isUnknown || view.ownIdentity < 0 || includesOwn) return isUnknown;
    return view.ownTime > start && view.ownTime <= t && !isKept(view);
  }

  /** Whether windows of a span are made of whole tiles: those of a hop, and all time. */
  #hasTiles(span: number): boolean {
    const kind = this.#plan.spans[span]?.kind;
    return kind === 'hop' || kind === 'all';
  }

  /** Of a set without a bound: whether what is forgotten is what leaves the value in doubt. */
  #isForgotten({ span, includesOwn }: TileRead, view: EntityView, t: number): boolean {
    if (this.#plan.spans[span]?.kind !== 'all' || view.maxDropped === -Infinity) return false;
    if (view.maxDropped > t || this.#isSpoiled(view)) return true;
    if (view.ownIdentity < 0 || includesOwn || view.ownTime > t || isKept(view)) return false;
    let isCold = false;
    if (view.cold !== null)
      this.#cold?.each(view.cold, view.ownTime - 1, view.ownTime, (numbers, at) => {
        if (numbers[at + EVENT_IDENTITY] === view.ownIdentity) isCold = true;
      });
    return !isCold;
  }

  /** Whether an event that was forgotten was retracted: what it added to what is known of them cannot be taken out. */
  #isSpoiled({ tiles, tileChain }: EntityView): boolean {
    const { stride } = this.#offsets;
    for (let tile = tileChain - 1; tile >= 0; tile = (tiles[tile * stride + TILE.next] as number) - 1) {
      const at = tile * stride;
      if (tiles[at] === FORGOTTEN && tiles[at + TILE.newest] === Infinity) return true;
    }
    return false;
  }

  /** The tiles of dropped events that a window holds. */
  #eachTile(view: EntityView, span: number, t: number, use: (at: number) => void): void {
    if (!this.#hasTiles(span)) return;
    const { stride } = this.#offsets;
    const width = this.#plan.keeping.tiles.widthMicros;
    const isAll = this.#plan.spans[span]?.kind === 'all';
    const totals = this.#looksAtCold ? FORGOTTEN : TOTALS;
    const start = t - (this.#edges.far[span] as number);
    const { tiles } = view;
    for (let tile = view.tileChain - 1; tile >= 0; tile = (tiles[tile * stride + TILE.next] as number) - 1) {
      const at = tile * stride;
      const index = tiles[at] as number;
      if (tiles[at + TILE.count] === 0) continue;
      if (isAll) {
        if (index === totals) use(at);
        continue;
      }
      if (this.#looksAtCold || index <= FORGOTTEN || index * width < start || index * width >= t) continue;
      use(at);
    }
  }

  /** The kept events of a window, and the payment itself where it counts. */
  #eachEvent(
    { span, slot, condition, includesOwn }: TileRead,
    view: EntityView,
    t: number,
    scored: Float64Array,
    use: (value: number, time: number) => void,
  ): void {
    const near = this.#edges.near[span] as number;
    const far = this.#edges.far[span] as number;
    const { conditionSlot } = this.#plan.keeping.tiles;
    const { events, stride, base, head, mask, ownIdentity } = view;
    const look = (of: Float64Array, event: number): void => {
      const age = t - (of[event] as number);
      const value = slot < 0 ? 0 : (of[event + slot] as number);
      if (age < near || age >= far || Number.isNaN(value) || !passes(of, event, conditionSlot, condition)) return;
      use(value, of[event] as number);
    };
    for (let at = 0; at < view.kept; at += 1) {
      const event = (base + ((head + at) & mask)) * stride;
      if (events[event + EVENT_IDENTITY] !== ownIdentity || includesOwn) look(events, event);
    }
    if (this.#looksAtCold && view.cold !== null)
      this.#cold?.each(view.cold, t - far, t - near, (numbers, at) => {
        if (numbers[at + EVENT_IDENTITY] !== ownIdentity || includesOwn) look(numbers, at);
      });
    if (includesOwn && ownIdentity < 0 && scored.length > 0) look(scored, 0);
  }

  #distinct(read: TileRead, view: EntityView, t: number, scored: Float64Array): number {
    const registers = this.#registers.fill(0);
    this.#eachEvent(read, view, t, scored, (packed) => {
      const register = Math.floor(packed / 64);
      registers[register] = Math.max(registers[register] as number, packed % 64);
    });
    const part = this.#offsets.registers[read.tilePart] as number;
    this.#eachTile(view, read.span, t, (at) => {
      for (let register = 0; register < REGISTERS; register += 1) {
        const rank = view.tiles[at + part + register] as number;
        if (rank > (registers[register] as number)) registers[register] = rank;
      }
    });
    return distinctEstimate(registers);
  }

  #quantile(read: TileRead, view: EntityView, t: number, scored: Float64Array): number {
    const counts = this.#counts.fill(0);
    let n = 0;
    this.#eachEvent(read, view, t, scored, (bucket) => {
      counts[bucket] = (counts[bucket] as number) + 1;
      n += 1;
    });
    const part = this.#offsets.histograms[read.tilePart] as number;
    this.#eachTile(view, read.span, t, (at) => {
      for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
        const more = view.tiles[at + part + bucket] as number;
        counts[bucket] = (counts[bucket] as number) + more;
        n += more;
      }
    });
    const [numerator, denominator] = read.feature.quantile ?? [1, 2];
    return n === 0 ? Number.NaN : bucketFloor(quantileBucket(counts, n, numerator, denominator));
  }

  /** Σ over the hops of the window of their sum (or count) times the weight of their age, over 2^30. */
  #decayed(read: TileRead, view: EntityView, t: number, scored: Float64Array): number {
    const { hopMicros, feature, tilePart } = read;
    const weights = this.#weights.get(read) ?? new Float64Array(0);
    const current = tileOf(t, hopMicros);
    const isCount = feature.aggregate === 'decayed_count';
    let sum = 0n;
    const add = (value: bigint, hop: number): void => {
      sum += value * BigInt(weights[current - hop] ?? 0);
    };
    this.#eachEvent(read, view, t, scored, (value, time) => {
      add(isCount ? 1n : BigInt(value), tileOf(time, hopMicros));
    });
    const width = this.#plan.keeping.tiles.widthMicros;
    const group = this.#offsets.groups[tilePart] as number;
    this.#eachTile(view, read.span, t, (at) => {
      const from = at + group;
      const { tiles } = view;
      const total =
        BigInt(tiles[from + GROUP.sumHigh] as number) * BigInt(SUM_SPLIT) +
        BigInt(tiles[from + GROUP.sumLow] as number);
      // A tile lies within one hop: hops are whole tiles.
      const hop = Math.floor(((tiles[at] as number) * width) / hopMicros);
      add(isCount ? BigInt(tiles[from] as number) : total, hop);
    });
    return bigIntToDouble(sum) / 2 ** 30;
  }
}

function weightsOf({ feature, hopMicros, span }: TileRead, plan: KindPlan): Float64Array {
  const size = plan.spans[span]?.sizeMicros ?? 0;
  const halfLifeMicros = durationMicros(feature.halfLife ?? '1d', feature.name);
  return decayWeights(hopMicros, halfLifeMicros, Math.ceil(size / hopMicros) + 2);
}

/** Whether the payment's own event is among those that the entity keeps. */
function isKept({ events, stride, base, head, mask, kept, ownIdentity }: EntityView): boolean {
  for (let at = 0; at < kept; at += 1) {
    if (events[(base + ((head + at) & mask)) * stride + EVENT_IDENTITY] === ownIdentity) return true;
  }
  return false;
}
