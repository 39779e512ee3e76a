import type { EntityView } from '../engine/entity-view.ts';
import { EVENT_IDENTITY, passes } from '../engine/event-layout.ts';
import type { WindowEdges } from '../engine/window-edges.ts';
import type { KindPlan } from '../engine/window-plan.ts';
import type { KeptSums, SpanSum } from './span-sum.ts';

/**
 * Sums by one pass over all events that an entity has in memory: each goes into a bucket of its age, for every group,
 * and a window sums its run of buckets. Nothing is remembered from one read to the next, so a state costs no more than
 * its events: what a store of many entities needs.
 */
export class BucketSums implements KeptSums {
  readonly #edges: WindowEdges;
  readonly #conditionSlot: number;
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
  later = 0;
  #ownKept = -1;

  constructor({ keeping, groups, spans }: KindPlan, edges: WindowEdges) {
    this.#edges = edges;
    this.#conditionSlot = keeping.tiles.conditionSlot;
    this.#slots = Int32Array.from(groups, ({ slot }) => slot);
    this.#conditions = Int32Array.from(groups, ({ condition }) => condition);
    this.#all = Int32Array.from(groups.keys());
    this.#including = this.#all.filter((group) => groups[group]?.includesOwn);
    this.#stride = spans.length * 2;
    const cells = groups.length * this.#stride;
    this.#counts = new Float64Array(cells);
    this.#totals = new Float64Array(cells);
    this.#squares = new Float64Array(cells);
    this.#maxima = new Float64Array(cells);
    this.#minima = new Float64Array(cells);
  }

  get hasOwn(): boolean {
    return this.#ownKept >= 0;
  }

  /** There is nothing to forget. */
  forget(): void {}

  look(view: EntityView, t: number, scored: Float64Array): void {
    this.#clear();
    this.#scan(view, t);
    // The payment itself, for windows that include it: as it was recorded where it was, else as it came.
    if (this.#ownKept >= 0) this.#addOwn(view.events, this.#ownKept, t);
    else if (view.ownIdentity < 0 && scored.length > 0) this.#addOwn(scored, 0, t);
  }

  sum(span: number, group: number, sum: SpanSum): void {
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
    sum.count = count;
    sum.total = total;
    sum.square = square;
    sum.max = max;
    sum.min = min;
    const most = Math.max(max, -min);
    sum.isExact = count === 0 || count * most < 2 ** 53;
    sum.isSquareExact = count === 0 || count * most * most < 2 ** 53;
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
    this.later = later;
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

  #addOwn(events: Float64Array, event: number, t: number): void {
    const { edges } = this.#edges;
    const age = t - (events[event] as number);
    for (let bucket = 0; bucket < this.#edges.buckets; bucket += 1) {
      if (age >= (edges[bucket] as number) && age < (edges[bucket + 1] as number))
        this.#add(events, event, bucket, this.#including);
    }
  }
}
