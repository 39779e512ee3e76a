import { EntityView } from '../engine/entity-view.ts';
import { EVENT_IDENTITY, EVENT_TIME, passes } from '../engine/event-layout.ts';
import type { WindowEdges } from '../engine/window-edges.ts';
import type { KindPlan } from '../engine/window-plan.ts';
import { ExtremeRuns } from './extreme-runs.ts';
import { type PrefixGroup, prefixRow } from './prefix-row.ts';
import { SortedEvents } from './sorted-events.ts';
import type { KeptSums, SpanSum } from './span-sum.ts';

/**
 * Sums of one entity that is read again and again while it grows, as in a replay. Each edge of a window has a cursor
 * in the entity's {@link SortedEvents}, which goes on as time does, and back where a payment is earlier than the one
 * before it. A window lies between two cursors, and its sums are the difference of what is summed up to each. So a
 * read costs time by windows and not by events: 256 events in memory take a pass 2 µs.
 *
 * It takes 32 bytes and more an event beside the state, and 10 KB of scratch: too much for each entity of a store.
 */
export class RunningSums implements KeptSums {
  readonly #edges: WindowEdges;
  readonly #groups: readonly PrefixGroup[];
  readonly #events: SortedEvents;
  readonly #conditionSlot: number;
  /** By group; null where no feature reads them. */
  readonly #maxima: readonly (ExtremeRuns | null)[];
  readonly #minima: readonly (ExtremeRuns | null)[];
  /** By edge: the place behind the last event that is that old. */
  readonly #cursors: Int32Array;
  #view = new EntityView();
  #t = 0;
  #scored: Float64Array = NOTHING;
  /** Place of the payment's own event; −1 where it is not in memory. */
  #own = -1;
  later = 0;

  constructor(plan: KindPlan, edges: WindowEdges) {
    const layout = prefixRow(plan);
    const { bound, tiles } = plan.keeping;
    const events = new SortedEvents(layout, tiles.conditionSlot, bound);
    const runs = (sign: 1 | -1): (ExtremeRuns | null)[] =>
      layout.groups.map(({ value }) => (value < 0 ? null : new ExtremeRuns(events, value, sign)));
    this.#edges = edges;
    this.#groups = layout.groups;
    this.#events = events;
    this.#conditionSlot = tiles.conditionSlot;
    this.#maxima = runs(1);
    this.#minima = runs(-1);
    this.#cursors = new Int32Array(edges.edges.length);
  }

  get hasOwn(): boolean {
    return this.#own >= 0;
  }

  forget(): void {
    this.#events.clear();
  }

  look(view: EntityView, t: number, scored: Float64Array): void {
    const events = this.#events;
    events.follow(view);
    this.#view = view;
    this.#t = t;
    this.#scored = scored;
    const { edges } = this.#edges;
    const cursors = this.#cursors;
    for (let edge = this.#edges.buckets; edge >= 0; edge -= 1) {
      cursors[edge] = events.placeBehind(t - (edges[edge] as number), cursors[edge] as number);
    }
    const isLast = events.to === events.from || (events.times[events.to - 1] as number) <= t;
    const behind = isLast ? events.to : events.placeBehind(t, events.to);
    this.#own = view.ownIdentity < 0 ? -1 : this.#placeOfOwn(view);
    this.later = events.to - behind - (this.#own >= behind ? 1 : 0);
  }

  sum(span: number, group: number, sum: SpanSum): void {
    const { layout, rows, largest } = this.#events;
    const { count, total, square, includesOwn } = this.#groups[group] as PrefixGroup;
    const from = this.#cursors[this.#edges.to[span] as number] as number;
    const to = this.#cursors[this.#edges.from[span] as number] as number;
    const low = from * layout.stride;
    const high = to * layout.stride;
    const last = this.#events.to;
    sum.count = (rows[high + count] as number) - (rows[low + count] as number);
    sum.total = total < 0 ? 0 : (rows[high + total] as number) - (rows[low + total] as number);
    sum.square = square < 0 ? 0 : (rows[high + square] as number) - (rows[low + square] as number);
    // No sum has more terms than events were put in, and no Σx² is above that of all of them.
    sum.isExact = last * (largest[group] as number) < 2 ** 53;
    sum.isSquareExact = square < 0 || (rows[last * layout.stride + square] as number) < 2 ** 53;
    const leftOut = !includesOwn && this.#own >= from && this.#own < to ? this.#own : -1;
    if (leftOut >= 0) this.#takeOut(leftOut, group, sum);
    sum.max = this.#maxima[group]?.over(from, to, leftOut) ?? -Infinity;
    sum.min = this.#minima[group]?.over(from, to, leftOut) ?? Infinity;
    if (includesOwn && this.#view.ownIdentity < 0 && this.#scored.length > 0) this.#addScored(span, group, sum);
  }

  #placeOfOwn(view: EntityView): number {
    const events = this.#events;
    let place = events.placeBehind(view.ownTime, events.to) - 1;
    for (; place >= events.from && events.times[place] === view.ownTime; place -= 1) {
      if (view.events[events.eventAt(view, place) + EVENT_IDENTITY] === view.ownIdentity) return place;
    }
    return -1;
  }

  #takeOut(place: number, group: number, sum: SpanSum): void {
    const { rows, layout } = this.#events;
    const { count, total, square } = this.#groups[group] as PrefixGroup;
    const at = place * layout.stride;
    const behind = at + layout.stride;
    sum.count -= (rows[behind + count] as number) - (rows[at + count] as number);
    if (total >= 0) sum.total -= (rows[behind + total] as number) - (rows[at + total] as number);
    if (square >= 0) sum.square -= (rows[behind + square] as number) - (rows[at + square] as number);
  }

  /** The payment itself, as it came. */
  #addScored(span: number, group: number, sum: SpanSum): void {
    const scored = this.#scored;
    const { slot, condition } = this.#groups[group] as PrefixGroup;
    const age = this.#t - (scored[EVENT_TIME] as number);
    if (age < (this.#edges.near[span] as number) || age >= (this.#edges.far[span] as number)) return;
    if (!passes(scored, 0, this.#conditionSlot, condition)) return;
    const value = slot < 0 ? 0 : (scored[slot] as number);
    if (Number.isNaN(value)) return;
    sum.count += 1;
    sum.total += value;
    sum.square += value * value;
    if (value > sum.max) sum.max = value;
    if (value < sum.min) sum.min = value;
    const most = Math.max(this.#events.largest[group] as number, Math.abs(value));
    sum.isExact = (this.#events.to + 1) * most < 2 ** 53;
    sum.isSquareExact &&= sum.square < 2 ** 53;
  }
}

const NOTHING = new Float64Array(0);
