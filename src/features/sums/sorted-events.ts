import { assert } from '../../base/assert.ts';
import type { EntityView } from '../engine/entity-view.ts';
import { passes } from '../engine/event-layout.ts';
import type { PrefixGroup, PrefixRow } from './prefix-row.ts';

/**
 * The events that one entity has in memory, in the order of their times, with sums of all that come before each
 * ({@link PrefixRow}). It follows the entity from view to view: what was appended is put in, nearly always at the end;
 * what was dropped is taken out, nearly always at the front. An event that is out of the order of its time moves those
 * between it and the end when it comes, and those between it and the front when it goes.
 *
 * An event keeps its ordinal among all that the entity had: so it is found again in the entity's ring, and in here.
 */
export class SortedEvents {
  readonly layout: PrefixRow;
  /** Of the event at a place; places are from `from` to below `to`. */
  readonly times: Float64Array;
  /** `layout.stride` numbers a place; the row behind the last event has sums alone. */
  readonly rows: Float64Array;
  from = 0;
  to = 0;
  /** How often events changed their places: what is remembered by place is true while this stays. */
  moves = 0;
  /** The largest |x| of each group since sums began; no sum has more terms than there are places. */
  readonly largest: Float64Array;
  readonly #conditionSlot: number;
  readonly #ordinals: Int32Array;
  /** What an event adds to sums, and its own values. */
  readonly #added: Float64Array;
  #oldest = 0;
  #next = 0;

  /** @param bound the most events that an entity has in memory. */
  constructor(layout: PrefixRow, conditionSlot: number, bound: number) {
    // Where the room ends sums begin anew with what is in memory: at four times the bound a third of an event's cost.
    const room = Math.max(64, bound * 4);
    this.layout = layout;
    this.times = new Float64Array(room);
    this.rows = new Float64Array((room + 1) * layout.stride);
    this.largest = new Float64Array(layout.groups.length);
    this.#conditionSlot = conditionSlot;
    this.#ordinals = new Int32Array(room);
    this.#added = new Float64Array(layout.stride);
  }

  /** Begins with an entity whose first event is still to come. */
  clear(): void {
    this.#beginAt(0);
  }

  /** Becomes what a later view of the same entity has in memory. */
  follow(view: EntityView): void {
    const oldest = view.count - view.kept;
    if (this.#next < oldest || this.to + view.count - this.#next > this.times.length) this.#beginAt(oldest);
    for (; this.#oldest < oldest; this.#oldest += 1) this.#take(this.#oldest);
    for (; this.#next < view.count; this.#next += 1) this.#put(view, this.#next);
  }

  /** The place behind the last event that is no later than an instant. @param near a place that is likely close. */
  placeBehind(time: number, near: number): number {
    const { times, from, to } = this;
    let at = Math.max(from, Math.min(near, to));
    while (at < to && (times[at] as number) <= time) at += 1;
    while (at > from && (times[at - 1] as number) > time) at -= 1;
    return at;
  }

  /** Where the numbers of an event begin in the view. */
  eventAt(view: EntityView, place: number): number {
    return eventOf(view, (this.#ordinals[place] as number) - this.#oldest);
  }

  #beginAt(ordinal: number): void {
    this.from = 0;
    this.to = 0;
    this.moves += 1;
    this.#oldest = ordinal;
    this.#next = ordinal;
    this.largest.fill(0);
    this.rows.fill(0, 0, this.layout.sums);
  }

  #put(view: EntityView, ordinal: number): void {
    const { times } = this;
    const event = eventOf(view, ordinal - this.#oldest);
    const time = view.events[event] as number;
    this.#weigh(view.events, event);
    let place = this.to;
    while (place > this.from && (times[place - 1] as number) > time) place -= 1;
    if (place < this.to) this.#makeRoom(place);
    times[place] = time;
    this.#ordinals[place] = ordinal;
    this.to += 1;
    this.#addFrom(place);
  }

  /** Fills `#added` with what an event adds. */
  #weigh(events: Float64Array, event: number): void {
    const { groups } = this.layout;
    const added = this.#added;
    for (let at = 0; at < groups.length; at += 1) {
      const group = groups[at] as PrefixGroup;
      const isIn = passes(events, event, this.#conditionSlot, group.condition);
      const value = !isIn ? Number.NaN : group.slot < 0 ? 0 : (events[event + group.slot] as number);
      const counts = !Number.isNaN(value);
      added[group.count] = counts ? 1 : 0;
      if (group.total >= 0) added[group.total] = counts ? value : 0;
      if (group.square >= 0) added[group.square] = counts ? value * value : 0;
      if (group.value >= 0) added[group.value] = value;
      const size = Math.abs(value);
      if (size > (this.largest[at] as number)) this.largest[at] = size;
    }
  }

  /** Moves events from `place` on by one. */
  #makeRoom(place: number): void {
    const { stride } = this.layout;
    this.times.copyWithin(place + 1, place, this.to);
    this.#ordinals.copyWithin(place + 1, place, this.to);
    this.rows.copyWithin((place + 1) * stride, place * stride, (this.to + 1) * stride);
    this.moves += 1;
  }

  /** Puts an event's own values at its place, and adds it to the sums of all behind it. */
  #addFrom(place: number): void {
    const { sums, stride } = this.layout;
    const { rows } = this;
    const added = this.#added;
    const row = place * stride;
    for (let at = sums; at < stride; at += 1) rows[row + at] = added[at] as number;
    // The row behind the end has not been written yet, or was moved: its sums are those of the event's place.
    for (let at = 0; at < sums; at += 1) rows[row + stride + at] = (rows[row + at] as number) + (added[at] as number);
    for (let behind = row + 2 * stride; behind <= this.to * stride; behind += stride) {
      for (let at = 0; at < sums; at += 1) rows[behind + at] = (rows[behind + at] as number) + (added[at] as number);
    }
  }

  /** Takes out an event that was dropped. The room that it leaves is at the front: those before it move there. */
  #take(ordinal: number): void {
    let place = this.from;
    while (place < this.to && this.#ordinals[place] !== ordinal) place += 1;
    assert(place < this.to, 'an event that was dropped was in memory before');
    if (place > this.from) this.#moveFront(place);
    this.from += 1;
  }

  #moveFront(place: number): void {
    const { from, rows } = this;
    const { sums, stride } = this.layout;
    const added = this.#added;
    const row = place * stride;
    for (let at = 0; at < sums; at += 1) added[at] = (rows[row + stride + at] as number) - (rows[row + at] as number);
    this.times.copyWithin(from + 1, from, place);
    this.#ordinals.copyWithin(from + 1, from, place);
    rows.copyWithin((from + 1) * stride, from * stride, row);
    for (let behind = (from + 1) * stride; behind <= row; behind += stride) {
      for (let at = 0; at < sums; at += 1) rows[behind + at] = (rows[behind + at] as number) + (added[at] as number);
    }
    this.moves += 1;
  }
}

/** @param behindHead how many events lie before it in the view. */
function eventOf({ base, head, mask, stride }: EntityView, behindHead: number): number {
  return (base + ((head + behindHead) & mask)) * stride;
}
