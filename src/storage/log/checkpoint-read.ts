import { AppError } from '../../base/errors.ts';
import { decodeParquet } from '../parquet/parquet-read.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { decodeActions } from './action-json.ts';
import type { Action, CheckpointAction, RemoveFile, Sidecar } from './actions.ts';
import { addChunk, decodeRows, rowsOfAction } from './checkpoint-chunk.ts';
import { checksumOfBytes, checksumOfFile, type FileSum } from './file-checksum.ts';
import { decoded } from './file-path.ts';
import { sidecarFolder } from './log-names.ts';
import type { CheckpointFiles } from './log-segment.ts';
import type { StateReplay } from './table-state.ts';

/** Actions of a checkpoint that are not files. */
const OTHER_ACTIONS = ['protocol', 'metaData', 'txn', 'domainMetadata', 'sidecar', 'checkpointMetadata'] as const;

/**
 * Reads a checkpoint into a replay: classic, in parts, or of the V2 spec with its sidecars.
 *
 * @throws AppError table_corrupt where a part of it is missing or broken.
 */
export async function readCheckpoint(
  store: ObjectStore,
  table: string,
  checkpoint: CheckpointFiles,
  replay: StateReplay,
): Promise<void> {
  const { version, keys, format } = checkpoint;
  const sidecars: Sidecar[] = [];
  const take = (actions: Iterable<CheckpointAction>): void => {
    const others: Action[] = [];
    for (const action of actions) {
      if ('sidecar' in action) sidecars.push(action.sidecar);
      else if (!('checkpointMetadata' in action)) others.push(action);
    }
    replay.apply(others, version);
  };
  for (const key of keys) {
    const bytes = await bytesOf(store, key, checkpoint.sum);
    if (format === 'json') take(decodeActions(bytes, key));
    else await readParts(bytes, key, replay, take);
  }
  for (const sidecar of sidecars) {
    const key = sidecarKey(table, sidecar);
    await readParts(await bytesOf(store, key, sumOfSidecar(sidecar)), key, replay, take);
  }
}

/** The key of a sidecar: its path is a URI-encoded name, or one with the folder before it. */
export function sidecarKey(table: string, { path }: Sidecar): string {
  const name = decoded(table, path.slice(path.lastIndexOf('/') + 1));
  if (name === '' || name.includes('/') || name === '..') {
    throw new AppError('table_corrupt', `A checkpoint of ${table} names a sidecar by a path that is none`, { table });
  }
  return sidecarFolder(table) + name;
}

async function readParts(
  bytes: Uint8Array,
  key: string,
  replay: StateReplay,
  take: (actions: Iterable<CheckpointAction>) => void,
): Promise<void> {
  for await (const batch of decodeParquet(bytes, key)) {
    for (const action of OTHER_ACTIONS) {
      const rows = rowsOfAction(batch, action);
      if (rows !== undefined) take(decodeRows(action, rows, key));
    }
    const adds = rowsOfAction(batch, 'add');
    if (adds !== undefined) replay.addFiles(addChunk(adds, key));
    const removes = rowsOfAction(batch, 'remove');
    if (removes !== undefined) replay.addRemoves(() => removesOf(decodeRows('remove', removes, key)));
  }
}

function* removesOf(actions: Iterable<CheckpointAction>): Generator<RemoveFile> {
  for (const action of actions) if ('remove' in action) yield action.remove;
}

function sumOfSidecar(sidecar: Sidecar): FileSum | undefined {
  const crc32 = checksumOfFile(sidecar);
  return crc32 === undefined ? undefined : { sizeBytes: Number(sidecar.sizeInBytes), crc32 };
}

async function bytesOf(store: ObjectStore, key: string, sum: FileSum | undefined): Promise<Uint8Array> {
  const bytes = await store.get(key);
  if (bytes === undefined) throw new AppError('table_corrupt', `The checkpoint file ${key} is gone`, { key });
  // One of another length is another writer's of the same name, or was cut, as its last bytes tell.
  if (sum !== undefined && sum.sizeBytes === bytes.length && sum.crc32 !== checksumOfBytes(bytes)) {
    throw new AppError(
      'table_corrupt',
      `The checkpoint file ${key} is damaged: its checksum is not that of its bytes`,
      {
        key,
      },
    );
  }
  return bytes;
}
