import { assert } from '../../base/assert.ts';
import { parquetBuilder } from '../parquet/parquet-write.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { encodeActions } from './action-json.ts';
import type { Action, AddFile, CheckpointAction, RemoveFile, Sidecar } from './actions.ts';
import {
  type CheckpointStatistics,
  checkpointSchema,
  checkpointStatistics,
  fileActionSchema,
} from './checkpoint-schema.ts';
import { addInColumns } from './checkpoint-statistics.ts';
import { checksumOfBytes, withChecksum } from './file-checksum.ts';
import { type LastCheckpoint, writeLastCheckpoint } from './last-checkpoint.ts';
import { checkpointKey, sidecarFolder, uuidCheckpointKey } from './log-names.ts';
import { isSupported } from './table-features.ts';
import { deletedFileRetentionMs, transactionRetentionMs } from './table-properties.ts';
import type { TableState } from './table-state.ts';

/** What writing a checkpoint needs from outside. */
export interface CheckpointEnvironment {
  readonly store: ObjectStore;
  readonly table: string;
  /** Decides which tombstones have expired. */
  readonly nowMs: number;
  readonly newUuid: () => string;
}

/** How a checkpoint is written. */
export interface CheckpointOptions {
  /** `v2` needs the feature v2Checkpoint; as `delta.checkpointPolicy` says where it is absent. */
  readonly policy?: 'classic' | 'v2';
  /** Of a V2 checkpoint without its sidecars. */
  readonly format?: 'json' | 'parquet';
  /** File actions of a sidecar. */
  readonly sidecarActions?: number;
}

/** File actions of a sidecar where it is not told: 50 MB, read in half a second. */
const SIDECAR_ACTIONS = 200_000;

/**
 * Writes the checkpoint of a state, and the hint to it. Another writer's classic checkpoint of the same
 * version stays: both say the same.
 */
export async function writeCheckpoint(
  environment: CheckpointEnvironment,
  state: TableState,
  options: CheckpointOptions = {},
): Promise<void> {
  const wanted = options.policy ?? (state.metadata.configuration['delta.checkpointPolicy'] === 'v2' ? 'v2' : 'classic');
  const isV2 = wanted === 'v2' && isSupported(state.protocol, 'v2Checkpoint');
  const written = isV2 ? await writeV2(environment, state, options) : await writeClassic(environment, state);
  await writeLastCheckpoint(environment.store, environment.table, {
    version: state.version,
    size: written.actions,
    sizeInBytes: written.sizeBytes,
    numOfAddFiles: state.fileCount,
    ...(written.file === undefined ? {} : { file: written.file }),
  });
}

interface Written {
  readonly actions: number;
  readonly sizeBytes: number;
  /** Absent where another writer's file of the name stayed. */
  readonly file?: LastCheckpoint['file'];
}

function fileOf(key: string, bytes: Uint8Array): NonNullable<LastCheckpoint['file']> {
  return { name: key.slice(key.lastIndexOf('/') + 1), sizeBytes: bytes.length, crc32: checksumOfBytes(bytes) };
}

async function writeClassic(environment: CheckpointEnvironment, state: TableState): Promise<Written> {
  const { store, table } = environment;
  const statistics = checkpointStatistics(state);
  const builder = parquetBuilder(checkpointSchema(statistics, false), { leaves: 0 });
  for (const action of tableActions(state, environment.nowMs)) builder.append(action);
  for (const action of fileActions(state, environment.nowMs, statistics)) {
    builder.append(action);
    if (builder.isGroupFull) await builder.flush();
  }
  const actions = builder.rows;
  const { bytes } = await builder.finish();
  const key = checkpointKey(table, state.version);
  const outcome = await store.putIfAbsent(key, bytes);
  const written = { actions, sizeBytes: bytes.length };
  return outcome === 'created' ? { ...written, file: fileOf(key, bytes) } : written;
}

async function writeV2(
  environment: CheckpointEnvironment,
  state: TableState,
  { format = 'parquet', sidecarActions = SIDECAR_ACTIONS }: CheckpointOptions,
): Promise<Written> {
  const { store, table, nowMs, newUuid } = environment;
  const sidecars = await writeSidecars(environment, state, sidecarActions);
  const top: CheckpointAction[] = [
    { checkpointMetadata: { version: state.version, tags: {} } },
    ...tableActions(state, nowMs),
    ...sidecars.map(({ sidecar }) => ({ sidecar })),
  ];
  let bytes: Uint8Array;
  if (format === 'json') bytes = encodeActions(top);
  else {
    const builder = parquetBuilder(checkpointSchema(checkpointStatistics(state), true), { leaves: 0 });
    for (const action of top) builder.append(action);
    ({ bytes } = await builder.finish());
  }
  // A name of its own: nobody else writes it.
  const key = uuidCheckpointKey(table, state.version, newUuid(), format);
  await store.putIfAbsent(key, bytes);
  const inSidecars = sidecars.reduce((sum, { actions }) => sum + actions, 0);
  const sizeBytes = sidecars.reduce((sum, { sidecar }) => sum + Number(sidecar.sizeInBytes), bytes.length);
  return { actions: top.length + inSidecars, sizeBytes, file: fileOf(key, bytes) };
}

async function writeSidecars(
  { store, table, nowMs, newUuid }: CheckpointEnvironment,
  state: TableState,
  actionsEach: number,
): Promise<{ readonly sidecar: Sidecar; readonly actions: number }[]> {
  const statistics = checkpointStatistics(state);
  const written: { sidecar: Sidecar; actions: number }[] = [];
  let builder = parquetBuilder(fileActionSchema(statistics), { leaves: 0 });
  const close = async (): Promise<void> => {
    if (builder.rows === 0) return;
    const actions = builder.rows;
    const { bytes } = await builder.finish();
    const path = `${newUuid()}.parquet`;
    await store.putIfAbsent(sidecarFolder(table) + path, bytes);
    const tags = withChecksum({}, checksumOfBytes(bytes));
    written.push({ sidecar: { path, sizeInBytes: bytes.length, modificationTime: nowMs, tags }, actions });
    builder = parquetBuilder(fileActionSchema(statistics), { leaves: 0 });
  };
  for (const action of fileActions(state, nowMs, statistics)) {
    builder.append(action);
    if (builder.isGroupFull) await builder.flush();
    if (builder.rows >= actionsEach) await close();
  }
  await close();
  return written;
}

/** Protocol, metaData, the txn that have not expired, and the domains that are not removed. */
function tableActions({ protocol, metadata, transactions, domains }: TableState, nowMs: number): Action[] {
  const keptMs = transactionRetentionMs(metadata);
  const isKept = (lastUpdated: number | bigint | undefined): boolean =>
    keptMs === undefined || lastUpdated === undefined || Number(lastUpdated) > nowMs - keptMs;
  return [
    { protocol },
    { metaData: metadata },
    ...[...transactions.values()].filter(({ lastUpdated }) => isKept(lastUpdated)).map((txn) => ({ txn })),
    ...[...domains.values()].map((domainMetadata) => ({ domainMetadata })),
  ];
}

/** Removes that have not expired, without statistics and tags, and all adds; every dataChange false. */
function* fileActions(
  state: TableState,
  nowMs: number,
  statistics: CheckpointStatistics,
): Generator<{ readonly remove: RemoveFile } | { readonly add: AddFile }> {
  const expiredMs = nowMs - deletedFileRetentionMs(state.metadata);
  for (const remove of state.tombstones()) {
    if (Number(remove.deletionTimestamp ?? 0) <= expiredMs) continue;
    const { stats: _stats, tags: _tags, ...kept } = remove;
    yield { remove: { ...kept, dataChange: false } };
  }
  const { files, fileRows, version } = state;
  let count = 0;
  for (let row = 0; row < fileRows; row += 1) {
    if (!files.isLive(row, version)) continue;
    count += 1;
    yield { add: addInColumns(files.addOf(row), statistics) };
  }
  assert(count === state.fileCount, 'a checkpoint holds every file of the table');
}
