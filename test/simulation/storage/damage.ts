import { manualClock } from '../../../src/base/clock.ts';
import { AppError } from '../../../src/base/errors.ts';
import type { Random } from '../../../src/base/random.ts';
import { writeCheckpoint } from '../../../src/storage/log/checkpoint-write.ts';
import { padded } from '../../../src/storage/log/log-names.ts';
import { deletedRows } from '../../../src/storage/scan/row-choices.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createTable, openTable } from '../../../src/storage/table.ts';
import { field, structOf } from '../../../src/storage/types/delta-type.ts';
import { RowReader, textOf } from './stored-rows.ts';
import { liveFileOf } from './table-actions.ts';

/** Kinds of files whose bytes are damaged. */
export const DAMAGED_KINDS = [
  'commit',
  'classic checkpoint',
  'checkpoint in parts',
  'V2 checkpoint',
  'V2 checkpoint in JSON',
  'sidecar',
  'compaction',
  '_last_checkpoint',
  'checksum',
  'deletion vector',
  'data file',
] as const;
export type DamagedKind = (typeof DAMAGED_KINDS)[number];

/** A table, one of its objects, and what is right. */
export interface Target {
  readonly store: ObjectStore;
  readonly key: string;
  readonly bytes: Uint8Array;
  /** What a reader gets: the newest version's rows and files. */
  readonly read: (store: ObjectStore) => Promise<string>;
  readonly right: string;
}

/** What a reader made of a damaged file. */
export type Outcome = 'right data' | 'error, file named' | 'error, file not named' | 'WRONG DATA';

const clock = manualClock(1_800_000_000_000_000);
const SCHEMA = structOf([field('id', 'long'), field('part', 'string'), field('value', 'long')]);

/**
 * Makes a table whose newest version is read through a file of the kind.
 *
 * @param rowsACommit many for a deletion vector: one of few rows stands in the log.
 */
export async function targetOf(
  kind: DamagedKind,
  rowsACommit = kind === 'deletion vector' ? 12_000 : 40,
): Promise<Target> {
  const store = memoryObjectStore();
  const isV2 = kind === 'sidecar' || kind.startsWith('V2');
  const table = await createTable(
    store,
    {
      path: 't',
      schema: SCHEMA,
      partitionColumns: ['part'],
      configuration: {
        'delta.enableDeletionVectors': 'true',
        'delta.checkpointInterval': '1000',
        ...(isV2 ? { 'delta.checkpointPolicy': 'v2', 'delta.feature.v2Checkpoint': 'supported' } : {}),
      },
    },
    { clock, ...(kind === 'compaction' ? { compactionInterval: 6 } : {}) },
  );
  for (let commit = 1; commit <= 5; commit += 1) {
    const rows = Array.from({ length: rowsACommit }, (_, at) => ({
      id: commit * 100_000 + at,
      part: 'abc'[at % 3],
      value: at * 7,
    }));
    await table.append({ rows, txn: { appId: 'a', version: commit } });
  }
  await table.delete({ where: 'id % 10 = 3 OR value % 17 = 5' });
  const { state } = await table.snapshot();
  const log = `t/_delta_log/${padded(6)}`;
  if (isV2) {
    const format = kind === 'V2 checkpoint in JSON' ? 'json' : 'parquet';
    await writeCheckpoint({ store, table: 't', nowMs: 0, newUuid: () => crypto.randomUUID() }, state, { format });
  } else if (kind.includes('checkpoint')) await table.checkpoint();
  if (kind === 'checkpoint in parts') await splitCheckpoint(store, log);
  const key = await keyOf(store, kind);
  // As after a clean-up: nothing but the checkpoint tells what was before it.
  if (kind.includes('checkpoint') || kind === 'sidecar') {
    for (let version = 0; version < 6; version += 1) await store.delete(`t/_delta_log/${padded(version)}.json`);
  }
  const read = kind === 'data file' ? readByDuckDb : readByScript;
  return { store, key, bytes: (await store.get(key)) as Uint8Array, read, right: await read(store) };
}

/** Two parts of which the first holds all: no writer of ours writes several. */
async function splitCheckpoint(store: ObjectStore, log: string): Promise<void> {
  const whole = (await store.get(`${log}.checkpoint.parquet`)) as Uint8Array;
  await store.put(`${log}.checkpoint.0000000001.0000000001.parquet`, whole);
  await store.delete(`${log}.checkpoint.parquet`);
}

async function keyOf(store: ObjectStore, kind: DamagedKind): Promise<string> {
  const names: Readonly<Record<DamagedKind, RegExp>> = {
    commit: /\/0{19}3\.json$/,
    'classic checkpoint': /6\.checkpoint\.parquet$/,
    'checkpoint in parts': /checkpoint\.0000000001\.0000000001\.parquet$/,
    'V2 checkpoint': /6\.checkpoint\.[^/]{36}\.parquet$/,
    'V2 checkpoint in JSON': /6\.checkpoint\.[^/]{36}\.json$/,
    sidecar: /_sidecars\//,
    compaction: /compacted\.json$/,
    _last_checkpoint: /_last_checkpoint$/,
    checksum: /0{19}6\.crc$/,
    'deletion vector': /\.bin$/,
    'data file': /part=b\/part-.*parquet$/,
  };
  for await (const { key } of store.listFrom('t/')) if (names[kind].test(key)) return key;
  throw new Error(`there is no ${kind}`);
}

async function readByScript(store: ObjectStore): Promise<string> {
  const snapshot = await openTable(store, 't', { clock }).snapshot();
  for (const { add } of snapshot.files)
    if (add.deletionVector !== undefined) await deletedRows(snapshot, add.deletionVector);
  const rows = await new RowReader('t').rowsOf(snapshot.files.map(liveFileOf), (key) => store.get(key));
  // Statistics decide which files a reader opens.
  const files = snapshot.files.map((file) => `${file.key} ${file.sizeBytes} ${JSON.stringify(file.statistics())}`);
  const { metadata, version } = snapshot;
  return [version, textOf(rows), ...files.sort(), metadata.schemaString, snapshot.transactionVersion('a')].join('\n');
}

async function readByDuckDb(store: ObjectStore): Promise<string> {
  const snapshot = await openTable(store, 't', { clock }).snapshot();
  const texts: string[] = [];
  for await (const { id, part, value } of readRows(snapshot)) texts.push(`${id}/${part}/${value}`);
  return texts.sort().join(' ');
}

/** One bit of a file turned over, at a place by chance. */
export function flipped(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  const at = random.below(copy.length);
  copy[at] = (copy[at] as number) ^ (1 << random.below(8));
  return copy;
}

/** A file that ends too early. */
export function cut(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.slice(0, random.below(bytes.length));
}

/** Reads the table with other bytes in the place of the file's. */
export async function readDamaged(target: Target, bytes: Uint8Array): Promise<{ outcome: Outcome; detail: string }> {
  const { store, key } = target;
  const before = target.bytes;
  await store.put(key, bytes);
  try {
    const found = await target.read(store);
    return { outcome: found === target.right ? 'right data' : 'WRONG DATA', detail: found };
  } catch (error) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    // The file is named by its key, or by the last part of it.
    const isNamed = error instanceof AppError && detail.includes(key.slice(key.lastIndexOf('/') + 1));
    return { outcome: isNamed ? 'error, file named' : 'error, file not named', detail };
  } finally {
    await store.put(key, before);
  }
}
