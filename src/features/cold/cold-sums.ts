import type { EntityView } from '../engine/entity-view.ts';
import { EVENT_IDENTITY, passes } from '../engine/event-layout.ts';
import { addToGroup, emptyGroup, GROUP_STRIDE, mergeGroup } from '../engine/group-sums.ts';
import type { WindowEdges } from '../engine/window-edges.ts';
import type { GroupPlan } from '../engine/window-plan.ts';
import type { ColdEvents } from './cold-events.ts';
import { type ColdLayout, SUMMARY } from './cold-layout.ts';
import type { ColdVisitor } from './cold-visit.ts';

/**
 * Sums of an entity's cold events by the buckets of age that windows are runs of. A summary whose events all lie in
 * one bucket is added whole; only at the edges between buckets events are looked at one by one.
 */
export class ColdSums implements ColdVisitor {
  readonly #edges: WindowEdges;
  readonly #groups: readonly GroupPlan[];
  /** Of each group, its place among a summary's. */
  readonly #parts: Int32Array;
  readonly #conditionSlot: number;
  readonly #buckets: number;
  readonly #cells: Float64Array;
  #t = 0;
  #ownIdentity = -1;
  #ownTime = 0;
  #bucket = 0;
  /** How many are later than the payment. */
  later = 0;
  /** Whether the payment's own event is among them. */
  hasOwn = false;

  constructor(layout: ColdLayout, groups: readonly GroupPlan[], spans: number, edges: WindowEdges) {
    this.#edges = edges;
    this.#groups = groups;
    this.#parts = Int32Array.from(groups, ({ slot, condition }) => {
      const part = layout.groups.findIndex((other) => other.slot === slot && other.condition === condition);
      return SUMMARY.groups + part * GROUP_STRIDE;
    });
    this.#conditionSlot = layout.conditionSlot;
    this.#buckets = spans * 2;
    this.#cells = new Float64Array(groups.length * this.#buckets * GROUP_STRIDE);
  }

  /** Sums an entity's cold events as a payment at `t` sees them. */
  read(cold: ColdEvents, view: EntityView, t: number): void {
    for (let at = 0; at < this.#cells.length; at += GROUP_STRIDE) emptyGroup(this.#cells, at);
    this.#t = t;
    this.#ownIdentity = view.ownIdentity;
    this.#ownTime = view.ownTime;
    this.#bucket = 0;
    this.later = 0;
    this.hasOwn = false;
    cold.visit(this, true);
  }

  /** Adds a group's buckets `from` to below `to` to `into`, which is a group of its own. */
  addRun(group: number, from: number, to: number, into: Float64Array): void {
    for (let bucket = from; bucket < to; bucket += 1) {
      mergeGroup(into, 0, this.#cells, (group * this.#buckets + bucket) * GROUP_STRIDE);
    }
  }

  enters(summaries: Float64Array, at: number, isWhole: boolean): boolean {
    const oldest = summaries[at + SUMMARY.oldest] as number;
    const newest = summaries[at + SUMMARY.newest] as number;
    const t = this.#t;
    const mayHoldOwn = this.#ownIdentity >= 0 && this.#ownTime >= oldest && this.#ownTime <= newest;
    if (oldest > t) {
      // The payment's own event is not later than itself.
      if (isWhole && !mayHoldOwn) this.later += summaries[at + SUMMARY.count] as number;
      return !isWhole || mayHoldOwn;
    }
    const { edges, buckets } = this.#edges;
    const age = t - newest;
    if (age >= (edges[buckets] as number)) return false;
    if (!isWhole || mayHoldOwn || age < 0) return true;
    const bucket = this.#bucketOf(age);
    if (t - oldest >= (edges[bucket + 1] as number)) return true;
    if (bucket < 0) return false;
    for (let group = 0; group < this.#groups.length; group += 1) {
      const cell = (group * this.#buckets + bucket) * GROUP_STRIDE;
      mergeGroup(this.#cells, cell, summaries, at + (this.#parts[group] as number));
    }
    return false;
  }

  event(numbers: Float64Array, at: number): void {
    const age = this.#t - (numbers[at] as number);
    const isOwn = numbers[at + EVENT_IDENTITY] === this.#ownIdentity;
    if (isOwn) this.hasOwn = true;
    if (age < 0) {
      if (!isOwn) this.later += 1;
      return;
    }
    const { edges, buckets } = this.#edges;
    if (age >= (edges[buckets] as number)) return;
    const bucket = this.#bucketOf(age);
    if (bucket < 0) return;
    for (let group = 0; group < this.#groups.length; group += 1) {
      const { slot, condition, includesOwn } = this.#groups[group] as GroupPlan;
      if ((isOwn && !includesOwn) || !passes(numbers, at, this.#conditionSlot, condition)) continue;
      const value = slot < 0 ? 0 : (numbers[at + slot] as number);
      addToGroup(this.#cells, (group * this.#buckets + bucket) * GROUP_STRIDE, value);
    }
  }

  /** The bucket of an age below the last edge; −1 before the first one. Ages come nearly in order. */
  #bucketOf(age: number): number {
    const { edges } = this.#edges;
    let bucket = this.#bucket;
    while (bucket >= 0 && age < (edges[bucket] as number)) bucket -= 1;
    while (age >= (edges[bucket + 1] as number)) bucket += 1;
    this.#bucket = Math.max(0, bucket);
    return bucket;
  }
}
