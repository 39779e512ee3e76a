import { LIMITS } from '../../base/limits.ts';
import type { EntityKind } from '../../domain/entity-keys.ts';
import { LABEL_STATES } from '../../domain/label.ts';
import { type ColdLayout, type ColdShape, coldLayout } from '../cold/cold-layout.ts';
import {
  DEFAULT_MATURITY,
  type FeatureSetDefinition,
  type LabelFeature,
  type WindowFeature,
} from '../definition/definition.ts';
import { fail } from '../definition/definition-fault.ts';
import { furthestMicros } from '../definition/kept-events.ts';
import { durationMicros } from '../duration.ts';
import { sumCode, wayOf } from './aggregate-kinds.ts';
import type { EventLayout } from './event-layout.ts';
import { type EventSlots, eventSlots } from './event-slots.ts';
import { NO_TILES, type TileGroup, type TileLayout } from './tile-layout.ts';

/** What an entity keeps, and for how long; the same rule in every store and in replay. */
export interface KeepingRule {
  /** Events kept in memory, at most. */
  readonly bound: number;
  /** Labels kept, at most. */
  readonly labelBound: number;
  /** Beyond the newest {@link LEAST_KEPT}, an event this much older than the newest is dropped. */
  readonly retentionMicros: number;
  /** What becomes of dropped events. */
  readonly tiles: TileLayout;
  /** How a set without a bound keeps what has no place in memory; null where there is a bound. */
  readonly cold: ColdLayout | null;
}

/** Events that an entity keeps however old they are, so that the time since the last one is known. */
export const LEAST_KEPT = 8;

/** What a payee keeps of its labels: the last ones, however old. */
export function labelKeeping(labelBound: number): KeepingRule {
  return { bound: labelBound, labelBound, retentionMicros: Infinity, tiles: NO_TILES, cold: null };
}

/** A span of ages: where a window begins and ends, seen from the payment. */
export interface SpanPlan {
  readonly kind: 'sliding' | 'hop' | 'civil_day' | 'civil_month' | 'all';
  readonly offsetMicros: number;
  /** Length; Infinity for all time, 0 for civil ones. */
  readonly sizeMicros: number;
  readonly hopMicros: number;
}

/** What one pass sums: a column of the events that pass a condition. */
export interface GroupPlan extends TileGroup {
  /** Whether the payment that is scored counts. */
  readonly includesOwn: boolean;
  readonly needsSquares: boolean;
  /** Its place among the tile's groups; −1 where none is kept. */
  readonly tileGroup: number;
}

/** A group summed over a span, and what is read of it. */
export interface SumPlan {
  readonly span: number;
  readonly group: number;
  readonly reads: readonly { readonly code: number; readonly output: number }[];
}

/** What reads of a span's events one by one have alike. */
interface EventRead {
  readonly feature: WindowFeature;
  readonly span: number;
  readonly slot: number;
  readonly condition: number;
  readonly includesOwn: boolean;
  readonly output: number;
}

/** A feature that looks at the events of a span in their order, or at their values. */
export interface ListRead extends EventRead {
  readonly unitMicros: number;
  readonly timeToLiveMicros: number;
  /** Bit of a streak's own condition; −1 elsewhere. */
  readonly whileCondition: number;
  /** Whether it is the time since the first event ever, which an entity knows without its events. */
  readonly isFirstEver: boolean;
}

/** A feature that uses what was dropped as well: registers, histograms, hops of a decay. */
export interface TileRead extends EventRead {
  /** Place among the tile's registers or histograms, or its groups for decay. */
  readonly tilePart: number;
  /** Hop of a decay. */
  readonly hopMicros: number;
}

/** One label feature. */
export interface LabelRead {
  readonly feature: LabelFeature;
  /** 1 by the index of each counted state in LABEL_STATES. */
  readonly counted: Uint8Array;
  /** Infinity where there is no window. */
  readonly windowMicros: number;
  readonly offsetMicros: number;
  readonly unitMicros: number;
  readonly maturityMicros: number;
  readonly output: number;
}

/** All features of one kind of entity, laid out for one pass over its events. */
export interface KindPlan {
  readonly kind: EntityKind;
  readonly keeping: KeepingRule;
  readonly layout: EventLayout;
  readonly spans: readonly SpanPlan[];
  readonly groups: readonly GroupPlan[];
  readonly sums: readonly SumPlan[];
  readonly lists: readonly ListRead[];
  readonly tiled: readonly TileRead[];
  readonly labels: readonly LabelRead[];
  /** Outputs of windows, of those that the payment itself is no part of, and of labels. */
  readonly outputs: Int32Array;
  readonly ownless: Int32Array;
  readonly labelOutputs: Int32Array;
}

/** A feature with its place in the vector. */
export interface Placed<T> {
  readonly feature: T;
  readonly output: number;
}

/** What a set says of how much an entity keeps. */
export interface SetRule {
  readonly bound: FeatureSetDefinition['bound'];
  readonly latenessMicros: number;
  /** How events lie where there is no bound. */
  readonly shape: ColdShape;
}

const DAY_MICROS = 86_400_000_000;

/** Lays out one kind of entity. Definitions were checked. */
export function planKind(
  kind: EntityKind,
  windows: readonly Placed<WindowFeature>[],
  labels: readonly Placed<LabelFeature>[],
  rule: SetRule,
): KindPlan {
  const isBounded = rule.bound !== 'none';
  const slots = eventSlots(
    windows.map(({ feature }) => feature),
    isBounded,
  );
  const spans = distinctSpans(windows);
  const groups: GroupPlan[] = [];
  const sums: { span: number; group: number; reads: { code: number; output: number }[] }[] = [];
  for (const { feature, output } of windows) {
    const code = sumCode(feature.aggregate);
    if (code === undefined) continue;
    const span = spans.indexOf(feature);
    const group = groupOf(feature, slots, groups);
    const sum = sums.find((other) => other.span === span && other.group === group);
    if (sum === undefined) sums.push({ span, group, reads: [{ code, output }] });
    else sum.reads.push({ code, output });
  }
  const retentionMicros = furthestMicros([...windows, ...labels].map(({ feature }) => feature)) + rule.latenessMicros;
  checkTiles(kind, windows, slots.tiles, retentionMicros);
  const lists = windows
    .filter(({ feature }) => wayOf(feature.aggregate) === 'lists')
    .map((placed) => listRead(placed, spans, slots))
    .sort(compareEventsRead);
  return {
    kind,
    keeping: {
      ...boundsOf(rule),
      retentionMicros,
      tiles: slots.tiles,
      cold: isBounded ? null : coldOf(rule.shape, slots, [...groups, ...lists]),
    },
    layout: slots.layout,
    spans: spans.plans,
    groups,
    sums,
    lists,
    tiled: windows
      .filter(({ feature }) => wayOf(feature.aggregate) === 'tiles')
      .map((placed) => tileRead(placed, spans, slots)),
    labels: labels.map(labelRead),
    outputs: Int32Array.from(windows, (placed) => placed.output),
    ownless: Int32Array.from(
      windows.filter(({ feature }) => feature.current !== 'include'),
      (placed) => placed.output,
    ),
    labelOutputs: Int32Array.from(labels, (placed) => placed.output),
  };
}

/** A payee's labels are few, and are read whole for each payment: they have a bound in every set. */
function boundsOf({ bound, shape }: SetRule): Pick<KeepingRule, 'bound' | 'labelBound'> {
  if (bound === 'none') return { bound: shape.hot, labelBound: LIMITS.labelsOfEntity };
  return { bound, labelBound: bound };
}

function coldOf(shape: ColdShape, { layout, tiles }: EventSlots, parts: readonly TileGroup[]): ColdLayout {
  const groups = parts.filter(
    ({ slot, condition }, at) =>
      parts.findIndex((other) => other.slot === slot && other.condition === condition) === at,
  );
  return coldLayout(
    shape,
    layout.stride,
    groups.map(({ slot, condition }) => ({ slot, condition })),
    tiles.conditionSlot,
  );
}

/** Tiles are as wide as all hops have in common, and are kept as long as events are. */
function checkTiles(
  kind: EntityKind,
  windows: readonly Placed<WindowFeature>[],
  { widthMicros }: TileLayout,
  retentionMicros: number,
): void {
  if (widthMicros === 0 || retentionMicros / widthMicros <= LIMITS.tilesOfEntity) return;
  const hops = windows.flatMap(({ feature: { name, hop } }) =>
    hop === undefined ? [] : [{ name, micros: durationMicros(hop, name) }],
  );
  const [shortest] = hops.sort((a, b) => a.micros - b.micros);
  const days = Math.round(retentionMicros / DAY_MICROS);
  const problem =
    `the hops of ${kind} windows have ${widthMicros / 1_000_000} s in common, and in the ${days} days that an entity ` +
    `keeps there are over ${LIMITS.tilesOfEntity} of that: take longer hops, or such as divide each other`;
  fail(shortest?.name ?? '', problem, 'hop');
}

interface Spans {
  readonly plans: readonly SpanPlan[];
  indexOf(feature: WindowFeature): number;
}

function distinctSpans(windows: readonly Placed<WindowFeature>[]): Spans {
  const plans: SpanPlan[] = [];
  const places = new Map<string, number>();
  const nameOf = ({ window, offset, hop }: WindowFeature): string => `${window}/${offset ?? ''}/${hop ?? ''}`;
  for (const { feature } of windows) {
    const name = nameOf(feature);
    if (places.has(name)) continue;
    places.set(name, plans.length);
    plans.push(spanOf(feature));
  }
  return { plans, indexOf: (feature) => places.get(nameOf(feature)) ?? -1 };
}

function spanOf({ name, window, offset, hop }: WindowFeature): SpanPlan {
  const offsetMicros = offset === undefined ? 0 : durationMicros(offset, name);
  if (window === 'all') return { kind: 'all', offsetMicros: 0, sizeMicros: Infinity, hopMicros: 0 };
  if (window === 'civil_day' || window === 'civil_month') {
    return { kind: window, offsetMicros: 0, sizeMicros: 0, hopMicros: 0 };
  }
  const sizeMicros = durationMicros(window, name);
  if (hop === undefined) return { kind: 'sliding', offsetMicros, sizeMicros, hopMicros: 0 };
  return { kind: 'hop', offsetMicros: 0, sizeMicros, hopMicros: durationMicros(hop, name) };
}

/** A rate reads the payments of its window. */
function groupOf(feature: WindowFeature, slots: EventSlots, groups: GroupPlan[]): number {
  const slot = slots.slotOf(feature);
  const condition = slots.conditionOf(feature.filter);
  const includesOwn = feature.current === 'include';
  const needsSquares = feature.aggregate === 'variance' || feature.aggregate === 'stddev';
  const at = groups.findIndex(
    (other) => other.slot === slot && other.condition === condition && other.includesOwn === includesOwn,
  );
  const known = groups[at];
  if (known === undefined) {
    const tileGroup = slots.tiles.groups.findIndex((other) => other.slot === slot && other.condition === condition);
    return groups.push({ slot, condition, includesOwn, needsSquares, tileGroup }) - 1;
  }
  groups[at] = { ...known, needsSquares: known.needsSquares || needsSquares };
  return at;
}

function eventRead({ feature, output }: Placed<WindowFeature>, spans: Spans, slots: EventSlots): EventRead {
  return {
    feature,
    span: spans.indexOf(feature),
    slot: slots.slotOf(feature),
    condition: slots.conditionOf(feature.filter),
    includesOwn: feature.current === 'include',
    output,
  };
}

function listRead(placed: Placed<WindowFeature>, spans: Spans, slots: EventSlots): ListRead {
  const { name, aggregate, window, filter, current, unit, timeToLive, while: whole } = placed.feature;
  return {
    ...eventRead(placed, spans, slots),
    unitMicros: unit === undefined ? 1 : durationMicros(unit, name),
    timeToLiveMicros: timeToLive === undefined ? Infinity : durationMicros(timeToLive, name),
    whileCondition: slots.conditionOf(whole),
    isFirstEver: aggregate === 'time_since_first' && window === 'all' && filter === undefined && current !== 'include',
  };
}

function tileRead(placed: Placed<WindowFeature>, spans: Spans, slots: EventSlots): TileRead {
  const { name, hop } = placed.feature;
  return {
    ...eventRead(placed, spans, slots),
    tilePart: slots.tilePartOf(placed.feature),
    hopMicros: hop === undefined ? 0 : durationMicros(hop, name),
  };
}

/** Features that read the same events come one after another: their events are gathered once. */
function compareEventsRead(a: ListRead, b: ListRead): number {
  return (
    a.slot - b.slot || a.condition - b.condition || Number(a.includesOwn) - Number(b.includesOwn) || a.span - b.span
  );
}

function labelRead({ feature, output }: Placed<LabelFeature>): LabelRead {
  const { name, states, window, offset, unit, maturity } = feature;
  const counted = new Uint8Array(LABEL_STATES.length);
  for (const state of states) counted[LABEL_STATES.indexOf(state)] = 1;
  return {
    feature,
    counted,
    windowMicros: window === undefined ? Infinity : durationMicros(window, name),
    offsetMicros: offset === undefined ? 0 : durationMicros(offset, name),
    unitMicros: unit === undefined ? 1 : durationMicros(unit, name),
    maturityMicros: durationMicros(maturity ?? DEFAULT_MATURITY, name),
    output,
  };
}
