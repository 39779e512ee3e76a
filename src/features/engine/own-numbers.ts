import { byKind, type EntityKind } from '../../domain/entity-keys.ts';
import type { TileLayout } from './tile-layout.ts';
import type { KindPlan } from './window-plan.ts';

/** The numbers of a payment's event that are kept with the payment, for one kind of entity. */
export interface OwnNumbers {
  /** Their places in the kind's event. */
  readonly slots: Int32Array;
  /** Where they begin among the payment's. */
  readonly start: number;
}

/**
 * What a store keeps of each payment beside its entities' lists: the numbers that went into tiles.
 * A second side that comes after the event was dropped is read without the event: its numbers are
 * taken out of the tile's sums again.
 */
export function ownNumbers(kinds: Readonly<Record<EntityKind, KindPlan>>): {
  readonly byKind: Readonly<Record<EntityKind, OwnNumbers>>;
  readonly count: number;
} {
  let count = 0;
  const numbers = byKind((kind) => {
    const slots = tiledSlots(kinds[kind].keeping.tiles);
    const start = count;
    count += slots.length;
    return { slots, start };
  });
  return { byKind: numbers, count };
}

function tiledSlots({ groups, conditionSlot }: TileLayout): Int32Array {
  const slots = new Set(groups.map(({ slot }) => slot));
  if (groups.some(({ condition }) => condition >= 0)) slots.add(conditionSlot);
  slots.delete(-1);
  return Int32Array.from(slots);
}
