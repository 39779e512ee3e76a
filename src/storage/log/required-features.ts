import { type DeltaType, isNested, type StructField, type StructType } from '../types/delta-type.ts';
import type { Metadata } from './actions.ts';
import { isEnabled } from './table-properties.ts';

/*
 * Features that a table's properties and columns ask for (PROTOCOL.md, the sections of the features:
 * "feature is supported and active").
 */

/** What may ask for features. */
export interface FeatureUse {
  readonly configuration: Metadata['configuration'];
  readonly schema: StructType;
  readonly isClustered?: boolean;
}

/** Properties that turn a feature on. */
const BY_PROPERTY: Readonly<Record<string, string>> = {
  'delta.appendOnly': 'appendOnly',
  'delta.enableChangeDataFeed': 'changeDataFeed',
  'delta.enableDeletionVectors': 'deletionVectors',
  'delta.enableInCommitTimestamps': 'inCommitTimestamp',
  'delta.enableRowTracking': 'rowTracking',
  'delta.enableTypeWidening': 'typeWidening',
};

/** The features that are needed, by name. */
export function requiredFeatures({ configuration, schema, isClustered }: FeatureUse): Set<string> {
  const names = new Set<string>();
  for (const [property, feature] of Object.entries(BY_PROPERTY)) {
    if (isEnabled({ configuration }, property)) names.add(feature);
  }
  if (configuration['delta.checkpointPolicy'] === 'v2') names.add('v2Checkpoint');
  if ((configuration['delta.columnMapping.mode'] ?? 'none') !== 'none') names.add('columnMapping');
  if (Object.keys(configuration).some((key) => key.startsWith('delta.constraints.'))) names.add('checkConstraints');
  if (isClustered === true) names.add('clustering');
  for (const item of schema.fields) {
    if ('delta.generationExpression' in item.metadata) names.add('generatedColumns');
    if ('delta.identity.start' in item.metadata) names.add('identityColumns');
    if ('CURRENT_DEFAULT' in item.metadata) names.add('allowColumnDefaults');
  }
  addFieldFeatures(schema.fields, names);
  return names;
}

function addFieldFeatures(fields: readonly StructField[], names: Set<string>): void {
  for (const { type, nullable, metadata } of fields) {
    if (!nullable || 'delta.invariants' in metadata) names.add('invariants');
    addTypeFeatures(type, names);
  }
}

function addTypeFeatures(type: DeltaType, names: Set<string>): void {
  if (type === 'timestamp_ntz') names.add('timestampNtz');
  if (type === 'variant') names.add('variantType');
  if (!isNested(type)) return;
  if (type.type === 'struct') addFieldFeatures(type.fields, names);
  if (type.type === 'array') addTypeFeatures(type.elementType, names);
  if (type.type === 'map') {
    addTypeFeatures(type.keyType, names);
    addTypeFeatures(type.valueType, names);
  }
}

/** Properties `delta.feature.NAME = supported`, which name features and are not kept. */
export function namedFeatures(configuration: Metadata['configuration']): {
  readonly features: readonly string[];
  readonly rest: Readonly<Record<string, string>>;
} {
  const prefix = 'delta.feature.';
  const entries = Object.entries(configuration);
  const named = entries.filter(([key]) => key.startsWith(prefix));
  return {
    features: named.map(([key]) => key.slice(prefix.length)),
    rest: Object.fromEntries(entries.filter(([key]) => !key.startsWith(prefix))),
  };
}
