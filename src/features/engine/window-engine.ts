import type { FeatureOutput } from '../feature-output.ts';
import { FEATURE_STATUS } from '../feature-status.ts';
import { BucketSums } from '../sums/bucket-sums.ts';
import { RunningSums } from '../sums/running-sums.ts';
import { WindowSums } from '../sums/window-sums.ts';
import type { EntityView } from './entity-view.ts';
import { ListReads } from './list-reads.ts';
import { TileReads } from './tile-reads.ts';
import { WindowEdges } from './window-edges.ts';
import type { KindPlan } from './window-plan.ts';

const { notFound } = FEATURE_STATUS;

/**
 * How an engine sums events: `many` entities are read in any order, each by a pass over its events; of `one` entity at a
 * time it follows the events from read to read, see {@link RunningSums}. Values are the same.
 */
export type EntityOrder = 'many' | 'one';

/**
 * Computes every window feature of one entity. Events in memory are summed for every column and condition at once, by
 * buckets of age or by cursors at the windows' edges; a window's count, sum and extremes are those of its run. What the
 * entity dropped comes from its tiles where a window hops or is of all time, and makes the window `truncated` where it
 * slides. Features that look at events one by one come after ({@link ListReads}), and what uses tiles in other ways
 * ({@link TileReads}).
 *
 * Everything before the last step is integer arithmetic in doubles below 2^53, or in bigints where
 * it would not fit; a value takes one division, last. Sums and lists allocate nothing for a read.
 */
export class WindowEngine {
  readonly #plan: KindPlan;
  readonly #latenessMicros: number;
  readonly #defaults: Float64Array;
  readonly #edges: WindowEdges;
  readonly #sums: WindowSums;
  readonly #lists: ListReads | null;
  readonly #tiled: TileReads | null;

  /** @param defaults a value for each output where the entity was never seen; NaN where there is none. @param order of `one`, see {@link forget}. */
  constructor(plan: KindPlan, latenessMicros: number, defaults: Float64Array, order: EntityOrder = 'many') {
    this.#plan = plan;
    this.#latenessMicros = latenessMicros;
    this.#defaults = defaults;
    this.#edges = new WindowEdges(plan.spans);
    const kept = order === 'one' ? new RunningSums(plan, this.#edges) : new BucketSums(plan, this.#edges);
    this.#sums = new WindowSums(plan, this.#edges, kept);
    this.#lists = plan.lists.length === 0 ? null : new ListReads(plan, this.#edges);
    this.#tiled = plan.tiled.length === 0 ? null : new TileReads(plan, this.#edges);
  }

  /** To be called in the order `one` when the next read is of another entity, or of a state that was built anew. */
  forget(): void {
    this.#sums.forget();
  }

  /**
   * Writes the features of an entity in `view` as a payment at `t` sees them.
   *
   * @param scored the event of the payment as it came: what a window that includes it counts where its
   * event is not in this state yet.
   */
  read(view: EntityView, t: number, scored: Float64Array, out: FeatureOutput): void {
    const others = view.ownIdentity < 0 ? view.count : view.count - 1;
    const { outputs, ownless } = this.#plan;
    if (others > 0 || (scored.length > 0 && ownless.length < outputs.length)) {
      this.#edges.moveTo(t);
      const isTooLate = t < view.maxSeen - this.#latenessMicros;
      this.#sums.read(view, t, scored, isTooLate, out);
      this.#lists?.read(view, t, scored, isTooLate, out);
      this.#tiled?.read(view, t, scored, isTooLate, out);
    }
    if (others === 0) this.#writeNeverSeen(scored.length > 0 ? ownless : outputs, out);
  }

  /** An entity that had nothing but the payment itself is not found, but for windows that include it. */
  #writeNeverSeen(outputs: Int32Array, out: FeatureOutput): void {
    for (let at = 0; at < outputs.length; at += 1) {
      const output = outputs[at] as number;
      out.values[output] = this.#defaults[output] as number;
      out.status[output] = notFound;
    }
  }
}
