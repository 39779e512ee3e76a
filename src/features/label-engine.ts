import type { EntityView } from './entity-view.ts';
import { EVENT_STRIDE } from './event-slab.ts';
import { FEATURE_STATUS } from './feature-status.ts';
import type { FeatureOutput } from './window-engine.ts';
import type { KindPlan, LabelRead } from './window-plan.ts';

const { present, null: nothing, notFound, truncated } = FEATURE_STATUS;

/**
 * Computes label features of a payee: of the labels with event time ≤ t, each payment's latest
 * by (event time, sequence) says its state. A payee's list is short (most have none), so it is
 * read anew for each payment.
 *
 * A label's event holds: time, index of its state, −1, token of its endToEndId.
 */
export class LabelEngine {
  readonly #plan: KindPlan;
  readonly #defaults: Float64Array;
  readonly #slots: Int32Array;
  readonly #tokens: Float64Array;
  readonly #times: Float64Array;
  readonly #states: Uint8Array;
  #payments = 0;

  /** @param defaults a value for each output where the entity was never seen; NaN where there is none. */
  constructor(plan: KindPlan, defaults: Float64Array) {
    const { bound } = plan.keeping;
    this.#plan = plan;
    this.#defaults = defaults;
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(bound * 2)));
    this.#tokens = new Float64Array(bound);
    this.#times = new Float64Array(bound);
    this.#states = new Uint8Array(bound);
  }

  /**
   * Writes the label features of a payee as a payment at `t` sees them.
   *
   * @param hasPayments whether the payee has payments beside the one that is scored.
   * @param ownToken token of the scored payment's endToEndId: its own labels do not count.
   */
  read(view: EntityView, hasPayments: boolean, t: number, ownToken: number, out: FeatureOutput): void {
    const { labels } = this.#plan;
    if (!hasPayments && view.count === 0) {
      for (let at = 0; at < labels.length; at += 1) {
        const { output } = labels[at] as LabelRead;
        out.values[output] = this.#defaults[output] as number;
        out.status[output] = notFound;
      }
      return;
    }
    this.#collect(view, t, ownToken);
    for (let at = 0; at < labels.length; at += 1) this.#write(labels[at] as LabelRead, view, t, out);
  }

  #collect(view: EntityView, t: number, ownToken: number): void {
    const { events, base, head, mask } = view;
    this.#payments = 0;
    if (view.kept === 0) return;
    this.#slots.fill(0);
    for (let at = 0; at < view.kept; at += 1) {
      const label = (base + ((head + at) & mask)) * EVENT_STRIDE;
      const time = events[label] as number;
      const token = events[label + 3] as number;
      if (time > t || token === ownToken) continue;
      const payment = this.#placeOf(token);
      // Later in the list is later by sequence, so a tie of times goes to it.
      if (time < (this.#times[payment] as number)) continue;
      this.#times[payment] = time;
      this.#states[payment] = events[label + 1] as number;
    }
  }

  #placeOf(token: number): number {
    const mask = this.#slots.length - 1;
    let slot = Math.imul(token | 0, 0x9e3779b1) >>> 16;
    for (;;) {
      slot &= mask;
      const payment = (this.#slots[slot] as number) - 1;
      if (payment < 0) {
        this.#slots[slot] = this.#payments + 1;
        this.#tokens[this.#payments] = token;
        this.#times[this.#payments] = -Infinity;
        this.#payments += 1;
        return this.#payments - 1;
      }
      if (this.#tokens[payment] === token) return payment;
      slot += 1;
    }
  }

  #write(read: LabelRead, view: EntityView, t: number, out: FeatureOutput): void {
    const { output, windowMicros } = read;
    if (view.maxDropped > t - windowMicros) {
      out.values[output] = Number.NaN;
      out.status[output] = truncated;
      return;
    }
    let count = 0;
    let latest = -Infinity;
    for (let payment = 0; payment < this.#payments; payment += 1) {
      const time = this.#times[payment] as number;
      if (this.#states[payment] !== read.state || time <= t - windowMicros) continue;
      count += 1;
      if (time > latest) latest = time;
    }
    const isNull = !read.isCount && count === 0;
    out.values[output] = isNull ? Number.NaN : read.isCount ? count : (t - latest) / read.unitMicros;
    out.status[output] = isNull ? nothing : present;
  }
}
