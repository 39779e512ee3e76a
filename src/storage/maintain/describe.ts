import type { Metadata, Protocol } from '../log/actions.ts';
import { commitTimeOf } from '../log/commit-time.ts';
import { type CheckpointFiles, findLogSegment } from '../log/log-segment.ts';
import { commitInfoOf, readCommit } from '../log/read-commit.ts';
import { readerFeaturesOf, writerFeaturesOf } from '../log/table-features.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { highWaterMark } from '../transaction/row-ids.ts';
import { parseStatistics } from '../types/statistics.ts';
import { clusteringColumns } from './clustering-order.ts';
import { liveAdds } from './live-files.ts';

/** What a table is and how it lies there (Delta Spark, DESCRIBE DETAIL). */
export interface TableDescription {
  readonly id: string;
  readonly name: string | undefined;
  readonly description: string | undefined;
  /** The URI of its folder. */
  readonly location: string;
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly createdMs: number | undefined;
  /** When the newest commit was made, in milliseconds since 1970; undefined where its file is gone. */
  readonly modifiedMs: number | undefined;
  readonly partitionColumns: readonly string[];
  /** By the columns' names, nested ones with dots. */
  readonly clusteringColumns: readonly string[];
  readonly numFiles: number;
  readonly sizeBytes: number;
  /** Rows, deleted ones left out; undefined where a file's statistics do not count them. */
  readonly numRecords: number | undefined;
  /** Files that have a deletion vector, and the rows that these take out. */
  readonly numDeletionVectors: number;
  readonly numDeletedRecords: number;
  readonly properties: Metadata['configuration'];
  readonly minReaderVersion: number;
  readonly minWriterVersion: number;
  /** Features that the protocol names, or its versions stand for. */
  readonly tableFeatures: readonly string[];
  /** The greatest row id that was given; undefined where none was. */
  readonly rowIdHighWaterMark: bigint | undefined;
  readonly log: LogDescription;
}

/** What there is of a table's log. */
export interface LogDescription {
  readonly oldestCommit: number | undefined;
  readonly commits: number;
  readonly checkpoints: number;
  readonly newestCheckpoint: { readonly version: number; readonly kind: 'classic' | 'multi-part' | 'v2' } | undefined;
  /** Commits that a reader replays after the newest checkpoint. */
  readonly commitsSinceCheckpoint: number;
  readonly compactions: number;
}

/** Describes a table at a version: reads the statistics of all its files, and lists its log once. */
export async function describeTable(snapshot: Snapshot): Promise<TableDescription> {
  const { store, table, version, protocol, metadata, state } = snapshot;
  const segment = await findLogSegment(store, table, version, true);
  const commit = segment.commits.at(-1);
  const newest = segment.checkpoints[0];
  const fileTimeMs = commit?.to === version ? commit.modifiedMs : undefined;
  const info = state.commitInfo ?? commitInfoOf((await readCommit(store, table, version)) ?? []);
  const mark = highWaterMark(state);
  return {
    id: metadata.id,
    name: metadata.name,
    description: metadata.description,
    location: store.uriOf(table),
    version,
    createdMs: metadata.createdTime === undefined ? undefined : Number(metadata.createdTime),
    modifiedMs: fileTimeMs === undefined ? undefined : commitTimeOf(metadata, version, info, fileTimeMs),
    partitionColumns: metadata.partitionColumns,
    clusteringColumns: clusteringColumns(snapshot).map((path) => path.join('.')),
    numFiles: state.fileCount,
    sizeBytes: state.sizeBytes,
    ...countRows(snapshot),
    properties: metadata.configuration,
    minReaderVersion: protocol.minReaderVersion,
    minWriterVersion: protocol.minWriterVersion,
    tableFeatures: featuresOf(protocol),
    rowIdHighWaterMark: mark < 0n ? undefined : mark,
    log: {
      oldestCommit: segment.commits[0]?.from,
      commits: segment.commits.length,
      checkpoints: segment.checkpoints.length,
      newestCheckpoint: newest === undefined ? undefined : { version: newest.version, kind: kindOf(newest) },
      commitsSinceCheckpoint: version - (newest?.version ?? -1),
      compactions: segment.compactions.length,
    },
  };
}

function featuresOf(protocol: Protocol): string[] {
  return [...new Set([...readerFeaturesOf(protocol), ...writerFeaturesOf(protocol)])].sort();
}

function kindOf({ keys }: CheckpointFiles): 'classic' | 'multi-part' | 'v2' {
  if (keys.length > 1 || /\.checkpoint\.\d{10}\.\d{10}\.parquet$/.test(keys[0] ?? '')) return 'multi-part';
  return keys[0]?.endsWith('.checkpoint.parquet') === true ? 'classic' : 'v2';
}

function countRows({
  state,
}: Snapshot): Pick<TableDescription, 'numRecords' | 'numDeletionVectors' | 'numDeletedRecords'> {
  let numRecords: number | undefined = 0;
  let numDeletionVectors = 0;
  let numDeletedRecords = 0;
  for (const { stats, deletionVector } of liveAdds(state)) {
    const records = stats === undefined ? undefined : parseStatistics(stats)?.numRecords;
    numRecords = numRecords === undefined || records === undefined ? undefined : numRecords + records;
    if (deletionVector === undefined) continue;
    numDeletionVectors += 1;
    numDeletedRecords += deletionVector.cardinality;
  }
  return {
    numRecords: numRecords === undefined ? undefined : numRecords - numDeletedRecords,
    numDeletionVectors,
    numDeletedRecords,
  };
}
