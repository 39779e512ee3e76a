import { manualClock } from '../../../src/base/clock.ts';
import { AppError } from '../../../src/base/errors.ts';
import { type Random, seededRandom } from '../../../src/base/random.ts';
import { deletedRows } from '../../../src/storage/scan/row-choices.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createTable, openTable } from '../../../src/storage/table.ts';
import { field, structOf } from '../../../src/storage/types/delta-type.ts';
import { HOSTILE_NUMBERS, HOSTILE_OBJECTS, HOSTILE_SCHEMAS, HOSTILE_TEXTS } from './hostile-values.ts';
import { directStore } from './process-store.ts';
import { SimulatedObjects } from './simulated-objects.ts';

/** Objects of a table, by key. */
export type LogFiles = Map<string, Uint8Array>;

const clock = manualClock(1_800_000_000_000_000);
const LOG = 't/_delta_log/';
const SCHEMA = structOf([field('id', 'long'), field('part', 'string'), field('name', 'string')]);

/** A sound table with every kind of action and file, to be made hostile. */
export async function soundTable(): Promise<LogFiles> {
  const store = memoryObjectStore();
  const configuration = {
    'delta.enableDeletionVectors': 'true',
    'delta.enableInCommitTimestamps': 'true',
    'delta.enableRowTracking': 'true',
    'delta.checkpointPolicy': 'v2',
    'delta.feature.v2Checkpoint': 'supported',
    'delta.checkpointInterval': '4',
  };
  const table = await createTable(
    store,
    { path: 't', schema: SCHEMA, partitionColumns: ['part'], configuration },
    { clock, compactionInterval: 3 },
  );
  for (let commit = 1; commit <= 5; commit += 1) {
    const rows = Array.from({ length: 6 }, (_, at) => ({ id: commit * 10 + at, part: 'ab'[at % 2], name: `n ${at}` }));
    await table.append({ rows, txn: { appId: 'a', version: commit } });
  }
  await table.delete({ where: 'id % 5 = 3' });
  const files: LogFiles = new Map();
  for await (const { key } of store.listFrom('')) files.set(key, unsealed(key, (await store.get(key)) as Uint8Array));
  return files;
}

/** A stranger's files have no sums of ours, which would tell of every change. */
function unsealed(key: string, bytes: Uint8Array): Uint8Array {
  if (!/\.json$|_last_checkpoint$/.test(key)) return bytes;
  const text = Buffer.from(bytes).toString();
  return Buffer.from(
    text.replace(/,"(sentinelaCrc32|checksum)":"\w+"/g, '').replace(/,"tags":\{"sentinela.checkpoint":"[^"]*"\}/, ''),
  );
}

/** A log that a stranger wrote: the sound one with some changes. @returns what was changed, in words. */
export function hostileLog(sound: LogFiles, seed: number): { readonly files: LogFiles; readonly changes: string[] } {
  const random = seededRandom(seed, 5);
  const files = new Map(sound);
  const changes: string[] = [];
  for (let left = 1 + random.below(4); left > 0; left -= 1) {
    const change = CHANGES[random.below(CHANGES.length)] as Change;
    changes.push(`${change.name}: ${change(files, random)}`);
  }
  return { files, changes };
}

type Change = (files: LogFiles, random: Random) => string;
type Json = Record<string, unknown>;

const CHANGES: readonly Change[] = [
  changeMember,
  changeMember,
  changeMember,
  changeMember,
  dropMember,
  doubleKey,
  changeSchema,
  changeLines,
  changeBytes,
  dropObject,
  renameObject,
  hint,
];

function some<T>(random: Random, list: readonly T[]): T {
  return list[random.below(list.length)] as T;
}

function keyOf(files: LogFiles, random: Random, pattern: RegExp): string {
  return some(random, [...files.keys()].filter((key) => pattern.test(key)).concat(`${LOG}none`));
}

const JSON_FILES = /_delta_log\/\d{20}(\.\d{20}\.compacted)?\.json$|\.crc$|_last_checkpoint$/;

/** Gives one line of a file, as what it holds, to a change. */
function editLine(files: LogFiles, random: Random, edit: (json: Json) => string): string {
  const key = keyOf(files, random, JSON_FILES);
  const lines = Buffer.from(files.get(key) ?? '{}')
    .toString('utf8')
    .split('\n');
  const at = random.below(lines.length);
  try {
    const json = JSON.parse(lines[at] ?? '') as Json;
    const told = edit(json);
    lines[at] = JSON.stringify(json);
    files.set(key, Buffer.from(lines.join('\n')));
    return `${key} line ${at}: ${told}`;
  } catch {
    return 'nothing';
  }
}

/** An object within, and one of its members. */
function place(json: Json, random: Random): { readonly owner: Json; readonly member: string } | undefined {
  const places: { owner: Json; member: string }[] = [];
  const walk = (owner: Json): void => {
    for (const [member, value] of Object.entries(owner)) {
      places.push({ owner, member });
      if (typeof value === 'object' && value !== null) walk(value as Json);
    }
  };
  walk(json);
  return places.length === 0 ? undefined : some(random, places);
}

function changeMember(files: LogFiles, random: Random): string {
  return editLine(files, random, (json) => {
    const found = place(json, random);
    if (found === undefined) return 'nothing';
    const value = some(random, [
      some(random, HOSTILE_TEXTS),
      some(random, HOSTILE_NUMBERS),
      some(random, HOSTILE_OBJECTS),
    ]);
    found.owner[found.member] = value;
    return `${found.member} = ${JSON.stringify(value)?.slice(0, 60)}`;
  });
}

function dropMember(files: LogFiles, random: Random): string {
  return editLine(files, random, (json) => {
    const found = place(json, random);
    if (found !== undefined) delete found.owner[found.member];
    return `without ${found?.member}`;
  });
}

function changeSchema(files: LogFiles, random: Random): string {
  const key = `${LOG}${'0'.repeat(20)}.json`;
  const text = Buffer.from(files.get(key) ?? '').toString('utf8');
  const schema = some(random, HOSTILE_SCHEMAS);
  files.set(
    key,
    Buffer.from(text.replace(/"schemaString":"(?:[^"\\]|\\.)*"/, () => `"schemaString":${JSON.stringify(schema)}`)),
  );
  return schema.slice(0, 60);
}

function doubleKey(files: LogFiles, random: Random): string {
  const key = keyOf(files, random, JSON_FILES);
  const text = Buffer.from(files.get(key) ?? '').toString('utf8');
  const value = JSON.stringify(some(random, HOSTILE_TEXTS));
  const member = some(random, ['path', 'size', 'add', 'version', 'partitionValues', '__proto__', 'constructor']);
  files.set(key, Buffer.from(text.replace(/\{/g, (brace) => (random.chance(0.2) ? `{"${member}":${value},` : brace))));
  return `${key} ${member}`;
}

function changeLines(files: LogFiles, random: Random): string {
  const key = keyOf(files, random, JSON_FILES);
  const lines = Buffer.from(files.get(key) ?? '')
    .toString('utf8')
    .split('\n');
  const other = Buffer.from(files.get(keyOf(files, random, JSON_FILES)) ?? '')
    .toString('utf8')
    .split('\n');
  const at = random.below(lines.length);
  if (random.chance(0.5)) lines.splice(at, 1);
  else lines.splice(at, 0, ...other);
  files.set(key, Buffer.from(lines.join('\n')));
  return key;
}

function changeBytes(files: LogFiles, random: Random): string {
  const key = keyOf(files, random, /_delta_log|\.bin$/);
  const bytes = Buffer.from(files.get(key) ?? '');
  const at = random.below(bytes.length + 1);
  const kind = random.below(4);
  if (kind === 0 && at < bytes.length) bytes[at] = random.below(256);
  const noise = Buffer.from(Array.from({ length: random.below(12) }, () => random.below(256)));
  const rest = kind === 1 ? Buffer.alloc(0) : bytes.subarray(at);
  files.set(key, Buffer.concat([bytes.subarray(0, at), kind === 2 ? noise : Buffer.alloc(0), rest]));
  return `${key} at ${at}`;
}

function dropObject(files: LogFiles, random: Random): string {
  const key = keyOf(files, random, /./);
  files.delete(key);
  return key;
}

const NAMES = [
  '99999999999999999999.json',
  '09007199254740991.json',
  '00009007199254740991.json',
  '00000000000000000007.checkpoint.0000000001.9999999999.parquet',
  '00000000000000000006.checkpoint.parquet',
  '00000000000000000006.checkpoint.0000000001.0000000001.parquet',
  '00000000000000000003.00000000000000000001.compacted.json',
  '00000000000000000001.00000000000000000006.compacted.json',
  '00000000000000000006.checkpoint.00000000-0000-4000-8000-000000000000.json',
  '00000000000000000007.json',
  '00000000000000000001.json',
];

function renameObject(files: LogFiles, random: Random): string {
  const key = keyOf(files, random, /_delta_log/);
  const name = LOG + some(random, NAMES);
  files.set(name, files.get(key) ?? new Uint8Array());
  if (random.chance(0.5)) files.delete(key);
  return `${key} as ${name}`;
}

function hint(files: LogFiles, random: Random): string {
  const text = some(random, [
    `{"version":${some(random, ['6', '-1', '1e300', '9007199254740993', '"6"', 'null', '4.5'])},"size":1e99,"parts":1e9}`,
    '[]',
    '"x"',
    '{',
    '{"version":4,"size":-1,"checksum":"0"}',
  ]);
  files.set(`${LOG}_last_checkpoint`, Buffer.from(text));
  return text;
}

/** What a hostile log did to its reader. */
export interface HostileOutcome {
  /** Codes that were thrown, `ok` where nothing was. */
  readonly codes: readonly string[];
  /** Errors that are no AppError, writes outside the table, and what took too long. */
  readonly faults: readonly string[];
}

/** A call that takes longer is as good as one that never ends. */
const SLOW_MS = 5000;

/** Ways that a log is read and written in beside the first, which all begin with; more of them only take longer. */
const CALLS_A_LOG = 4;

/** Reads a log in some of the ways that need no DuckDB, and writes to it. @param seed decides in which. */
export async function readHostile(files: LogFiles, seed: number): Promise<HostileOutcome> {
  const random = seededRandom(seed, 6);
  const faults: string[] = [];
  const codes: string[] = [];
  const store = watchedStore(files, faults);
  const open = () => openTable(store, 't', { clock });
  const table = open();
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    read: async () => {
      const snapshot = await table.snapshot();
      for (const file of snapshot.files) {
        file.statistics();
        if (file.add.deletionVector !== undefined) await deletedRows(snapshot, file.add.deletionVector);
      }
      return [snapshot.rowCount, snapshot.transactionVersion('a'), ...snapshot.filesWhere(({ part }) => part === 'a')];
    },
    'at 3': () => open().snapshot(3),
    'at a time': () => open().snapshotAt(1_800_000_000_000),
    history: () => table.history(20),
    added: () => table.addedSince(1),
    describe: () => table.describe(),
    check: () => table.check(),
    'vacuum, dry': () => table.vacuum({ dryRun: true }),
    append: () => table.append({ rows: [{ id: 1, part: 'a', name: 'x' }], txn: { appId: 'a', version: 99 } }),
    restore: () => table.restore({ version: 2 }),
    checkpoint: () => table.checkpoint(),
    vacuum: () => table.vacuum({ retentionMs: 0, allowShortRetention: true }),
    'lite vacuum': () => open().vacuum({ mode: 'lite', retentionMs: 0, allowShortRetention: true }),
  };
  const ways = Object.entries(calls);
  const chosen = Array.from({ length: CALLS_A_LOG }, () => some(random, ways));
  for (const [name, call] of [...ways.slice(0, 1), ...chosen]) {
    const began = performance.now();
    try {
      await call();
      codes.push('ok');
    } catch (error) {
      if (error instanceof AppError && error.code !== 'internal') codes.push(error.code);
      else faults.push(`${name}: ${error instanceof Error ? error.stack : error}`);
    }
    const tookMs = performance.now() - began;
    if (tookMs > SLOW_MS) faults.push(`${name} took ${Math.round(tookMs)} ms`);
  }
  return { codes, faults };
}

function watchedStore(files: LogFiles, faults: string[]): ObjectStore {
  const objects = new SimulatedObjects(() => 1_700_000_000_000);
  objects.put('neighbour/part-1.parquet', new Uint8Array(4));
  for (const [key, bytes] of files) objects.put(key, bytes);
  const store = directStore(objects);
  const watch = (what: string, key: string): void => {
    if (!key.startsWith('t/')) faults.push(`${what} of ${key}, outside the table`);
  };
  return {
    ...store,
    put(key, bytes) {
      watch('put', key);
      return store.put(key, bytes);
    },
    putIfAbsent(key, bytes) {
      watch('put', key);
      return store.putIfAbsent(key, bytes);
    },
    delete(key) {
      watch('delete', key);
      return store.delete(key);
    },
  };
}
