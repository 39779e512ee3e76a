import { greatestDivisor } from '../../base/greatest-divisor.ts';
import type { EntityKind } from '../../domain/entity-keys.ts';
import { durationMicros } from '../duration.ts';
import type { FeatureDefinition, FeatureSetDefinition, WindowFeature } from './definition.ts';

const MICROS_OF_HOUR = 3_600_000_000;
const MICROS_OF_DAY = 24 * MICROS_OF_HOUR;

/** How far back of a payment a feature looks; Infinity for all time. */
export function reachMicros(feature: FeatureDefinition): number {
  if (feature.kind === 'expression') return 0;
  const { name, window = 'all', offset } = feature;
  if (window === 'all') return Number.POSITIVE_INFINITY;
  // A day on which summer time ends has 25 hours.
  if (window === 'civil_day') return 25 * MICROS_OF_HOUR;
  if (window === 'civil_month') return 32 * MICROS_OF_DAY;
  const hop = feature.kind === 'window' ? hopMicros(feature) : 0;
  return durationMicros(window, name) + (offset === undefined ? 0 : durationMicros(offset, name)) + hop;
}

/**
 * Features that are defined alike in both sets, and may all the same be present in the one where they are truncated in
 * the other: a feature beside them reaches further back than any did, so entities of its kind keep older events, which
 * windows of all time look at; or its hop narrows the tiles that all hopping windows of the kind are read from. Both
 * only where a set has a bound, for else nothing that counts is dropped.
 *
 * @returns whether a window of the second set is one of them.
 */
export function keptOtherwise(
  before: FeatureSetDefinition,
  after: FeatureSetDefinition,
): (feature: FeatureDefinition) => boolean {
  if (after.bound === 'none') return () => false;
  const [was, is] = [keepingOf(before), keepingOf(after)];
  return (feature) => {
    if (feature.kind !== 'window') return false;
    const { entity, window, hop } = feature;
    if (hop !== undefined) return was.tileMicros(entity) !== is.tileMicros(entity);
    // Sums have a total of what was dropped, but none of what of it was later than a late payment.
    return window === 'all' && was.reachMicros(entity) !== is.reachMicros(entity);
  };
}

/** How far back the furthest of some features of one kind of entity looks that does not look at all time; 0 where none does. */
export function furthestMicros(features: readonly FeatureDefinition[]): number {
  return Math.max(0, ...features.map(reachMicros).filter(Number.isFinite));
}

/** Width of the tiles that some windows of one kind of entity are read from: what their hops have in common; 0 where none hops. */
export function tileMicros(windows: readonly WindowFeature[]): number {
  return windows.reduce((width, feature) => greatestDivisor(width, hopMicros(feature)), 0);
}

function keepingOf({ features }: FeatureSetDefinition) {
  const of = (kind: EntityKind) => features.filter((feature) => kindOf(feature) === kind);
  return {
    reachMicros: (kind: EntityKind): number => furthestMicros(of(kind)),
    tileMicros: (kind: EntityKind): number => tileMicros(of(kind).filter((feature) => feature.kind === 'window')),
  };
}

function kindOf(feature: FeatureDefinition): EntityKind | null {
  if (feature.kind === 'expression') return null;
  return feature.kind === 'label' ? 'payee' : feature.entity;
}

function hopMicros({ name, hop }: WindowFeature): number {
  return hop === undefined ? 0 : durationMicros(hop, name);
}
