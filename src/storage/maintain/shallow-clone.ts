import { deletionVectorPlace } from '../deletion-vectors/deletion-vector.ts';
import type { AddFile, DeletionVectorDescriptor, Metadata } from '../log/actions.ts';
import { keyOfActionPath } from '../log/file-path.ts';
import { tablePrefix } from '../log/log-names.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { READ_NOTHING, type TransactionContext } from '../transaction/work.ts';
import { commitFirst, completeConfiguration, type FirstWork } from './create-table.ts';
import { liveAdds } from './live-files.ts';

/**
 * Makes a table of its own out of a version of another, without copying data (Delta Spark, CLONE): its first
 * commit names the source's files, and their deletion vectors, by absolute URIs. It then changes on its own; a vacuum of
 * the source takes the files that the source does not need from the clone too.
 *
 * Another store may hold the clone, but only one that reaches the source's URIs as well can read it.
 *
 * @param context of the new table, whose path and store it names.
 * @throws AppError table_exists, table_unsupported for a source with features that we do not write.
 */
export async function shallowClone(context: TransactionContext, source: Snapshot): Promise<void> {
  await commitFirst(context, workOf(source, clonedMetadata(context, source)));
}

function workOf(source: Snapshot, metadata: Metadata): FirstWork {
  const { state, store, table, protocol } = source;
  const clustering = state.domains.get('delta.clustering');
  return {
    operation: 'CLONE',
    parameters: { source: store.uriOf(table), sourceVersion: String(source.version) },
    metrics: {
      sourceTableSize: String(state.sizeBytes),
      sourceNumOfFiles: String(state.fileCount),
      numRemovedFiles: '0',
      numCopiedFiles: '0',
      removedFilesSize: '0',
      copiedFilesSize: '0',
    },
    // It read all of the source: no blind append.
    reads: { ...READ_NOTHING, wholeTable: true },
    protocol,
    metadata,
    adds: [...liveAdds(state)].map((add) => clonedFile(source, add)),
    ...(clustering === undefined ? {} : { domains: [clustering] }),
  };
}

/** A file by its URI. Row ids are the source's own, so the clone gives new ones. */
function clonedFile({ store, table }: Snapshot, add: AddFile): AddFile {
  const { baseRowId: _id, defaultRowCommitVersion: _version, deletionVector, ...kept } = add;
  const path = store.uriOf(keyOfActionPath(store, table, add.path));
  const vector = deletionVector === undefined ? {} : { deletionVector: clonedVector(store, table, deletionVector) };
  return { ...kept, path, dataChange: true, ...vector };
}

function clonedVector(
  store: Snapshot['store'],
  table: string,
  vector: DeletionVectorDescriptor,
): DeletionVectorDescriptor {
  const place = deletionVectorPlace(vector);
  if (place?.kind !== 'relative') return vector;
  return { ...vector, storageType: 'p', pathOrInlineDv: store.uriOf(tablePrefix(table) + place.path) };
}

/** Properties that speak of the source's history, or name columns by which its row ids are stored. */
const OWN_PROPERTIES: ReadonlySet<string> = new Set([
  'delta.inCommitTimestampEnablementVersion',
  'delta.inCommitTimestampEnablementTimestamp',
  'delta.requireCheckpointProtectionBeforeVersion',
  'delta.rowTracking.materializedRowIdColumnName',
  'delta.rowTracking.materializedRowCommitVersionColumnName',
]);

function clonedMetadata({ newUuid, nowMs }: TransactionContext, { metadata }: Snapshot): Metadata {
  const configuration: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata.configuration)) {
    if (!OWN_PROPERTIES.has(name)) configuration[name] = value;
  }
  return {
    ...metadata,
    id: newUuid(),
    createdTime: nowMs(),
    configuration: completeConfiguration(configuration, { newUuid }),
  };
}
