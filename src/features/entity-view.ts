/**
 * One entity's state as the engine reads it: views into columns, nothing of its own. One object
 * is filled again for every read, so that the hot path allocates nothing.
 */
export class EntityView {
  /** Events, {@link EVENT_STRIDE} numbers each, oldest by sequence first, in a ring. */
  events: Float64Array = new Float64Array(0);
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
  /** The payment that is scored, where its event is in this state already. */
  ownIdentity = -1;
  ownTime = 0;
  ownAmount = 0;

  /** Becomes the state of an entity without events. */
  clear(): void {
    this.kept = 0;
    this.count = 0;
    this.first = Infinity;
    this.second = Infinity;
    this.maxSeen = -Infinity;
    this.maxDropped = -Infinity;
    this.tileChain = 0;
    this.ownIdentity = -1;
  }
}
