import type { FeatureOutput } from '../feature-output.ts';
import { FEATURE_STATUS } from '../feature-status.ts';
import type { EntityView } from './entity-view.ts';
import { EVENT_IDENTITY } from './event-layout.ts';
import type { KindPlan, LabelRead } from './window-plan.ts';

const { present, null: nothing, notFound, truncated, tooLate } = FEATURE_STATUS;

/** Numbers of a label's event: time (µs), token of its endToEndId, index of its state. */
export const LABEL_STRIDE = 3;
const LABEL_STATE = 2;

/**
 * Computes label features of a payee: of the labels with event time ≤ t, each payment's latest
 * by (event time, sequence) says its state. A payee's list is short (most have none), so it is
 * read anew for each payment.
 */
export class LabelEngine {
  readonly #plan: KindPlan;
  readonly #latenessMicros: number;
  readonly #defaults: Float64Array;
  readonly #slots: Int32Array;
  readonly #tokens: Float64Array;
  readonly #times: Float64Array;
  readonly #states: Uint8Array;
  #payments = 0;

  /** @param defaults a value for each output where the entity was never seen; NaN where there is none. */
  constructor(plan: KindPlan, latenessMicros: number, defaults: Float64Array) {
    const bound = plan.keeping.labelBound;
    this.#plan = plan;
    this.#latenessMicros = latenessMicros;
    this.#defaults = defaults;
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(bound * 2)));
    this.#tokens = new Float64Array(bound);
    this.#times = new Float64Array(bound);
    this.#states = new Uint8Array(bound);
  }

  /**
   * Writes the label features of a payee as a payment at `t` sees them.
   *
   * @param view its labels. @param payments its payments, the scored one's own event named as for windows.
   * @param ownToken token of the scored payment's endToEndId: its own labels do not count.
   */
  read(view: EntityView, payments: EntityView, t: number, ownToken: number, out: FeatureOutput): void {
    const { labels } = this.#plan;
    const others = payments.ownIdentity < 0 ? payments.count : payments.count - 1;
    if (others === 0 && view.count === 0) {
      for (let at = 0; at < labels.length; at += 1) {
        const { output } = labels[at] as LabelRead;
        write(out, output, this.#defaults[output] as number, notFound);
      }
      return;
    }
    this.#collect(view, t, ownToken);
    for (let at = 0; at < labels.length; at += 1) {
      const read = labels[at] as LabelRead;
      if (read.feature.aggregate !== 'rate' && read.feature.on !== 'payment') this.#onLabels(read, view, t, out);
      else this.#onPayments(read, view, payments, t, ownToken, out);
    }
  }

  #collect(view: EntityView, t: number, ownToken: number): void {
    const { events, base, head, mask } = view;
    this.#payments = 0;
    if (view.kept === 0) return;
    this.#slots.fill(0);
    for (let at = 0; at < view.kept; at += 1) {
      const label = (base + ((head + at) & mask)) * LABEL_STRIDE;
      const time = events[label] as number;
      const token = events[label + EVENT_IDENTITY] as number;
      if (time > t || token === ownToken) continue;
      const payment = this.#placeOf(token);
      // Later in the list is later by sequence, so a tie of times goes to it.
      if (time < (this.#times[payment] as number)) continue;
      this.#times[payment] = time;
      this.#states[payment] = events[label + LABEL_STATE] as number;
    }
  }

  #placeOf(token: number): number {
    const slot = this.#slotOf(token);
    const known = (this.#slots[slot] as number) - 1;
    if (known >= 0) return known;
    this.#slots[slot] = this.#payments + 1;
    this.#tokens[this.#payments] = token;
    this.#times[this.#payments] = -Infinity;
    this.#payments += 1;
    return this.#payments - 1;
  }

  /** The token's slot, or the free one where it would go. */
  #slotOf(token: number): number {
    const mask = this.#slots.length - 1;
    let slot = (Math.imul(token | 0, 0x9e3779b1) >>> 16) & mask;
    for (;;) {
      const payment = (this.#slots[slot] as number) - 1;
      if (payment < 0 || this.#tokens[payment] === token) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** Windows of the labels' own times. */
  #onLabels(read: LabelRead, view: EntityView, t: number, out: FeatureOutput): void {
    const { output, counted, offsetMicros, windowMicros, unitMicros, feature } = read;
    const end = t - offsetMicros;
    if (view.maxDropped > end - windowMicros) {
      write(out, output, Number.NaN, truncated);
      return;
    }
    let count = 0;
    let latest = -Infinity;
    for (let payment = 0; payment < this.#payments; payment += 1) {
      const time = this.#times[payment] as number;
      if (counted[this.#states[payment] as number] === 0 || time <= end - windowMicros || time > end) continue;
      count += 1;
      if (time > latest) latest = time;
    }
    if (feature.aggregate === 'count') write(out, output, count, present);
    else if (count === 0) write(out, output, Number.NaN, nothing);
    else write(out, output, (t - latest) / unitMicros, present);
  }

  /** Windows of the payments' times: how many of them are labelled, and what share that is. */
  #onPayments(
    read: LabelRead,
    view: EntityView,
    payments: EntityView,
    t: number,
    ownToken: number,
    out: FeatureOutput,
  ): void {
    const { output, counted, offsetMicros, windowMicros, maturityMicros, feature } = read;
    const start = t - offsetMicros - windowMicros;
    if (t < payments.maxSeen - this.#latenessMicros) {
      write(out, output, Number.NaN, tooLate);
      return;
    }
    // A label is no older than its payment, so one that was dropped before the window begins is of none in it.
    if (payments.maxDropped > start || view.maxDropped > start) {
      write(out, output, Number.NaN, truncated);
      return;
    }
    const { events, stride, base, head, mask } = payments;
    let all = 0;
    let labelled = 0;
    for (let at = 0; at < payments.kept; at += 1) {
      const event = (base + ((head + at) & mask)) * stride;
      const time = events[event] as number;
      const token = events[event + EVENT_IDENTITY] as number;
      if (time <= start || time > t - offsetMicros || token === ownToken) continue;
      if (feature.denominator === 'matured' && time + maturityMicros > t) continue;
      all += 1;
      if (this.#payments === 0) continue;
      const payment = (this.#slots[this.#slotOf(token)] as number) - 1;
      if (payment >= 0) labelled += counted[this.#states[payment] as number] as number;
    }
    if (feature.aggregate === 'count') write(out, output, labelled, present);
    else if (all === 0) write(out, output, Number.NaN, nothing);
    else write(out, output, labelled / all, present);
  }
}

function write(out: FeatureOutput, output: number, value: number, status: number): void {
  out.values[output] = value;
  out.status[output] = status;
}
