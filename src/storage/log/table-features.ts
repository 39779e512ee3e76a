import { AppError } from '../../base/errors.ts';
import type { Metadata, Protocol } from './actions.ts';
import { isEnabled } from './table-properties.ts';

/*
 * Table features (PROTOCOL.md, "Table Features"). Reader version 3 and writer version 7 name their
 * features; lower versions stand for fixed sets of them ("Writer Version Requirements").
 */

/** What is known of a feature. */
export interface TableFeature {
  readonly name: string;
  /** Whether a reader must know it too. */
  readonly isReaderFeature: boolean;
  /** The lowest writer version that stands for it, where one does. */
  readonly legacyWriterVersion?: number;
  readonly legacyReaderVersion?: number;
  /** Features that must be there with it. */
  readonly needs?: readonly string[];
  /** Why we do not read a table that has it; absent where we do. */
  readonly unreadable?: string;
  /** Why we do not write a table that has it; absent where we do. */
  readonly unwritable?: string;
  /** The property without which a table that has it makes no use of it. */
  readonly enabledBy?: string;
}

const readerWriter = (name: string, more: Partial<TableFeature> = {}): TableFeature => ({
  name,
  isReaderFeature: true,
  ...more,
});
const writer = (name: string, more: Partial<TableFeature> = {}): TableFeature => ({
  name,
  isReaderFeature: false,
  ...more,
});

/** Every feature that the protocol names, and those that its public tables hold. */
export const TABLE_FEATURES: readonly TableFeature[] = [
  writer('appendOnly', { legacyWriterVersion: 2 }),
  writer('invariants', { legacyWriterVersion: 2 }),
  writer('checkConstraints', { legacyWriterVersion: 3 }),
  writer('changeDataFeed', { legacyWriterVersion: 4 }),
  writer('generatedColumns', { legacyWriterVersion: 4 }),
  readerWriter('columnMapping', { legacyWriterVersion: 5, legacyReaderVersion: 2 }),
  writer('identityColumns', { legacyWriterVersion: 6 }),
  writer('allowColumnDefaults'),
  writer('domainMetadata'),
  writer('rowTracking', { needs: ['domainMetadata'] }),
  writer('inCommitTimestamp'),
  writer('clustering', { needs: ['domainMetadata'] }),
  writer('checkpointProtection'),
  writer('materializePartitionColumns', {
    unwritable: 'partition columns are not written into files',
  }),
  writer('columnMappingUsageTracking', { unwritable: 'its rules are not part of the published specification' }),
  writer('icebergCompatV1', {
    needs: ['columnMapping'],
    unwritable: "files would have to keep Iceberg's rules besides",
    enabledBy: 'delta.enableIcebergCompatV1',
  }),
  writer('icebergCompatV2', {
    needs: ['columnMapping'],
    unwritable: "files would have to keep Iceberg's rules besides",
    enabledBy: 'delta.enableIcebergCompatV2',
  }),
  writer('icebergCompatV3', { unwritable: 'its rules are not part of the published specification' }),
  writer('icebergWriterCompatV1', { unwritable: 'its rules are not part of the published specification' }),
  writer('collations', { unwritable: 'the order of collated strings is not known here' }),
  writer('collations-preview', { unwritable: 'the order of collated strings is not known here' }),
  writer('coordinatedCommits-preview', { unwritable: 'commits go through a coordinator that is not known here' }),
  readerWriter('deletionVectors'),
  readerWriter('timestampNtz'),
  readerWriter('v2Checkpoint'),
  readerWriter('vacuumProtocolCheck'),
  readerWriter('typeWidening'),
  readerWriter('typeWidening-preview'),
  readerWriter('variantType'),
  readerWriter('variantType-preview'),
  readerWriter('variantShredding', { needs: ['variantType'] }),
  readerWriter('variantShredding-preview', { needs: ['variantType'] }),
  readerWriter('catalogManaged', { unreadable: 'its catalog must be asked for commits' }),
  readerWriter('catalogOwned-preview', { unreadable: 'its catalog must be asked for commits' }),
  readerWriter('geospatial', { unreadable: 'geometry is not supported' }),
  readerWriter('geospatial-dev', { unreadable: 'geometry is not supported' }),
  readerWriter('adaptiveMetadata', { unreadable: 'its log is of another form' }),
  readerWriter('adaptiveMetadata-preview', { unreadable: 'its log is of another form' }),
  readerWriter('timestampNanos', { unreadable: 'nanoseconds would be cut' }),
  readerWriter('redirectReaderWriter-preview', { unreadable: 'the table lies elsewhere' }),
  writer('redirectWriterOnly-preview', { unwritable: 'the table lies elsewhere' }),
];

/** The protocol of a table without features: what every client reads and writes. */
export const BASE_PROTOCOL: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };

const BY_NAME = new Map(TABLE_FEATURES.map((feature) => [feature.name, feature]));

/** The highest versions that there are. */
const READER_VERSION = 3;
const WRITER_VERSION = 7;

/** What is known of a feature; undefined for an unknown one. */
export function tableFeature(name: string): TableFeature | undefined {
  return BY_NAME.get(name);
}

/** Features that a reader of the table must respect. */
export function readerFeaturesOf({ minReaderVersion, readerFeatures = [] }: Protocol): ReadonlySet<string> {
  if (minReaderVersion >= READER_VERSION) return new Set(readerFeatures);
  return legacy(({ legacyReaderVersion }) => legacyReaderVersion, minReaderVersion);
}

/** Features that a writer of the table must respect: a reader's too. */
export function writerFeaturesOf(protocol: Protocol): ReadonlySet<string> {
  const { minWriterVersion, writerFeatures = [] } = protocol;
  const named = minWriterVersion >= WRITER_VERSION ? writerFeatures : [];
  const implied =
    minWriterVersion >= WRITER_VERSION
      ? []
      : legacy(({ legacyWriterVersion }) => legacyWriterVersion, minWriterVersion);
  return new Set([...readerFeaturesOf(protocol), ...named, ...implied]);
}

function legacy(versionOf: (feature: TableFeature) => number | undefined, version: number): Set<string> {
  const names = TABLE_FEATURES.filter((feature) => (versionOf(feature) ?? Number.POSITIVE_INFINITY) <= version);
  return new Set(names.map(({ name }) => name));
}

/** Whether a feature is supported by a table. */
export function isSupported(protocol: Protocol, feature: string): boolean {
  return writerFeaturesOf(protocol).has(feature);
}

/**
 * Refuses a table that we cannot read rightly.
 *
 * @throws AppError table_unsupported, naming the feature.
 */
export function checkReadable(table: string, protocol: Protocol, metadata: Metadata): void {
  const { minReaderVersion, minWriterVersion, readerFeatures } = protocol;
  if (minReaderVersion > READER_VERSION) throw refused(table, 'reading', `reader version ${minReaderVersion}`);
  if (minReaderVersion === READER_VERSION && (readerFeatures === undefined || minWriterVersion < WRITER_VERSION)) {
    throw new AppError(
      'table_corrupt',
      `The protocol of ${table} is of reader version 3 without its features or without writer version 7`,
      { table },
    );
  }
  for (const name of readerFeaturesOf(protocol)) {
    const feature = tableFeature(name);
    if (feature === undefined) throw refused(table, 'reading', `the feature ${name}`);
    if (feature.unreadable !== undefined) throw refused(table, 'reading', `the feature ${name}`, feature.unreadable);
  }
  if (metadata.format.provider !== 'parquet') throw refused(table, 'reading', `the format ${metadata.format.provider}`);
}

/**
 * Refuses a table that we cannot write rightly.
 *
 * @throws AppError table_unsupported, naming the feature.
 */
export function checkWritable(table: string, protocol: Protocol, metadata: Metadata): void {
  checkReadable(table, protocol, metadata);
  const { minWriterVersion, writerFeatures } = protocol;
  if (minWriterVersion > WRITER_VERSION) throw refused(table, 'writing', `writer version ${minWriterVersion}`);
  if (minWriterVersion === WRITER_VERSION && writerFeatures === undefined) {
    throw new AppError('table_corrupt', `The protocol of ${table} is of writer version 7 without its features`, {
      table,
    });
  }
  for (const name of writerFeaturesOf(protocol)) {
    const feature = tableFeature(name);
    if (feature === undefined) throw refused(table, 'writing', `the feature ${name}`);
    if (feature.unwritable !== undefined && isUsed(feature, metadata)) {
      throw refused(table, 'writing', `the feature ${name}`, feature.unwritable);
    }
  }
}

/** Whether a table that supports a feature makes use of it, as far as a property tells. */
function isUsed({ enabledBy }: TableFeature, metadata: Metadata): boolean {
  return enabledBy === undefined || isEnabled(metadata, enabledBy);
}

/**
 * The protocol that has some features besides, all of them in lists: writer version 7, and reader version 3
 * where it had that or a feature is a reader's. Features that lower versions stood for are then listed too.
 *
 * @throws AppError table_unsupported for a feature that we do not write.
 */
export function withFeatures(protocol: Protocol, names: readonly string[]): Protocol {
  const missing = new Set<string>();
  const addWithNeeds = (name: string): void => {
    const feature = tableFeature(name);
    if (feature === undefined || feature.unwritable !== undefined || feature.unreadable !== undefined) {
      throw new AppError('table_unsupported', `The feature ${name} is not supported for writing`, { feature: name });
    }
    for (const needed of feature.needs ?? []) addWithNeeds(needed);
    if (!isSupported(protocol, name)) missing.add(name);
  };
  for (const name of names) addWithNeeds(name);
  if (missing.size === 0) return protocol;
  const features = [...writerFeaturesOf(protocol), ...missing].map((name) => tableFeature(name));
  const readers = features.filter((feature) => feature?.isReaderFeature === true);
  const needsLists = protocol.minReaderVersion >= READER_VERSION || readers.length > 0;
  const nameOf = (feature: TableFeature | undefined): string => feature?.name ?? '';
  const writerFeatures = [...new Set([...features.map(nameOf), ...(protocol.writerFeatures ?? [])])].sort();
  if (!needsLists) return { minReaderVersion: 1, minWriterVersion: WRITER_VERSION, writerFeatures };
  const readerFeatures = [...new Set([...readers.map(nameOf), ...(protocol.readerFeatures ?? [])])].sort();
  return { minReaderVersion: READER_VERSION, minWriterVersion: WRITER_VERSION, readerFeatures, writerFeatures };
}

function refused(table: string, what: string, feature: string, reason?: string): AppError {
  const why = reason === undefined ? '' : `: ${reason}`;
  return new AppError(
    'table_unsupported',
    `The table ${table} needs ${feature}, which is not supported for ${what}${why}`,
    { table, feature },
  );
}
