import { LIMITS } from '../../base/limits.ts';
import { durationMicros } from '../duration.ts';
import type { FeatureDefinition, FeatureSetDefinition, WindowAggregate } from './definition.ts';
import { fail } from './definition-fault.ts';
import { checkType } from './feature-type.ts';
import { isReservedName } from './reserved-names.ts';
import { checkLabel, checkWindow } from './window-check.ts';

/** The most events that an entity may keep: 4,096 × 32 bytes × 3 entities is 0.4 MB a payment through Redis. */
const LARGEST_BOUND = 4096;

/** Aggregates that look at every event of their window, and what there is in their place. */
const COSTLY: Readonly<Partial<Record<WindowAggregate, string>>> = {
  distinct: ': distinct_approx with a hop, or of all time, needs none',
  quantile: ': quantile_approx with a hop needs none',
  top: '',
  is_top: '',
};

/**
 * Checks a set of definitions for everything that has no meaning, but the expressions.
 *
 * @throws AppError `feature_invalid` that names the feature, what is wrong and the nearest right name.
 */
export function checkDefinition(set: FeatureSetDefinition): void {
  checkSet(set);
  if (set.features.length === 0) fail(set.name, 'a set has at least one feature', 'features');
  if (set.features.length > LIMITS.setFeatures) {
    fail(set.name, `${set.features.length} features; a set has ${LIMITS.setFeatures} at most`, 'features');
  }
  const names = new Set<string>();
  for (const { name } of set.features) {
    checkName(name);
    if (names.has(name)) fail(name, 'there are two features of this name', 'name');
    names.add(name);
  }
  for (const feature of set.features) {
    checkFeature(feature);
    checkBound(feature, set.bound);
  }
}

/** Checks what a set says beside its features. @throws DefinitionError. */
export function checkSet({
  name,
  bound,
  allowedLateness,
}: Omit<FeatureSetDefinition, 'features' | 'description'>): void {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) fail(name, 'a set is named in lower case with hyphens', 'name');
  if (bound !== 'none' && (!Number.isInteger(bound) || bound < 1 || bound > LARGEST_BOUND)) {
    fail(name, `bound must be a whole number from 1 to ${LARGEST_BOUND}, or none`, 'bound');
  }
  durationMicros(allowedLateness, `${name}.allowedLateness`);
}

/** Checks the name of a feature by itself. @throws DefinitionError. */
export function checkName(name: string): void {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) {
    fail(name, 'a feature is named in snake_case, 63 characters at most', 'name');
  }
  if (isReservedName(name)) fail(name, 'a training set has a column of this name: choose another', 'name');
}

/** Checks a feature against how much an entity keeps. @throws DefinitionError. */
export function checkBound(feature: FeatureDefinition, bound: FeatureSetDefinition['bound']): void {
  if (bound === 'none') {
    checkUnbounded(feature);
    return;
  }
  if (feature.kind !== 'window' || feature.n === undefined) return;
  const most = feature.current === 'include' ? bound + 1 : bound;
  if (feature.n > most)
    fail(feature.name, `n is ${feature.n}, and with a bound of ${bound} there are ${most} at most`, 'n');
}

/** What looks at every event of a window would cost as much as the window is long. */
function checkUnbounded(feature: FeatureDefinition): void {
  const { name } = feature;
  if (feature.kind === 'label' && (feature.aggregate === 'rate' || feature.on === 'payment')) {
    fail(name, 'labels by the time of their payments need a set with a bound: they look at every payment of it', 'on');
  }
  if (feature.kind !== 'window') return;
  const { aggregate, most } = feature;
  const instead = COSTLY[aggregate];
  if (instead !== undefined) fail(name, `${aggregate} needs a set with a bound${instead}`, 'aggregate');
  if (aggregate === 'streak' && most === undefined)
    fail(name, "in a set without a bound a streak needs 'most', the longest that is told apart", 'aggregate');
}

/** Checks one feature, but its expression and conditions. @throws DefinitionError. */
export function checkFeature(feature: FeatureDefinition): void {
  if ('default' in feature && feature.default !== undefined && !Number.isFinite(feature.default)) {
    fail(feature.name, 'the default must be a finite number', 'default');
  }
  switch (feature.kind) {
    case 'window':
      checkWindow(feature);
      checkType(feature);
      return;
    case 'label':
      checkLabel(feature);
      checkType(feature);
      return;
    // Read and typed by `bind-expressions.ts`, which needs all names.
    case 'expression':
      return;
  }
}
