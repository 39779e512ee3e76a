import { assert } from '../../base/assert.ts';
import type { ColdEvents } from '../cold/cold-events.ts';
import { ColdLists, type ColdQuery } from '../cold/cold-lists.ts';
import type { FeatureOutput } from '../feature-output.ts';
import { FEATURE_STATUS } from '../feature-status.ts';
import { rankOf } from './approximate.ts';
import type { EntityView } from './entity-view.ts';
import { EVENT_IDENTITY, holds, passes } from './event-layout.ts';
import { ValueTally } from './value-tally.ts';
import type { WindowEdges } from './window-edges.ts';
import type { KindPlan, ListRead } from './window-plan.ts';

const { present, null: nothing, truncated, tooLate, expired } = FEATURE_STATUS;

/** What a read found: a value, or the status that says why there is none. */
interface Found {
  value: number;
  status: number;
}

/**
 * Features that look at a window's events one by one: in the order of (event time, sequence) the
 * first, the last, streaks; by value the distinct, the top, quantiles. Events are gathered once for
 * all features that share column, condition and `current`; a window is a run of them.
 */
export class ListReads {
  readonly #plan: KindPlan;
  readonly #edges: WindowEdges;
  readonly #conditionSlot: number;
  readonly #tally: ValueTally;
  /** Null where the set has a bound. */
  readonly #cold: ColdLists | null;
  /** Of the gathered events, in order: time, value, whether a streak's condition holds. */
  readonly #times: Float64Array;
  readonly #values: Float64Array;
  readonly #bits: Float64Array;
  readonly #sorted: Float64Array;
  #count = 0;
  /** The run of the window that is read: from `#from` to below `#to`. */
  #from = 0;
  #to = 0;
  #gathered: ListRead | undefined;
  #isSorted = false;
  readonly #found: Found = { value: Number.NaN, status: nothing };

  constructor(plan: KindPlan, edges: WindowEdges) {
    const { bound, cold } = plan.keeping;
    const most = Math.max(1, ...plan.lists.map(mostOf));
    const room = bound + 1 + (cold === null ? 0 : most);
    this.#cold = cold === null ? null : new ColdLists(cold, most);
    this.#plan = plan;
    this.#edges = edges;
    this.#conditionSlot = plan.keeping.tiles.conditionSlot;
    this.#tally = new ValueTally(room);
    this.#times = new Float64Array(room);
    this.#values = new Float64Array(room);
    this.#bits = new Float64Array(room);
    this.#sorted = new Float64Array(room);
  }

  /** Writes every feature. @param isTooLate whether the payment is behind what windows allow. */
  read(view: EntityView, t: number, scored: Float64Array, isTooLate: boolean, out: FeatureOutput): void {
    const { lists, spans } = this.#plan;
    this.#gathered = undefined;
    for (let at = 0; at < lists.length; at += 1) {
      const read = lists[at] as ListRead;
      const found = this.#found;
      found.value = Number.NaN;
      if (isTooLate && spans[read.span]?.kind !== 'all') found.status = tooLate;
      else if (read.isFirstEver) this.#sinceFirstEver(read, view, t, found);
      else this.#find(read, view, t, scored, found);
      out.values[read.output] = found.value + 0;
      out.status[read.output] = found.status;
    }
  }

  #find(read: ListRead, view: EntityView, t: number, scored: Float64Array, found: Found): void {
    if (!sameEvents(this.#gathered, read)) this.#gather(read, view, t, scored);
    this.#runOf(read.span, t);
    if (view.cold !== null && this.#cold !== null) this.#addCold(this.#cold, view.cold, read, view, t);
    const start = t - (this.#edges.far[read.span] as number);
    this.#finish(read, view.maxDropped > start ? view.maxDropped : -Infinity, t, scored, found);
  }

  /** Of an entity that dropped events the time of the first is known, until that one was retracted, and then the next one was. */
  #sinceFirstEver({ unitMicros }: ListRead, view: EntityView, t: number, found: Found): void {
    const isOwn = view.ownIdentity >= 0 && view.ownTime === view.first;
    const first = isOwn ? view.second : view.first;
    if (first === -Infinity) found.status = truncated;
    else if (first > t) found.status = nothing;
    else settle(found, (t - first) / unitMicros);
  }

  /** Adds the cold events that the read needs: only the newest ones of a window, or its oldest. */
  #addCold(lists: ColdLists, cold: ColdEvents, read: ListRead, view: EntityView, t: number): void {
    const query: ColdQuery = {
      slot: read.slot,
      condition: read.condition,
      leftOut: read.includesOwn ? -1 : view.ownIdentity,
      start: t - (this.#edges.far[read.span] as number),
      end: t - (this.#edges.near[read.span] as number),
    };
    const { aggregate } = read.feature;
    if (aggregate === 'first' || aggregate === 'time_since_first') {
      lists.findOldest(cold, query);
    } else {
      const most = mostOf(read);
      const at = this.#to - most;
      if (at >= this.#from && cold.newest <= (this.#times[at] as number)) return;
      lists.findNewest(cold, query, most);
    }
    let place = 0;
    for (let at = 0; at < lists.count; at += 1) {
      place = this.#insert(lists.times[at] as number, lists.values[at] as number, lists.bits[at] as number, place);
    }
    this.#runOf(read.span, t);
    // Not all that the next read may need.
    this.#gathered = undefined;
  }

  /** Puts a cold event in: of a tie it comes before those in memory. @param from its place is no lower. @returns the place behind it. */
  #insert(time: number, value: number, bits: number, from: number): number {
    let at = from;
    while (at < this.#count && (this.#times[at] as number) < time) at += 1;
    this.#makeRoom(at);
    this.#times[at] = time;
    this.#values[at] = value;
    this.#bits[at] = bits;
    this.#count += 1;
    return at + 1;
  }

  #gather(read: ListRead, view: EntityView, t: number, scored: Float64Array): void {
    const { includesOwn } = read;
    const { events, stride, base, head, mask, ownIdentity } = view;
    this.#gathered = read;
    this.#isSorted = false;
    this.#count = 0;
    for (let at = 0; at < view.kept; at += 1) {
      const event = (base + ((head + at) & mask)) * stride;
      if (events[event + EVENT_IDENTITY] !== ownIdentity || includesOwn) this.#take(read, events, event, t);
    }
    if (includesOwn && ownIdentity < 0 && scored.length > 0) this.#take(read, scored, 0, t);
  }

  /** Finds a window's run among the gathered events: they are in the order of their times. */
  #runOf(span: number, t: number): void {
    const from = this.#countUpTo(t - (this.#edges.far[span] as number));
    const to = this.#countUpTo(t - (this.#edges.near[span] as number));
    if (from !== this.#from || to !== this.#to) this.#isSorted = false;
    this.#from = from;
    this.#to = to;
  }

  /** How many of the gathered events are no later than an instant. */
  #countUpTo(time: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#times[middle] as number) <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** By insertion, because events come nearly in the order of their times; of a tie the later by sequence stays behind. */
  #take({ slot, condition }: ListRead, events: Float64Array, event: number, t: number): void {
    const time = events[event] as number;
    if (time > t || !passes(events, event, this.#conditionSlot, condition)) return;
    const value = slot < 0 ? 0 : (events[event + slot] as number);
    if (Number.isNaN(value)) return;
    let at = this.#count;
    while (at > 0 && (this.#times[at - 1] as number) > time) at -= 1;
    if (at < this.#count) this.#makeRoom(at);
    this.#times[at] = time;
    this.#values[at] = value;
    this.#bits[at] = this.#conditionSlot < 0 ? 0 : (events[event + this.#conditionSlot] as number);
    this.#count += 1;
  }

  #makeRoom(at: number): void {
    this.#times.copyWithin(at + 1, at, this.#count);
    this.#values.copyWithin(at + 1, at, this.#count);
    this.#bits.copyWithin(at + 1, at, this.#count);
  }

  /** @param dropped the newest event time of the window that the entity may have dropped; −Infinity where it dropped none. */
  #finish(read: ListRead, dropped: number, t: number, scored: Float64Array, found: Found): void {
    const { feature, unitMicros } = read;
    switch (feature.aggregate) {
      case 'last':
      case 'nth_last':
        this.#nthLast(read, feature.n ?? 1, dropped, t, found);
        return;
      case 'time_since_last':
        this.#nthLast(read, 1, dropped, t, found);
        if (found.status === present) found.value = (t - (this.#times[this.#to - 1] as number)) / unitMicros;
        return;
      case 'streak':
        this.#streak(read, dropped, found);
        return;
      default:
        if (dropped > -Infinity) found.status = truncated;
        else this.#ofWhole(read, t, scored, found);
    }
  }

  /** What needs every event of the window. */
  #ofWhole({ feature, slot, unitMicros }: ListRead, t: number, scored: Float64Array, found: Found): void {
    const count = this.#to - this.#from;
    if (feature.aggregate === 'distinct') {
      settle(found, this.#tally.distinct(this.#values, this.#from, this.#to));
      return;
    }
    if (count === 0) {
      found.status = nothing;
      return;
    }
    switch (feature.aggregate) {
      case 'first':
        settle(found, this.#values[this.#from] as number);
        return;
      case 'time_since_first':
        settle(found, (t - (this.#times[this.#from] as number)) / unitMicros);
        return;
      case 'top':
        settle(found, this.#tally.top(this.#values, this.#from, this.#to));
        return;
      case 'is_top': {
        const own = scored[slot] ?? Number.NaN;
        if (Number.isNaN(own)) found.status = nothing;
        else settle(found, this.#tally.top(this.#values, this.#from, this.#to) === own ? 1 : 0);
        return;
      }
      default: {
        assert(feature.aggregate === 'quantile' && feature.quantile !== undefined, 'every aggregate is read');
        const [numerator, denominator] = feature.quantile;
        if (!this.#isSorted) this.#sort();
        settle(found, this.#sorted[rankOf(count, numerator, denominator) - 1] as number);
      }
    }
  }

  #sort(): void {
    const sorted = this.#sorted.subarray(0, this.#to - this.#from);
    sorted.set(this.#values.subarray(this.#from, this.#to));
    sorted.sort();
    this.#isSorted = true;
  }

  #nthLast({ timeToLiveMicros }: ListRead, n: number, dropped: number, t: number, found: Found): void {
    const at = this.#to - n;
    const time = at < this.#from ? -Infinity : (this.#times[at] as number);
    if (dropped > time) found.status = truncated;
    else if (at < this.#from) found.status = nothing;
    else if (t - time > timeToLiveMicros) found.status = expired;
    else settle(found, this.#values[at] as number);
  }

  /** How many of the newest events, one after another, pass the streak's own condition. */
  #streak({ feature, whileCondition }: ListRead, dropped: number, found: Found): void {
    const most = feature.most ?? this.#plan.keeping.bound;
    let at = this.#to - 1;
    let streak = 0;
    while (at >= this.#from && streak < most && holds(this.#bits[at] as number, whileCondition)) {
      streak += 1;
      at -= 1;
    }
    // Known where it is full, or where an event broke it that none dropped could be newer than.
    const decidedAt = streak === most ? at + 1 : at;
    const time = decidedAt < this.#from ? -Infinity : (this.#times[decidedAt] as number);
    if (dropped > time) found.status = truncated;
    else settle(found, streak);
  }
}

/** How many of a window's newest events a read needs. */
function mostOf({ feature: { n, most } }: ListRead): number {
  return n ?? most ?? 1;
}

function settle(found: Found, value: number): void {
  found.value = value;
  found.status = present;
}

function sameEvents(a: ListRead | undefined, b: ListRead): boolean {
  return a !== undefined && a.slot === b.slot && a.condition === b.condition && a.includesOwn === b.includesOwn;
}
