import type { Action, DomainMetadata, Metadata } from '../log/actions.ts';
import { requiredFeatures } from '../log/required-features.ts';
import { isEnabled } from '../log/table-properties.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { parseSchema, serializeSchema } from '../types/schema-json.ts';
import { MAX_COLUMN_ID } from '../write/column-ids.ts';
import { clusteringColumns } from './clustering-order.ts';
import { allFields, withoutKeys } from './drop-feature-schema.ts';

/*
 * What a feature leaves in a table, and how that goes (Delta Spark, `RemovableFeature` and
 * PreDowngradeTableFeatureCommand). What a table means never changes: a constraint, a type or a default that
 * is in use is for people to take out first.
 */

/** How a feature's traces are found and taken out; all of it pure. */
export interface FeatureTraces {
  /** What uses the feature and is not ours to take out, as a sentence goes on after "because". */
  readonly inUse?: (snapshot: Snapshot) => string | undefined;
  /** Turns it off, before its files are written anew: from then on nobody makes new traces. */
  readonly disable?: (metadata: Metadata) => Metadata;
  /** Files that hold traces: what is done to them is in drop-feature-files.ts. */
  readonly files?: 'vectors' | 'narrow types' | 'row ids';
  /** Takes out of the metadata what readers of older files needed. */
  readonly settle?: (metadata: Metadata) => Metadata;
  /** What goes with the commit that changes the protocol. */
  readonly finish?: (metadata: Metadata) => Metadata;
  /** Domains that go with that commit. */
  readonly domains?: (domain: string) => boolean;
  /** Whether an action of an old commit needs the feature; as its metadata requires where it is absent. */
  readonly isNeededBy?: (action: Action) => boolean;
}

const without =
  (...names: readonly string[]) =>
  (metadata: Metadata): Metadata => {
    const { configuration } = metadata;
    const kept = Object.entries(configuration).filter(([name]) => !names.includes(name));
    return { ...metadata, configuration: Object.fromEntries(kept) };
  };

const withSet =
  (values: Readonly<Record<string, string>>) =>
  (metadata: Metadata): Metadata => ({ ...metadata, configuration: { ...metadata.configuration, ...values } });

const withoutFieldKeys =
  (isDropped: (key: string) => boolean) =>
  (metadata: Metadata): Metadata => {
    const schema = parseSchema(metadata.schemaString);
    const hasAny = [...allFields(schema)].some((item) => Object.keys(item.metadata).some(isDropped));
    return hasAny ? { ...metadata, schemaString: serializeSchema(withoutKeys(schema, isDropped)) } : metadata;
  };

const whileRequired =
  (feature: string, why: string) =>
  ({ metadata, schema }: Snapshot): string | undefined =>
    requiredFeatures({ configuration: metadata.configuration, schema }).has(feature) ? why : undefined;

const VARIANT: FeatureTraces = { inUse: whileRequired('variantType', 'a column is a variant: drop it first') };
const TYPE_WIDENING: FeatureTraces = {
  disable: without('delta.enableTypeWidening'),
  files: 'narrow types',
  settle: withoutFieldKeys((key) => key === 'delta.typeChanges'),
  isNeededBy: (action) => 'metaData' in action && action.metaData.schemaString.includes('"delta.typeChanges"'),
};

/** Features that can be dropped. */
const TRACES: Readonly<Record<string, FeatureTraces>> = {
  appendOnly: { finish: without('delta.appendOnly') },
  changeDataFeed: { finish: without('delta.enableChangeDataFeed') },
  checkConstraints: { inUse: whileRequired('checkConstraints', 'it has constraints: drop them first') },
  invariants: { inUse: whileRequired('invariants', 'a column takes no nulls, or has an invariant') },
  generatedColumns: { inUse: whileRequired('generatedColumns', 'a column is generated') },
  identityColumns: { inUse: whileRequired('identityColumns', 'a column is an identity') },
  allowColumnDefaults: { inUse: whileRequired('allowColumnDefaults', 'a column has a default') },
  timestampNtz: { inUse: whileRequired('timestampNtz', 'a column is a timestamp without a zone: drop it first') },
  variantType: VARIANT,
  'variantType-preview': VARIANT,
  vacuumProtocolCheck: { isNeededBy: () => false },
  inCommitTimestamp: {
    finish: without(
      'delta.enableInCommitTimestamps',
      'delta.inCommitTimestampEnablementVersion',
      'delta.inCommitTimestampEnablementTimestamp',
    ),
  },
  rowTracking: {
    disable: withSet({ 'delta.enableRowTracking': 'false', 'delta.rowTrackingSuspended': 'true' }),
    files: 'row ids',
    finish: without(
      'delta.enableRowTracking',
      'delta.rowTrackingSuspended',
      'delta.rowTracking.materializedRowIdColumnName',
      'delta.rowTracking.materializedRowCommitVersionColumnName',
    ),
    domains: (domain) => domain === 'delta.rowTracking',
  },
  clustering: {
    inUse: (snapshot) => (clusteringColumns(snapshot).length > 0 ? 'it is clustered: end that first' : undefined),
    domains: (domain) => domain === 'delta.clustering',
  },
  // Those that need it are gone by then: what is left nobody owns.
  domainMetadata: { domains: () => true },
  checkpointProtection: { finish: without('delta.requireCheckpointProtectionBeforeVersion') },
  deletionVectors: {
    disable: without('delta.enableDeletionVectors'),
    files: 'vectors',
    isNeededBy: (action) => {
      if ('metaData' in action) return isEnabled(action.metaData, 'delta.enableDeletionVectors');
      const file = 'add' in action ? action.add : 'remove' in action ? action.remove : undefined;
      return file?.deletionVector !== undefined;
    },
  },
  typeWidening: TYPE_WIDENING,
  'typeWidening-preview': TYPE_WIDENING,
  v2Checkpoint: {
    disable: (metadata) =>
      metadata.configuration['delta.checkpointPolicy'] === 'v2'
        ? withSet({ 'delta.checkpointPolicy': 'classic' })(metadata)
        : metadata,
  },
  columnMapping: {
    inUse: unmappable,
    disable: (metadata) =>
      withoutFieldKeys((key) => key.startsWith('delta.columnMapping.'))(
        without('delta.columnMapping.mode', MAX_COLUMN_ID)(metadata),
      ),
  },
};

/** The traces of a feature; undefined for one that cannot be dropped. */
export function tracesOf(feature: string): FeatureTraces | undefined {
  return Object.hasOwn(TRACES, feature) ? TRACES[feature] : undefined;
}

/**
 * Why the files of a mapped table cannot be read by its names. A column that was dropped stays in old
 * files: a new one of its name would bring its values back.
 */
function unmappable({ metadata, schema }: Snapshot): string | undefined {
  const mode = metadata.configuration['delta.columnMapping.mode'] ?? 'none';
  if (mode === 'none') return undefined;
  if (mode === 'id') return 'its files are read by ids of columns';
  let ids = 0;
  for (const { name, metadata: keys } of allFields(schema)) {
    ids += 1;
    if (keys['delta.columnMapping.physicalName'] !== name) return `files call the column ${name} by another name`;
  }
  if (Number(metadata.configuration[MAX_COLUMN_ID] ?? ids) > ids) return 'columns were dropped that files still hold';
  return undefined;
}

/** Whether an action of an old commit needs a feature. */
export function isNeededBy(feature: string, action: Action): boolean {
  const special = tracesOf(feature)?.isNeededBy;
  if (special !== undefined) return special(action);
  if (!('metaData' in action)) return false;
  const { configuration, schemaString } = action.metaData;
  return requiredFeatures({ configuration, schema: parseSchema(schemaString) }).has(feature.replace(/-preview$/, ''));
}

/** The domains of a table that go with a feature, as they are written then. */
export function droppedDomains(
  { domains }: Pick<Snapshot['state'], 'domains'>,
  traces: FeatureTraces,
): DomainMetadata[] {
  const gone = [...domains.values()].filter(({ domain }) => traces.domains?.(domain) === true);
  return gone.map((domain) => ({ ...domain, removed: true }));
}
