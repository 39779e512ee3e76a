import type { SortedEvents } from './sorted-events.ts';

/**
 * The largest value of any run of sorted events, or the smallest. Of a run that goes to the end it is on a stack of
 * those events that none behind them reaches: nearly every window is such a run. Of others all values are looked at.
 */
export class ExtremeRuns {
  readonly #events: SortedEvents;
  /** Place of the value in a row. */
  readonly #column: number;
  /** 1 for the largest, −1 for the smallest. */
  readonly #sign: 1 | -1;
  /** Places, from the front on; their values fall. */
  readonly #stack: Int32Array;
  #size = 0;
  /** What was put on the stack: events below this place, where they have not moved since. */
  #to = 0;
  #moves = -1;

  constructor(events: SortedEvents, column: number, sign: 1 | -1) {
    this.#events = events;
    this.#column = column;
    this.#sign = sign;
    this.#stack = new Int32Array(events.times.length);
  }

  /** The extreme of events from place `from` to below `to`, without the one at `leftOut`; infinite where there is none. */
  over(from: number, to: number, leftOut: number): number {
    const most = to < this.#events.to ? this.#lookAt(from, to, leftOut) : this.#ofRest(from);
    const isLeftOut = leftOut >= 0 && this.#valueAt(leftOut) === most;
    return (isLeftOut ? this.#lookAt(from, to, leftOut) : most) * this.#sign;
  }

  /** Of all events from a place on. */
  #ofRest(from: number): number {
    this.#follow();
    const at = this.#firstFrom(from);
    return at === this.#size ? -Infinity : this.#valueAt(this.#stack[at] as number);
  }

  /** NaN where the event does not count. */
  #valueAt(place: number): number {
    const { rows, layout } = this.#events;
    return (rows[place * layout.stride + this.#column] as number) * this.#sign;
  }

  #lookAt(from: number, to: number, leftOut: number): number {
    let most = -Infinity;
    for (let place = from; place < to; place += 1) {
      const value = this.#valueAt(place);
      if (value > most && place !== leftOut) most = value;
    }
    return most;
  }

  #follow(): void {
    const events = this.#events;
    if (this.#moves !== events.moves) {
      this.#moves = events.moves;
      this.#size = 0;
      this.#to = events.from;
    }
    for (; this.#to < events.to; this.#to += 1) {
      const value = this.#valueAt(this.#to);
      if (Number.isNaN(value)) continue;
      while (this.#size > 0 && this.#valueAt(this.#stack[this.#size - 1] as number) <= value) this.#size -= 1;
      this.#stack[this.#size] = this.#to;
      this.#size += 1;
    }
  }

  /** The first on the stack that is at a place or behind it. */
  #firstFrom(place: number): number {
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#stack[middle] as number) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
