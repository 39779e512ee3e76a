import type { EntityView } from '../engine/entity-view.ts';
import { EVENT_IDENTITY, passes } from '../engine/event-layout.ts';
import type { GroupPlan } from '../engine/window-plan.ts';

/** A payment at `t` that looks at an entity, and how its events lie. */
export interface KeptLook {
  readonly view: EntityView;
  readonly t: number;
  readonly scored: Float64Array;
  readonly conditionSlot: number;
}

/**
 * Σx or Σx² of the events that an entity has in memory, in bigints: where doubles do not hold every step.
 *
 * @param near, far ages in microseconds: of a span from `near` to below `far`.
 */
export function keptPowers(
  { view, t, scored, conditionSlot }: KeptLook,
  { slot, condition, includesOwn }: GroupPlan,
  near: number,
  far: number,
  power: 1n | 2n,
): bigint {
  const { events, stride, base, head, mask, ownIdentity } = view;
  let sum = 0n;
  const add = (of: Float64Array, event: number): void => {
    const age = t - (of[event] as number);
    const value = of[event + slot] as number;
    if (age < near || age >= far || Number.isNaN(value)) return;
    if (passes(of, event, conditionSlot, condition)) sum += BigInt(value) ** power;
  };
  for (let at = 0; at < view.kept; at += 1) {
    const event = (base + ((head + at) & mask)) * stride;
    if (events[event + EVENT_IDENTITY] !== ownIdentity || includesOwn) add(events, event);
  }
  if (includesOwn && ownIdentity < 0 && scored.length > 0) add(scored, 0);
  return sum;
}
