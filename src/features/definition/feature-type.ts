import type { ColumnType } from '../../domain/payment-row.ts';
import { COLUMN_TYPES } from '../expression/derived-columns.ts';
import type { FeatureType, LabelFeature, WindowAggregate, WindowFeature } from './definition.ts';
import { fail } from './definition-fault.ts';

/** Types of features, each one's values also values of those after it. */
export const FEATURE_TYPES = ['boolean', 'long', 'double'] as const satisfies readonly FeatureType[];

/** What an aggregate's value is; `column` where it is one of its column's, whose instants and dates are whole numbers. */
const AGGREGATE_TYPES: Readonly<Record<WindowAggregate, FeatureType | 'column'>> = {
  count: 'long',
  sum: 'long',
  mean: 'double',
  variance: 'double',
  stddev: 'double',
  min: 'column',
  max: 'column',
  first: 'column',
  last: 'column',
  nth_last: 'column',
  time_since_first: 'double',
  time_since_last: 'double',
  distinct: 'long',
  distinct_approx: 'long',
  top: 'column',
  is_top: 'boolean',
  quantile: 'column',
  quantile_approx: 'double',
  decayed_sum: 'double',
  decayed_count: 'double',
  streak: 'long',
};

/** The narrowest type that all values of a window or label feature are of, its default too. */
export function narrowestType(feature: WindowFeature | LabelFeature): FeatureType {
  const { default: fallback } = feature;
  const computed = computedType(feature);
  return (
    FEATURE_TYPES.find((type) => isWithin(computed, type) && (fallback === undefined || isOf(fallback, type))) ??
    'double'
  );
}

function computedType(feature: WindowFeature | LabelFeature): FeatureType {
  if (feature.kind === 'label') return feature.aggregate === 'count' ? 'long' : 'double';
  const type = AGGREGATE_TYPES[feature.aggregate];
  if (type !== 'column') return type;
  const column: ColumnType | undefined = COLUMN_TYPES.get(feature.column ?? '');
  return column === 'boolean' ? 'boolean' : 'long';
}

/** Whether values of a type are values of another one. */
export function isWithin(narrow: FeatureType, wide: FeatureType): boolean {
  return FEATURE_TYPES.indexOf(narrow) <= FEATURE_TYPES.indexOf(wide);
}

function isOf(value: number, type: FeatureType): boolean {
  return type === 'double' || (type === 'boolean' ? value === 0 || value === 1 : Number.isInteger(value));
}

/** Checks the type that a feature says, where it says one, and its default. @throws DefinitionError. */
export function checkType(feature: WindowFeature | LabelFeature): void {
  const { name, type, default: fallback } = feature;
  if (type === undefined) return;
  const computed = computedType(feature);
  if (!isWithin(computed, type)) fail(name, `its values are of the type ${computed}, not ${type}`, 'type');
  if (fallback !== undefined && !isOf(fallback, type)) fail(name, `the default is no ${type}`, 'default');
}
