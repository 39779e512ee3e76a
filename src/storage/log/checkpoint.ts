import { AppError } from '../../base/errors.ts';
import type { ExactJson } from '../../base/exact-json.ts';
import { decodeParquet, rowsOfBatch } from '../parquet/parquet-read.ts';
import { parquetBuilder } from '../parquet/parquet-write.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Cell } from '../types/arrow-cells.ts';
import { arrayOf, field, mapOf, type StructType, structOf } from '../types/delta-schema.ts';
import type { Action } from './delta-actions.ts';
import { actionOf } from './delta-actions.ts';
import { checkpointKey, lastCheckpointKey } from './delta-path.ts';
import type { LogState } from './log-replay.ts';

/** The schema of a classic checkpoint (PROTOCOL.md, "Checkpoint Schema"): a row an action. */
const TEXTS = mapOf('string', 'string');
const CHECKPOINT_SCHEMA: StructType = structOf([
  field('txn', structOf([field('appId', 'string'), field('version', 'long'), field('lastUpdated', 'long')])),
  field(
    'add',
    structOf([
      field('path', 'string'),
      field('partitionValues', TEXTS),
      field('size', 'long'),
      field('modificationTime', 'long'),
      field('dataChange', 'boolean'),
      field('tags', TEXTS),
      field('stats', 'string'),
    ]),
  ),
  field(
    'remove',
    structOf([
      field('path', 'string'),
      field('deletionTimestamp', 'long'),
      field('dataChange', 'boolean'),
      field('extendedFileMetadata', 'boolean'),
      field('partitionValues', TEXTS),
      field('size', 'long'),
    ]),
  ),
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
]);

/** How long a tombstone is kept where the table does not say: a week. */
const TOMBSTONE_MS = 7 * 86_400_000;

/**
 * Writes the checkpoint of a state, and the hint to it. Another writer's checkpoint of the same
 * version stays: both say the same.
 *
 * @param nowMs decides which tombstones have expired.
 */
export async function writeCheckpoint(
  store: ObjectStore,
  table: string,
  state: LogState,
  nowMs: number,
): Promise<void> {
  const builder = parquetBuilder(CHECKPOINT_SCHEMA, { leaves: 0 });
  for (const action of checkpointActions(state, nowMs)) {
    builder.append(action);
    if (builder.isGroupFull) await builder.flush();
  }
  const size = builder.rows;
  const { bytes } = await builder.finish();
  await store.putIfAbsent(checkpointKey(table, state.version), bytes);
  const hint = { version: state.version, size, sizeInBytes: bytes.length, numOfAddFiles: state.files.size };
  await store.put(lastCheckpointKey(table), new TextEncoder().encode(JSON.stringify(hint)));
}

/** The actions of a checkpoint: no commitInfo, removes without statistics, every dataChange false. */
function* checkpointActions(state: LogState, nowMs: number): Iterable<Action> {
  yield { protocol: state.protocol };
  yield { metaData: state.metadata };
  for (const txn of state.transactions.values()) yield { txn };
  for (const domainMetadata of state.domains.values()) yield { domainMetadata };
  for (const remove of state.tombstones.values()) {
    const { deletionTimestamp = 0 } = remove;
    if (deletionTimestamp > nowMs - TOMBSTONE_MS) yield { remove: { ...remove, dataChange: false } };
  }
  for (const add of state.files.values()) yield { add: { ...add, dataChange: false } };
}

/**
 * Reads a classic checkpoint of one part.
 *
 * @throws AppError table_corrupt where it is missing or broken.
 */
export async function readCheckpoint(store: ObjectStore, table: string, version: number): Promise<Action[]> {
  const key = checkpointKey(table, version);
  const bytes = await store.get(key);
  if (bytes === undefined) throw new AppError('table_corrupt', `The checkpoint ${key} is gone`, { key });
  const actions: Action[] = [];
  for await (const batch of decodeParquet(bytes, key)) {
    for (const row of rowsOfBatch(batch)) {
      const action = actionOf(jsonRow(row), key);
      if (action !== undefined) actions.push(action);
    }
  }
  return actions;
}

/** Members of actions that are maps; in a commit's JSON they are objects. */
const MAP_MEMBERS: readonly string[] = ['partitionValues', 'tags', 'configuration', 'options'];

/** A row in the form of a commit's JSON: safe integers as numbers, maps as objects, nulls left out. */
function jsonRow(row: { readonly [member: string]: Cell }): { [member: string]: ExactJson } {
  const json: { [member: string]: ExactJson } = {};
  for (const [name, cell] of Object.entries(row)) {
    if (cell === null) continue;
    json[name] = MAP_MEMBERS.includes(name) && isCells(cell) ? objectOf(cell) : jsonOf(cell);
  }
  return json;
}

function objectOf(entries: readonly Cell[]): { [key: string]: ExactJson } {
  const json: { [key: string]: ExactJson } = {};
  for (const entry of entries) {
    if (!isCells(entry)) continue;
    const [key, value] = entry;
    if (typeof key === 'string') json[key] = value === undefined ? null : jsonOf(value);
  }
  return json;
}

function jsonOf(cell: Cell): ExactJson {
  if (typeof cell === 'bigint') return Number.isSafeInteger(Number(cell)) ? Number(cell) : cell;
  if (typeof cell !== 'object' || cell === null) return cell;
  if (cell instanceof Uint8Array) return null;
  if (isCells(cell)) return cell.map(jsonOf);
  return jsonRow(cell);
}

function isCells(cell: Cell): cell is readonly Cell[] {
  return Array.isArray(cell);
}
