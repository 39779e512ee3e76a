import type { DomainMetadata, Metadata, Protocol } from '../log/actions.ts';
import { physicalName } from '../log/physical-schema.ts';
import { readerFeaturesOf, writerFeaturesOf } from '../log/table-features.ts';
import { isEnabled } from '../log/table-properties.ts';
import type { TableState } from '../log/table-state.ts';
import { type StructField, structOf } from '../types/delta-type.ts';
import { parseSchema, serializeSchema } from '../types/schema-json.ts';

/*
 * What a table is after RESTORE (Delta Spark, RestoreTableCommand): the metadata of then; but whatever
 * says how far something was given out never goes back, or it would be given twice: ids of columns, numbers
 * of identity columns, row ids. The protocol never goes down, as versions between need it.
 */

/** The protocol that can do what both can. */
export function mergedProtocol(now: Protocol, then: Protocol): Protocol {
  const minReaderVersion = Math.max(now.minReaderVersion, then.minReaderVersion);
  const minWriterVersion = Math.max(now.minWriterVersion, then.minWriterVersion);
  if (minWriterVersion < 7) return { minReaderVersion, minWriterVersion };
  const both = (of: (protocol: Protocol) => ReadonlySet<string>): string[] =>
    [...new Set([...of(now), ...of(then)])].sort();
  const writerFeatures = both(writerFeaturesOf);
  if (minReaderVersion < 3) return { minReaderVersion, minWriterVersion, writerFeatures };
  return { minReaderVersion, minWriterVersion, readerFeatures: both(readerFeaturesOf), writerFeatures };
}

/** The metadata of then, with the marks of now where they are further. */
export function restoredMetadata(now: Metadata, then: Metadata): Metadata {
  return { ...then, schemaString: restoredSchema(now, then), configuration: restoredConfiguration(now, then) };
}

function restoredSchema(now: Metadata, then: Metadata): string {
  const marks = new Map<string, StructField>();
  for (const item of parseSchema(now.schemaString).fields) marks.set(physicalName(item), item);
  const { fields } = parseSchema(then.schemaString);
  let isChanged = false;
  const merged = fields.map((item) => {
    const mark = furthestMark(item, marks.get(physicalName(item)));
    if (mark === item.metadata[HIGH_WATER_MARK] || mark === undefined) return item;
    isChanged = true;
    return { ...item, metadata: { ...item.metadata, [HIGH_WATER_MARK]: mark } };
  });
  return isChanged ? serializeSchema(structOf(merged)) : then.schemaString;
}

const HIGH_WATER_MARK = 'delta.identity.highWaterMark';

/** The further mark of an identity column: the greater where it counts up, the smaller where it counts down. */
function furthestMark(then: StructField, now: StructField | undefined): number | bigint | undefined {
  const [left, right] = [
    integerOf(then, HIGH_WATER_MARK),
    now === undefined ? undefined : integerOf(now, HIGH_WATER_MARK),
  ];
  if (integerOf(then, 'delta.identity.step') === undefined || right === undefined) return left;
  if (left === undefined) return right;
  const isUp = (integerOf(then, 'delta.identity.step') ?? 1) > 0;
  return isUp === right > left ? right : left;
}

function integerOf({ metadata }: StructField, name: string): number | bigint | undefined {
  const value = metadata[name];
  return typeof value === 'number' || typeof value === 'bigint' ? value : undefined;
}

/** Properties that are numbers which never go back. */
const RISING = ['delta.columnMapping.maxColumnId', 'delta.requireCheckpointProtectionBeforeVersion'] as const;

const IN_COMMIT_TIMESTAMPS = 'delta.enableInCommitTimestamps';
const ENABLEMENT = ['delta.inCommitTimestampEnablementVersion', 'delta.inCommitTimestampEnablementTimestamp'] as const;

function restoredConfiguration({ configuration: now }: Metadata, then: Metadata): Metadata['configuration'] {
  const restored: Record<string, string> = { ...then.configuration };
  for (const name of RISING) {
    const highest = Math.max(Number(now[name] ?? Number.NaN), Number(restored[name] ?? -1));
    if (Number.isFinite(highest)) restored[name] = String(highest);
    else if (now[name] !== undefined) restored[name] = now[name];
  }
  // Since when commits have timestamps is what it is now, however often they were off meanwhile.
  if (isEnabled({ configuration: now }, IN_COMMIT_TIMESTAMPS) && isEnabled(then, IN_COMMIT_TIMESTAMPS)) {
    for (const name of ENABLEMENT) {
      if (now[name] === undefined) delete restored[name];
      else restored[name] = now[name];
    }
  }
  return restored;
}

const CLUSTERING = 'delta.clustering';

/**
 * Domains to write so that the table is clustered as it was (Delta Spark,
 * `handleDomainMetadataForRestoreTable`). Other domains belong to who wrote them, and
 * `delta.rowTracking` never goes back: they stay.
 */
export function restoredDomains(now: TableState, then: TableState): DomainMetadata[] {
  const [current, wanted] = [now.domains.get(CLUSTERING), then.domains.get(CLUSTERING)];
  if (current?.configuration === wanted?.configuration) return [];
  if (wanted !== undefined) return [wanted];
  const configuration = JSON.stringify({ clusteringColumns: [], domainName: CLUSTERING });
  return [{ domain: CLUSTERING, configuration, removed: false }];
}
