import { AppError } from '../base/errors.ts';
import { type ColumnType, PAYMENT_COLUMNS } from '../domain/payment-row.ts';
import type { Column, FeatureDefinition, FeatureSetDefinition, WindowFeature } from './definition.ts';
import { durationMicros } from './duration.ts';

const TYPE_OF: ReadonlyMap<string, ColumnType> = new Map(PAYMENT_COLUMNS.map(({ name, type }) => [name, type]));

/** Columns that a training set has beside its features. */
const RESERVED_NAMES: ReadonlySet<string> = new Set([
  'end_to_end_id',
  'side',
  'event_time',
  'known_time',
  'source_id',
  'decision',
  'policy_version',
  'degraded',
  'outcome_observed',
  'label',
  'label_state',
  'label_known_time',
  'split',
]);

/** The most events that an entity may keep: 4,096 × 32 bytes × 3 entities is 0.4 MB a payment through Redis. */
const LARGEST_BOUND = 4096;

/**
 * Checks a set of definitions for everything that has no meaning, but the expressions.
 *
 * @throws AppError `feature_invalid` that names the feature, what is wrong and the nearest right name.
 */
export function checkDefinition(set: FeatureSetDefinition): void {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(set.name)) fail(set.name, 'a set is named in lower case with hyphens');
  if (!Number.isInteger(set.bound) || set.bound < 1 || set.bound > LARGEST_BOUND) {
    fail(set.name, `bound must be a whole number from 1 to ${LARGEST_BOUND}`);
  }
  durationMicros(set.allowedLateness, `${set.name}.allowedLateness`);
  if (set.features.length === 0) fail(set.name, 'a set has at least one feature');
  const names = new Set<string>();
  for (const { name } of set.features) {
    if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) fail(name, 'a feature is named in snake_case, 63 characters at most');
    if (names.has(name)) fail(name, 'there are two features of this name');
    if (RESERVED_NAMES.has(name)) fail(name, 'a column of every training set has this name: choose another');
    names.add(name);
  }
  for (const feature of set.features) checkFeature(feature);
  checkWindowsNest(set.features);
}

function checkFeature(feature: FeatureDefinition): void {
  if ('default' in feature && feature.default !== undefined && !Number.isFinite(feature.default)) {
    fail(feature.name, 'the default must be a finite number');
  }
  switch (feature.kind) {
    case 'window':
      checkWindow(feature);
      return;
    case 'history':
      if (feature.aggregate !== 'count' && feature.unit === undefined) fail(feature.name, 'a time needs a unit');
      if (feature.unit !== undefined) durationMicros(feature.unit, feature.name);
      return;
    case 'label':
      if (feature.aggregate === 'time_since_last' && feature.unit === undefined)
        fail(feature.name, 'a time needs a unit');
      if (feature.unit !== undefined) durationMicros(feature.unit, feature.name);
      if (feature.window !== undefined) durationMicros(feature.window, feature.name);
      return;
    // Read and typed by `bind-expressions.ts`, which needs all names.
    case 'expression':
      return;
  }
}

function checkWindow({ name, aggregate, column, window, hop }: WindowFeature): void {
  const size = durationMicros(window, name);
  if (aggregate === 'count' || aggregate === 'distinct_counterparties') {
    if (column !== undefined) fail(name, `${aggregate} takes no column`);
  } else if (column === undefined) {
    fail(name, `${aggregate} needs a column`);
  } else {
    // The one whole number that events of state carry; a float would make sums depend on their order.
    typeOf(name, column);
    if (column !== 'amount_centavos') fail(name, `windows aggregate amount_centavos, not '${column}'`);
  }
  if (hop === undefined) return;
  const step = durationMicros(hop, name);
  if (step > size) fail(name, 'the hop is longer than the window');
  if (aggregate === 'distinct_counterparties' || aggregate === 'stddev' || aggregate === 'min') {
    fail(name, `${aggregate} cannot hop: tiles keep counts, sums and maxima`);
  }
}

/** One pass serves all windows of an entity because each holds all shorter ones, at every instant. */
function checkWindowsNest(features: readonly FeatureDefinition[]): void {
  const windows = features
    .filter((feature) => feature.kind === 'window')
    .map((feature) => ({
      feature,
      size: durationMicros(feature.window, feature.name),
      hop: feature.hop === undefined ? 0 : durationMicros(feature.hop, feature.name),
    }))
    .sort((a, b) => a.size - b.size || a.hop - b.hop);
  for (const [at, { feature, size, hop }] of windows.entries()) {
    for (const next of windows.slice(at + 1)) {
      if (next.feature.entity !== feature.entity || hop === 0 || next.hop === hop || size + hop <= next.size) continue;
      fail(feature.name, `its hop reaches into the window of '${next.feature.name}'; give both the same hop`);
    }
  }
}

function typeOf(name: string, column: Column): ColumnType {
  const type = TYPE_OF.get(column);
  if (type === undefined) return fail(name, `there is no column '${column}'${nearest(column, TYPE_OF.keys())}`);
  return type;
}

function fail(name: string, problem: string): never {
  throw new AppError('feature_invalid', `feature '${name}': ${problem}`, { feature: name });
}

function nearest(name: string, names: Iterable<string>): string {
  let best = '';
  let least = 4;
  for (const candidate of names) {
    const distance = editDistance(name, candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best === '' ? '' : `; did you mean '${best}'?`;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
