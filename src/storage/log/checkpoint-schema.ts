import {
  arrayOf,
  type DeltaType,
  field,
  isDecimal,
  isNested,
  mapOf,
  type StructField,
  type StructType,
  structOf,
} from '../types/delta-type.ts';
import { parseSchema } from '../types/schema-json.ts';
import { columnMappingMode, type MappedTable, physicalSchema } from './physical-schema.ts';
import { isDisabled, isEnabled } from './table-properties.ts';

/*
 * The schema of checkpoints and sidecars (PROTOCOL.md, "Checkpoint Schema"): a row an action, in the
 * column of its name. `commitInfo` and `cdc` are in none.
 */

const TEXTS = mapOf('string', 'string');

const DELETION_VECTOR = field(
  'deletionVector',
  structOf([
    field('storageType', 'string'),
    field('pathOrInlineDv', 'string'),
    field('offset', 'integer'),
    field('sizeInBytes', 'integer'),
    field('cardinality', 'long'),
  ]),
);

const REMOVE = field(
  'remove',
  structOf([
    field('path', 'string'),
    field('deletionTimestamp', 'long'),
    field('dataChange', 'boolean'),
    field('extendedFileMetadata', 'boolean'),
    field('partitionValues', TEXTS),
    field('size', 'long'),
    DELETION_VECTOR,
    field('baseRowId', 'long'),
    field('defaultRowCommitVersion', 'long'),
  ]),
);

const TABLE_ACTIONS: readonly StructField[] = [
  field('txn', structOf([field('appId', 'string'), field('version', 'long'), field('lastUpdated', 'long')])),
  field(
    'metaData',
    structOf([
      field('id', 'string'),
      field('name', 'string'),
      field('description', 'string'),
      field('format', structOf([field('provider', 'string'), field('options', TEXTS)])),
      field('schemaString', 'string'),
      field('partitionColumns', arrayOf('string')),
      field('configuration', TEXTS),
      field('createdTime', 'long'),
    ]),
  ),
  field(
    'protocol',
    structOf([
      field('minReaderVersion', 'integer'),
      field('minWriterVersion', 'integer'),
      field('readerFeatures', arrayOf('string')),
      field('writerFeatures', arrayOf('string')),
    ]),
  ),
  field(
    'domainMetadata',
    structOf([field('domain', 'string'), field('configuration', 'string'), field('removed', 'boolean')]),
  ),
];

const V2_ACTIONS: readonly StructField[] = [
  field('checkpointMetadata', structOf([field('version', 'long'), field('tags', TEXTS)])),
  field(
    'sidecar',
    structOf([
      field('path', 'string'),
      field('sizeInBytes', 'long'),
      field('modificationTime', 'long'),
      field('tags', TEXTS),
    ]),
  ),
];

/** How statistics and partition values of adds are kept. */
export interface CheckpointStatistics {
  readonly asJson: boolean;
  /** The physical schema of the columns that have them; absent where they are not kept in columns. */
  readonly asStruct?: StructType;
  /** Partition columns by their physical names; absent where their values are not kept in columns. */
  readonly partitions?: StructType;
}

/** How a table wants statistics to be kept. */
export function checkpointStatistics(table: MappedTable): CheckpointStatistics {
  const { partitionColumns, schemaString } = table.metadata;
  const asJson = !isDisabled(table.metadata, 'delta.checkpoint.writeStatsAsJson');
  if (!isEnabled(table.metadata, 'delta.checkpoint.writeStatsAsStruct')) return { asJson };
  const mode = columnMappingMode(table);
  const { fields } = parseSchema(schemaString);
  const stored = (isPartition: boolean): StructType =>
    physicalSchema(structOf(fields.filter(({ name }) => partitionColumns.includes(name) === isPartition)), mode);
  const partitions = stored(true);
  return { asJson, asStruct: stored(false), ...(partitions.fields.length === 0 ? {} : { partitions }) };
}

/** The columns of file actions: all that a sidecar has. */
export function fileActionSchema(statistics: CheckpointStatistics): StructType {
  return structOf([addField(statistics), REMOVE]);
}

/** The schema of a checkpoint of the V1 spec, or of the V2 spec with its file actions inside. */
export function checkpointSchema(statistics: CheckpointStatistics, isV2: boolean): StructType {
  return structOf([...TABLE_ACTIONS, ...(isV2 ? V2_ACTIONS : []), addField(statistics), REMOVE]);
}

function addField({ asJson, asStruct, partitions }: CheckpointStatistics): StructField {
  return field(
    'add',
    structOf([
      field('path', 'string'),
      field('partitionValues', TEXTS),
      field('size', 'long'),
      field('modificationTime', 'long'),
      field('dataChange', 'boolean'),
      field('tags', TEXTS),
      DELETION_VECTOR,
      field('baseRowId', 'long'),
      field('defaultRowCommitVersion', 'long'),
      field('clusteringProvider', 'string'),
      ...(asJson ? [field('stats', 'string')] : []),
      ...(partitions === undefined ? [] : [field('partitionValues_parsed', partitions)]),
      ...(asStruct === undefined ? [] : [field('stats_parsed', parsedStatisticsType(asStruct))]),
    ]),
  );
}

/** The type of `stats_parsed`: bounds of the columns that can have them, nulls of every leaf. */
function parsedStatisticsType(schema: StructType): StructType {
  const bounds = mapLeaves(schema, (type) => (hasBounds(type) ? type : undefined));
  return structOf([
    field('numRecords', 'long'),
    field('tightBounds', 'boolean'),
    field('minValues', bounds),
    field('maxValues', bounds),
    field(
      'nullCount',
      mapLeaves(schema, () => 'long'),
    ),
  ]);
}

function mapLeaves({ fields }: StructType, leafOf: (type: DeltaType) => DeltaType | undefined): StructType {
  const mapped: StructField[] = [];
  for (const { name, type } of fields) {
    if (type === 'void') continue;
    const inner = typeof type === 'object' && type.type === 'struct' ? mapLeaves(type, leafOf) : leafOf(type);
    if (inner === undefined || (typeof inner === 'object' && inner.type === 'struct' && inner.fields.length === 0))
      continue;
    mapped.push(field(name, inner));
  }
  return structOf(mapped);
}

/** Whether a column of a type has a least and a greatest value in statistics. */
export function hasBounds(type: DeltaType): boolean {
  if (isDecimal(type)) return true;
  return !isNested(type) && type !== 'binary' && type !== 'boolean' && type !== 'variant' && type !== 'void';
}
