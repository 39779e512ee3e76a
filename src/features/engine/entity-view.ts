import type { ColdEvents } from '../cold/cold-events.ts';

/**
 * One entity's state as the engine reads it: views into columns, nothing of its own. One object
 * is filled again for every read, so that the hot path allocates nothing.
 */
export class EntityView {
  /** Events, `stride` numbers each, oldest by sequence first, in a ring of `mask + 1` events from `base`. */
  events: Float64Array = new Float64Array(0);
  stride = 2;
  base = 0;
  head = 0;
  mask = 0;
  kept = 0;
  /** Events ever, dropped ones too. */
  count = 0;
  /** The two smallest event times ever: the second is needed where the first is the payment's own. */
  first = Infinity;
  second = Infinity;
  maxSeen = -Infinity;
  maxDropped = -Infinity;
  /** Tiles of dropped events: 1 + the first, or 0. */
  tiles: Float64Array = new Float64Array(0);
  tileChain = 0;
  /** Events of an entity without a bound that are older by sequence than those in memory; null where it has none. */
  cold: ColdEvents | null = null;
  /** Token of the payment that is scored, where its event is in this state already; else −1. */
  ownIdentity = -1;
  ownTime = 0;
  /** Its event as it was recorded, where the entity may have dropped it into a tile. */
  own: Float64Array = NO_EVENT;

  /** Becomes the state of an entity without events. */
  clear(): void {
    this.kept = 0;
    this.count = 0;
    this.first = Infinity;
    this.second = Infinity;
    this.maxSeen = -Infinity;
    this.maxDropped = -Infinity;
    this.tileChain = 0;
    this.cold = null;
    this.ownIdentity = -1;
  }
}

const NO_EVENT = new Float64Array(0);
