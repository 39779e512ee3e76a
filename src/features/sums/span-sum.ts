import type { EntityView } from '../engine/entity-view.ts';

/** What the events of one group sum to over one span: those in memory in doubles, those that are not in parts. */
export class SpanSum {
  /** Of all of them. */
  count = 0;
  /** Σx and Σx² of the events in memory. */
  total = 0;
  square = 0;
  /** Infinite where there is none, or where no feature reads the extremes of the group. */
  max = -Infinity;
  min = Infinity;
  /** Whether doubles held every step of Σx, and of Σx². */
  isExact = true;
  isSquareExact = true;
  /** Σx of the events that are not in memory as `high · 2^48 + low`, and their Σx². */
  low = 0;
  high = 0;
  droppedSquare = 0n;
  /** What dropped events leave unknown: bits of {@link DOUBT}. */
  doubt = 0;

  /** Becomes the sum of no dropped events; what is of events in memory stays. */
  clearDropped(): void {
    this.low = 0;
    this.high = 0;
    this.droppedSquare = 0n;
    this.doubt = 0;
  }
}

/** Bits of what is unknown of a window: everything, its largest, its smallest. */
export const DOUBT = { all: 1, max: 2, min: 4 } as const;

/** Sums over spans of the events that an entity has in memory. Every way of summing gives the same numbers. */
export interface KeptSums {
  /** Of the entity looked at last: how many events are later than the payment, its own left out. */
  readonly later: number;
  /** Whether the payment's own event is in memory. */
  readonly hasOwn: boolean;
  /** The next view is of another entity, or of the same one with a state that was built anew. */
  forget(): void;
  /**
   * Looks at an entity as a payment at `t` sees it; edges were moved there.
   *
   * @param scored the payment's event as it came: groups that include it count it where it is not in the state.
   */
  look(view: EntityView, t: number, scored: Float64Array): void;
  /** Sums a group over a span of what was looked at into `sum`, whose parts of dropped events stay as they are. */
  sum(span: number, group: number, sum: SpanSum): void;
}
