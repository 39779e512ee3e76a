import { type CivilZone, civilZone, startOfCivilDay, startOfCivilMonth } from '../../base/civil-time.ts';
import { CIVIL_ZONE } from '../expression/derived-columns.ts';
import type { SpanPlan } from './window-plan.ts';

/**
 * The ages at which windows begin and end, in order. Between two of them lies a bucket; a window is
 * a run of buckets, so a pass puts each event into one bucket and every window sums its run.
 *
 * An age is `t − event time` in microseconds. A window holds ages from `near` to below `far`.
 */
export class WindowEdges {
  readonly #spans: readonly SpanPlan[];
  readonly #zone: CivilZone = civilZone(CIVIL_ZONE);
  /** Ages in order; bucket k is from `edges[k]` to below `edges[k + 1]`. */
  readonly edges: Float64Array;
  /** Buckets of span s are `from[s]` to below `to[s]`. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** Ages of span s. */
  readonly near: Float64Array;
  readonly far: Float64Array;
  #count = 0;
  /** Whether edges depend on the instant. */
  readonly #moves: boolean;

  constructor(spans: readonly SpanPlan[]) {
    this.#spans = spans;
    this.edges = new Float64Array(spans.length * 2);
    this.from = new Int32Array(spans.length);
    this.to = new Int32Array(spans.length);
    this.near = Float64Array.from(spans, ({ offsetMicros }) => offsetMicros);
    this.far = Float64Array.from(spans, ({ offsetMicros, sizeMicros }) => offsetMicros + sizeMicros);
    this.#moves = spans.some(({ kind }) => kind !== 'sliding' && kind !== 'all');
    this.#layOut();
  }

  /** Buckets. */
  get buckets(): number {
    return Math.max(0, this.#count - 1);
  }

  /** Lays the edges out as a payment at `t` sees them. */
  moveTo(t: number): void {
    if (!this.#moves) return;
    for (let span = 0; span < this.#spans.length; span += 1) {
      const { kind, sizeMicros, hopMicros } = this.#spans[span] as SpanPlan;
      if (kind === 'hop') this.far[span] = t - Math.floor((t - sizeMicros) / hopMicros) * hopMicros;
      // A civil day holds its first instant.
      else if (kind === 'civil_day') this.far[span] = t - startOfCivilDay(this.#zone, t) + 1;
      else if (kind === 'civil_month') this.far[span] = t - startOfCivilMonth(this.#zone, t) + 1;
    }
    this.#layOut();
  }

  /** Sorted by insertion: a dozen edges whose order hardly changes. */
  #layOut(): void {
    this.#count = 0;
    for (let span = 0; span < this.near.length; span += 1) {
      this.#insert(this.near[span] as number);
      this.#insert(this.far[span] as number);
    }
    for (let span = 0; span < this.near.length; span += 1) {
      this.from[span] = this.#indexOf(this.near[span] as number);
      this.to[span] = this.#indexOf(this.far[span] as number);
    }
  }

  #insert(age: number): void {
    let at = this.#count;
    while (at > 0 && (this.edges[at - 1] as number) > age) at -= 1;
    if (at > 0 && this.edges[at - 1] === age) return;
    this.edges.copyWithin(at + 1, at, this.#count);
    this.edges[at] = age;
    this.#count += 1;
  }

  #indexOf(age: number): number {
    let at = 0;
    while (this.edges[at] !== age) at += 1;
    return at;
  }
}
