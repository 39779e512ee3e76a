import { LIMITS } from '../../base/limits.ts';
import type { EventColumn, WindowFeature } from '../definition/definition.ts';
import { fail } from '../definition/definition-fault.ts';
import { tileMicros } from '../definition/kept-events.ts';
import { type Condition, compileCondition } from '../expression/condition.ts';
import { COLUMN_TYPES } from '../expression/derived-columns.ts';
import { wayOf } from './aggregate-kinds.ts';
import { type EventLayout, type EventSlot, FIRST_SLOT } from './event-layout.ts';
import type { TileGroup, TileLayout } from './tile-layout.ts';

/** Where the features of one kind of entity find their columns and conditions in an event. */
export interface EventSlots {
  readonly layout: EventLayout;
  readonly tiles: TileLayout;
  /** Place of what a feature looks at event by event; −1 where it needs no column. */
  slotOf(feature: WindowFeature): number;
  /** Bit of a condition; −1 where there is none. */
  conditionOf(text: string | undefined): number;
  /** Place of a feature's part among a tile's groups, registers or histograms; −1 where it has none. */
  tilePartOf(feature: WindowFeature): number;
}

/**
 * Lays out the events of one kind of entity: each column and each condition once.
 *
 * @param isBounded whether the set has a bound; where it has none, only what cannot be summed from events needs tiles.
 */
export function eventSlots(features: readonly WindowFeature[], isBounded: boolean): EventSlots {
  const texts = [...new Set(features.flatMap(({ filter, while: whole }) => [filter, whole]))].filter(
    (text): text is string => text !== undefined,
  );
  const [beyond] = texts.slice(LIMITS.conditionsOfEntity);
  if (beyond !== undefined) refuseConditions(features, beyond);
  const slots: EventSlot[] = [];
  for (const feature of features) {
    const kind = slotKindOf(feature);
    if (kind === undefined || feature.column === undefined) continue;
    if (placeIn(slots, kind, feature.column) < 0) slots.push({ kind, column: feature.column });
  }
  const conditions: Condition[] = texts.map((text) => compileCondition(text, subjectOf(features, text)));
  if (conditions.length > 0) slots.push({ kind: 'conditions', conditions });
  const conditionOf = (text: string | undefined): number => (text === undefined ? -1 : texts.indexOf(text));
  const slotOf = (feature: WindowFeature): number => {
    const kind = slotKindOf(feature);
    return kind === undefined || feature.column === undefined ? -1 : placeIn(slots, kind, feature.column);
  };
  const groupOf = (feature: WindowFeature): TileGroup => ({
    slot: slotOf(feature),
    condition: conditionOf(feature.filter),
  });
  const tiled = features.filter((feature) => isBounded || wayOf(feature.aggregate) === 'tiles' || needsTotals(feature));
  const parts = (wanted: (feature: WindowFeature) => boolean): TileGroup[] =>
    distinctGroups(tiled.filter(wanted).map(groupOf));
  const tiles: TileLayout = {
    widthMicros: tileMicros(tiled),
    hasTotals: tiled.some(needsTotals),
    groups: parts((feature) => needsTiles(feature) && (wayOf(feature.aggregate) === 'sums' || isDecayed(feature))),
    registers: parts(({ aggregate }) => aggregate === 'distinct_approx'),
    histograms: parts(({ aggregate }) => aggregate === 'quantile_approx'),
    conditionSlot: conditions.length === 0 ? -1 : FIRST_SLOT + slots.length - 1,
  };
  return {
    layout: { slots, stride: FIRST_SLOT + slots.length },
    tiles,
    slotOf,
    conditionOf,
    tilePartOf(feature) {
      const group = groupOf(feature);
      const { aggregate } = feature;
      if (aggregate === 'distinct_approx') return indexOfGroup(tiles.registers, group);
      if (aggregate === 'quantile_approx') return indexOfGroup(tiles.histograms, group);
      return isDecayed(feature) ? indexOfGroup(tiles.groups, group) : -1;
    },
  };
}

function refuseConditions(features: readonly WindowFeature[], text: string): never {
  const feature = features.find(({ filter, while: whole }) => filter === text || whole === text);
  const most = LIMITS.conditionsOfEntity;
  const problem = `with it windows of one kind of entity have over ${most} different conditions, the most there can be`;
  return fail(feature?.name ?? '', problem, feature?.filter === text ? 'filter' : 'while');
}

/** Whose a condition is: the first feature that has it. */
function subjectOf(features: readonly WindowFeature[], text: string): string {
  const feature = features.find(({ filter, while: whole }) => filter === text || whole === text);
  return `feature '${feature?.name ?? ''}'`;
}

function placeIn(slots: readonly EventSlot[], kind: EventSlot['kind'], column: EventColumn): number {
  const at = slots.findIndex((slot) => slot.kind === kind && slot.kind !== 'conditions' && slot.column === column);
  return at < 0 ? -1 : FIRST_SLOT + at;
}

function slotKindOf({ aggregate, column }: WindowFeature): 'number' | 'token' | 'register' | 'bucket' | undefined {
  if (column === undefined) return undefined;
  switch (aggregate) {
    case 'distinct_approx':
      return 'register';
    case 'quantile_approx':
      return 'bucket';
    default:
      return COLUMN_TYPES.get(column) === 'string' ? 'token' : 'number';
  }
}

function isDecayed({ aggregate }: WindowFeature): boolean {
  return aggregate === 'decayed_sum' || aggregate === 'decayed_count';
}

/** Whether what an entity dropped still counts. */
function needsTiles(feature: WindowFeature): boolean {
  return feature.hop !== undefined || needsTotals(feature);
}

/** All-time sums need all that was dropped; how many there were at all, an entity knows without. */
function needsTotals(feature: WindowFeature): boolean {
  const { window, aggregate, filter, column } = feature;
  if (window !== 'all') return false;
  if (aggregate === 'count') return filter !== undefined || column !== undefined;
  return wayOf(aggregate) !== 'lists';
}

function distinctGroups(groups: readonly TileGroup[]): TileGroup[] {
  return groups.filter((group, at) => indexOfGroup(groups, group) === at);
}

function indexOfGroup(groups: readonly TileGroup[], { slot, condition }: TileGroup): number {
  return groups.findIndex((other) => other.slot === slot && other.condition === condition);
}
