import { AppError } from '../../base/errors.ts';
import { deletionVectorPlace } from '../deletion-vectors/deletion-vector.ts';
import { encodeActions } from '../log/action-json.ts';
import type { AddFile, DeletionVectorDescriptor, Metadata } from '../log/actions.ts';
import { putCommit } from '../log/committer.ts';
import { keyOfActionPath } from '../log/file-path.ts';
import { tablePrefix } from '../log/log-names.ts';
import { hasLog } from '../log/log-segment.ts';
import { checkWritable } from '../log/table-features.ts';
import { StateReplay } from '../log/table-state.ts';
import { type Snapshot, snapshotOf } from '../scan/snapshot.ts';
import { commitBody } from '../transaction/commit-body.ts';
import type { TransactionContext, Work } from '../transaction/work.ts';
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
  const { store, table } = context.log;
  checkWritable(table, source.protocol, source.metadata);
  if (await hasLog(store, table)) throw tableExists(table);
  const txnId = context.newUuid();
  const base = beforeFirst(context, source);
  const actions = await commitBody(context, { work: workOf(source, base), readVersion: -1, base, txnId });
  if ((await putCommit(store, table, 0, encodeActions(actions), txnId)) === 'lost') throw tableExists(table);
}

function workOf(source: Snapshot, { metadata, protocol }: Snapshot): Work {
  const { state, store, table } = source;
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
    reads: { wholeTable: true, predicates: [], files: new Set(), appIds: new Set() },
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
]);

const MATERIALIZED = {
  'delta.rowTracking.materializedRowIdColumnName': '_row-id-col-',
  'delta.rowTracking.materializedRowCommitVersionColumnName': '_row-commit-version-col-',
} as const;

function clonedMetadata({ newUuid, nowMs }: TransactionContext, { metadata }: Snapshot): Metadata {
  const configuration: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata.configuration)) {
    if (!OWN_PROPERTIES.has(name)) configuration[name] = value;
  }
  // Ids that the source's files hold must not be taken for the clone's.
  for (const [name, prefix] of Object.entries(MATERIALIZED)) {
    if (configuration[name] !== undefined) configuration[name] = prefix + newUuid();
  }
  return { ...metadata, id: newUuid(), createdTime: nowMs(), configuration };
}

/** The clone before its first version. */
function beforeFirst(context: TransactionContext, source: Snapshot): Snapshot {
  const { store, table, keyOf } = context.log;
  const replay = new StateReplay(table, { keyOf, prefix: tablePrefix(table) });
  replay.apply([{ protocol: source.protocol }, { metaData: clonedMetadata(context, source) }], -1);
  return snapshotOf(store, table, replay.stateAt(-1), keyOf);
}

function tableExists(path: string): AppError {
  return new AppError('table_exists', `There is a Delta table at ${path} already`, { table: path });
}
