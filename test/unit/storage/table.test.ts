import { beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { parseExactJson } from '../../../src/base/exact-json.ts';
import { commitKey } from '../../../src/storage/log/log-names.ts';
import type { Snapshot } from '../../../src/storage/scan/snapshot.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createTable, type DeltaTable, openOrCreateTable, openTable } from '../../../src/storage/table.ts';
import type { CellRow } from '../../../src/storage/types/cell.ts';
import { field, structOf } from '../../../src/storage/types/delta-type.ts';

const SCHEMA = structOf([field('id', 'long', { nullable: false }), field('part', 'string')]);
const environment = { clock: manualClock(1_800_000_000_000_000) };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let store: ObjectStore;
let table: DeltaTable;
beforeEach(async () => {
  store = memoryObjectStore();
  table = await createTable(store, { path: 't', schema: SCHEMA, partitionColumns: ['part'] }, environment);
});

async function rowsOf(snapshot: Snapshot): Promise<CellRow[]> {
  const rows: CellRow[] = [];
  for await (const row of readRows(snapshot)) rows.push(row);
  return rows;
}

async function idsOf(snapshot: Snapshot): Promise<number[]> {
  return (await rowsOf(snapshot)).map(({ id }) => Number(id)).sort((a, b) => a - b);
}

async function objects(prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.listFrom(prefix)) keys.push(key);
  return keys;
}

/** Writes a commit as another engine would. */
async function foreignCommit(version: number, actions: readonly object[]): Promise<void> {
  await store.put(commitKey('t', version), bytes(actions.map((action) => JSON.stringify(action)).join('\n')));
}

const ids = (...values: number[]) => values.map((id) => ({ id, part: 'a' }));

describe('a table', () => {
  it('is created once, by one of many', async () => {
    await expect(createTable(store, { path: 't', schema: SCHEMA }, environment)).rejects.toMatchObject({
      code: 'table_exists',
    });
    const opened = await Promise.all(
      [1, 2, 3].map(() => openOrCreateTable(store, { path: 'u', schema: SCHEMA }, environment)),
    );
    for (const each of opened) expect((await each.snapshot()).version).toBe(0);
  });

  it('that is not there is said to be missing', async () => {
    await expect(openTable(store, 'none', environment).snapshot()).rejects.toMatchObject({ code: 'table_not_found' });
  });

  it('is created with reader version 1 and writer version 2', async () => {
    expect((await table.snapshot()).protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 2 });
  });

  it('keeps snapshots as they are while it grows', async () => {
    await table.append({ rows: ids(1, 2) });
    const before = await table.snapshot();
    await table.append({ rows: ids(3) });
    expect(await idsOf(before)).toEqual([1, 2]);
    expect(await idsOf(await table.snapshot())).toEqual([1, 2, 3]);
    expect(await idsOf(await table.snapshot(1))).toEqual([1, 2]);
    await expect(table.snapshot(9)).rejects.toMatchObject({ code: 'version_not_found' });
  });

  it('says in its history who wrote what', async () => {
    await table.append({ rows: ids(1, 2), operation: 'STREAMING UPDATE', commitMetadata: { job: 'x' } });
    const [newest, first] = await table.history(5);
    expect(newest).toMatchObject({ version: 1, operation: 'STREAMING UPDATE' });
    expect(newest?.commitInfo).toMatchObject({
      isBlindAppend: true,
      operationMetrics: { numFiles: '1', numOutputRows: '2' },
      userMetadata: '{"job":"x"}',
      engineInfo: expect.stringContaining('sentinela'),
      txnId: expect.stringMatching(/-/),
    });
    expect(first).toMatchObject({ version: 0, operation: 'CREATE TABLE' });
  });

  it('refuses a null where the schema allows none, and leaves no file behind', async () => {
    const before = await objects('t/');
    await expect(
      table.append({
        rows: [
          { id: 1, part: 'a' },
          { id: null, part: 'b' },
        ],
      }),
    ).rejects.toThrow(/takes no nulls/);
    expect(await objects('t/')).toEqual(before);
  });

  it('commits nothing for no rows, unless a txn is to be kept', async () => {
    expect(await table.append({ rows: [] })).toEqual({ kind: 'nothing', version: 0 });
    expect(await table.append({ rows: [], allowEmpty: true, txn: { appId: 'a', version: 3 } })).toMatchObject({
      version: 1,
    });
    expect((await table.snapshot()).transactionVersion('a')).toBe(3);
  });
});

describe('an append with a txn', () => {
  it('happens once', async () => {
    const request = { rows: ids(1), txn: { appId: 'app', version: 7 } };
    expect(await table.append(request)).toMatchObject({ kind: 'committed', version: 1 });
    expect(await openTable(store, 't', environment).append(request)).toEqual({ kind: 'already_committed', version: 1 });
    expect(await table.append({ ...request, txn: { appId: 'app', version: 8 } })).toMatchObject({ kind: 'committed' });
    expect(await idsOf(await table.snapshot())).toEqual([1, 1]);
  });

  it('happens once when many writers try at the same time, and the losers leave no files', async () => {
    const writers = Array.from({ length: 8 }, () => openTable(store, 't', environment));
    const outcomes = await Promise.all(
      writers.map((writer) => writer.append({ rows: ids(1), txn: { appId: 'app', version: 1 } })),
    );
    expect(outcomes.filter(({ kind }) => kind === 'committed')).toHaveLength(1);
    expect(await idsOf(await table.snapshot())).toEqual([1]);
    expect((await objects('t/part=a/')).length).toBe(1);
  });

  it('conflicts where the application came further since the rows were made', async () => {
    const basedOn = await table.snapshot();
    await table.append({ rows: ids(1), txn: { appId: 'app', version: 1 } });
    const outcome = await table.append({ rows: ids(1, 2), txn: { appId: 'app', version: 2 }, basedOn });
    expect(outcome).toMatchObject({ kind: 'conflict', reason: 'concurrent_transaction', version: 1 });
  });
});

describe('writers at once', () => {
  it('all append, each row once', async () => {
    const writers = Array.from({ length: 10 }, () => openTable(store, 't', environment));
    await Promise.all(writers.map((writer, n) => writer.append({ rows: ids(n) })));
    const snapshot = await table.snapshot();
    expect(snapshot.version).toBe(10);
    expect(await idsOf(snapshot)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('that read rows conflict with an append, and blind ones do not', async () => {
    const basedOn = await table.snapshot();
    await table.append({ rows: ids(1) });
    expect(await table.append({ rows: ids(2), basedOn, readsRows: true })).toMatchObject({
      reason: 'concurrent_append',
    });
    expect(await table.append({ rows: ids(2), basedOn })).toMatchObject({ kind: 'committed', version: 2 });
  });

  it('that replace a partition conflict with an append to it, and not with one elsewhere', async () => {
    const basedOn = await table.snapshot();
    await table.append({ rows: [{ id: 1, part: 'b' }] });
    const request = { rows: ids(9), partitions: [{ part: 'a' }], basedOn };
    expect(await table.replacePartitions(request)).toMatchObject({ kind: 'committed' });
    await table.append({ rows: ids(5) });
    expect(await table.replacePartitions(request)).toMatchObject({ kind: 'conflict' });
    expect(await idsOf(await table.snapshot())).toEqual([1, 5, 9]);
  });

  it('lose against a change of the schema', async () => {
    const basedOn = await table.snapshot();
    await foreignCommit(1, [{ metaData: { ...basedOn.metadata, configuration: { x: 'y' } } }]);
    expect(await table.append({ rows: ids(1), basedOn })).toMatchObject({
      kind: 'conflict',
      reason: 'metadata_changed',
    });
  });
});

describe('replacing partitions', () => {
  it('takes out the rows of these and no others', async () => {
    await table.append({ rows: [...ids(1, 2), { id: 3, part: 'b' }, { id: 4, part: null }] });
    await table.replacePartitions({ rows: ids(7), partitions: [{ part: 'a' }, { part: null }] });
    expect(await idsOf(await table.snapshot())).toEqual([3, 7]);
    const remove = (await store.get(commitKey('t', 2))) ?? new Uint8Array();
    const lines = new TextDecoder()
      .decode(remove)
      .trim()
      .split('\n')
      .map((line) => parseExactJson(line));
    expect(lines.filter((line) => typeof line === 'object' && line !== null && 'remove' in line)).toHaveLength(2);
  });

  it('is refused by an append-only table', async () => {
    const only = await createTable(
      store,
      { path: 'o', schema: SCHEMA, partitionColumns: ['part'], configuration: { 'delta.appendOnly': 'true' } },
      environment,
    );
    await expect(only.replacePartitions({ rows: [], partitions: [{ part: 'a' }] })).rejects.toMatchObject({
      code: 'table_unsupported',
    });
  });
});

describe('a checkpoint', () => {
  const fill = async (commits: number): Promise<void> => {
    for (let n = 1; n <= commits; n += 1)
      await table.append({ rows: ids(n), txn: { appId: `app${n % 3}`, version: n } });
  };
  const fresh = (): DeltaTable => openTable(store, 't', environment);

  it('is written every ten commits, and says what the commits say', async () => {
    await fill(12);
    expect((await objects('t/_delta_log/')).filter((key) => key.includes('checkpoint'))).toEqual([
      't/_delta_log/00000000000000000010.checkpoint.parquet',
      't/_delta_log/_last_checkpoint',
    ]);
    const before = await table.snapshot();
    for (let version = 0; version <= 10; version += 1) await store.delete(commitKey('t', version));
    const after = await fresh().snapshot();
    expect(after.version).toBe(12);
    expect(after.metadata).toEqual(before.metadata);
    expect(after.protocol).toEqual(before.protocol);
    expect(after.files.map(({ add }) => ({ ...add, dataChange: true }))).toEqual(
      before.files.map(({ add }) => ({ ...add, dataChange: true })),
    );
    for (const appId of ['app0', 'app1', 'app2'])
      expect(after.transactionVersion(appId)).toBe(before.transactionVersion(appId));
    expect(await idsOf(after)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    await expect(fresh().snapshot(4)).rejects.toMatchObject({ code: 'version_not_found' });
  });

  it('that is broken gives way to the commits, and to an older one', async () => {
    await fill(20);
    await store.put('t/_delta_log/00000000000000000020.checkpoint.parquet', bytes('PAR1 not really'));
    expect(await idsOf(await fresh().snapshot())).toHaveLength(20);
    for (let version = 0; version <= 10; version += 1) await store.delete(commitKey('t', version));
    expect(await idsOf(await fresh().snapshot())).toHaveLength(20);
  });

  it.each(['', '{"version":', '{"version":99}', '{"version":"x"}', '[]'])(
    'is found though _last_checkpoint is %j',
    async (hint) => {
      await fill(11);
      await store.put('t/_delta_log/_last_checkpoint', bytes(hint));
      expect((await fresh().snapshot()).version).toBe(11);
    },
  );

  it('keeps tombstones of a week and no older ones', async () => {
    await table.append({ rows: ids(1) });
    await table.replacePartitions({ rows: ids(2), partitions: [{ part: 'a' }] });
    await table.checkpoint();
    for (let version = 0; version <= 2; version += 1) await store.delete(commitKey('t', version));
    expect([...(await fresh().snapshot()).state.tombstones()]).toHaveLength(1);
    const later = openTable(store, 't', { clock: manualClock(1_800_000_000_000_000 + 8 * 86_400_000_000) });
    await later.append({ rows: ids(3) });
    await later.checkpoint();
    await store.delete(commitKey('t', 3));
    expect([...(await fresh().snapshot()).state.tombstones()]).toHaveLength(0);
  });
});

describe('a log', () => {
  it('with a gap is an error that names the commit', async () => {
    for (let n = 1; n <= 3; n += 1) await table.append({ rows: ids(n) });
    await store.delete(commitKey('t', 2));
    await expect(openTable(store, 't', environment).snapshot()).rejects.toThrow(/lacks the commit 2/);
  });

  it('with a broken line is an error that names the commit', async () => {
    await store.put(commitKey('t', 1), bytes('{"add":'));
    await expect(openTable(store, 't', environment).snapshot()).rejects.toMatchObject({ code: 'table_corrupt' });
  });

  it('may hold actions and members that we do not know', async () => {
    await foreignCommit(1, [
      { somethingNew: { a: 1 } },
      { txn: { appId: 'x', version: 4, more: 1 } },
      { commitInfo: { any: [1] } },
    ]);
    expect((await openTable(store, 't', environment).snapshot()).transactionVersion('x')).toBe(4);
  });

  it.each([
    ['reader version 4', { minReaderVersion: 4, minWriterVersion: 7 }],
    [
      'timestampNanos',
      {
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: ['timestampNanos'],
        writerFeatures: ['timestampNanos'],
      },
    ],
    [
      'catalogManaged',
      {
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: ['catalogManaged'],
        writerFeatures: ['catalogManaged'],
      },
    ],
  ])('that needs %s is refused by that name', async (name, protocol) => {
    await foreignCommit(1, [{ protocol }]);
    const opened = openTable(store, 't', environment);
    await expect(opened.snapshot()).rejects.toMatchObject({
      code: 'table_unsupported',
      message: expect.stringContaining(name),
    });
    // The protocol of the version that is read counts.
    expect((await opened.snapshot(0)).version).toBe(0);
  });

  it('that needs an unknown writer feature is read and not written', async () => {
    await foreignCommit(1, [
      { protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['icebergCompatV3'] } },
    ]);
    expect((await table.snapshot()).version).toBe(1);
    await expect(table.append({ rows: ids(1) })).rejects.toMatchObject({
      code: 'table_unsupported',
      message: expect.stringContaining('icebergCompatV3'),
    });
  });

  it('that names a file outside of the table is refused', async () => {
    const add = { partitionValues: {}, size: 1, modificationTime: 1, dataChange: true };
    await foreignCommit(1, [{ add: { ...add, path: '../u/x.parquet' } }]);
    await expect(table.snapshot()).rejects.toMatchObject({ code: 'table_corrupt' });
    await foreignCommit(1, [{ add: { ...add, path: '/etc/passwd' } }]);
    await expect(table.snapshot()).rejects.toMatchObject({ code: 'table_unsupported' });
  });

  it('keeps a txn version beyond 2^53 exactly, though nobody can ask for it as a number', async () => {
    await store.put(commitKey('t', 1), bytes('{"txn":{"appId":"big","version":9223372036854775807}}'));
    const snapshot = await table.snapshot();
    expect(snapshot.state.transactions.get('big')?.version).toBe(9223372036854775807n);
    expect(() => snapshot.transactionVersion('big')).toThrow(/beyond 2\^53/);
    await table.checkpoint();
    await store.delete(commitKey('t', 0));
    await store.delete(commitKey('t', 1));
    expect((await openTable(store, 't', environment).snapshot()).state.transactions.get('big')?.version).toBe(
      9223372036854775807n,
    );
  });
});

describe('files that were added since a version', () => {
  it('are those that are still there', async () => {
    await table.append({ rows: ids(1) });
    await table.append({ rows: [{ id: 2, part: 'b' }] });
    await table.replacePartitions({ rows: ids(3), partitions: [{ part: 'a' }] });
    const since = async (version: number) =>
      (await table.addedSince(version))?.map(({ partitionValues }) => partitionValues.part);
    expect(await since(0)).toEqual(['b', 'a']);
    expect(await since(3)).toEqual([]);
    await store.delete(commitKey('t', 2));
    expect(await since(1)).toBeUndefined();
  });

  it('cannot be told where rows that were there went', async () => {
    for (const id of [1, 2]) await table.append({ rows: ids(id) });
    await table.append({ rows: [...ids(3), ...ids(4)] });
    const since = async (version: number) => (await table.addedSince(version))?.length;
    expect([await since(0), await since(2)]).toEqual([3, 1]);
    // Of a file that came since, nothing that was there before.
    await table.delete({ where: 'id = 3' });
    expect([await since(0), await since(2), await since(3)]).toEqual([3, 1, undefined]);
    await table.restore({ version: 2 });
    expect([await since(0), await since(2), await since(3)]).toEqual([2, 0, undefined]);
    await table.restore({ version: 1 });
    expect([await since(0), await since(2)]).toEqual([1, undefined]);
  });

  it('cannot be told where OPTIMIZE has put them together with others', async () => {
    for (const id of [1, 2, 3]) await table.append({ rows: ids(id) });
    const since = async (version: number) => (await table.addedSince(version))?.length;
    expect(await since(1)).toBe(2);
    await table.optimize({});
    expect(await since(1)).toBeUndefined();
    expect(await since(3)).toBe(0);
    await table.append({ rows: ids(4) });
    expect(await since(3)).toBe(1);
  });
});
