import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeActions } from '../../../src/storage/log/action-json.ts';
import { writeCheckpoint } from '../../../src/storage/log/checkpoint-write.ts';
import { checkpointKey, checksumKey, commitKey } from '../../../src/storage/log/log-names.ts';
import type { FsckReport } from '../../../src/storage/maintain/fsck.ts';
import { type DeltaTable, openTable } from '../../../src/storage/table.ts';
import { idsOf, keysOf, makeTable, openWorld, rowsOf, STORES, type World } from './maintain-world.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const kinds = ({ findings }: FsckReport): string[] => findings.map(({ kind }) => kind);

let world: World;
afterEach(() => world.close());

/** A table with a checkpoint, vectors of both kinds and a few commits more. */
async function busyTable(configuration: Record<string, string> = {}): Promise<DeltaTable> {
  const table = await makeTable(world, 't', {
    configuration: { 'delta.enableDeletionVectors': 'true', 'delta.checkpointInterval': '4', ...configuration },
    partitionColumns: ['part'],
  });
  await table.append({ rows: rowsOf(1, 40_000), txn: { appId: 'a', version: 1 } });
  await table.append({ rows: rowsOf(1, 5, 'a b'), txn: { appId: 'a', version: 2 } });
  await table.delete({ where: "part = 'a' AND (id % 3 = 0 OR id % 7 = 1)" });
  await table.delete({ where: "part = 'a b' AND id = 2" });
  await table.append({ rows: rowsOf(6, 9, 'c') });
  return table;
}

const fresh = (): DeltaTable => openTable(world.store, 't', world.environment);

describe.each(STORES)('a check over %s', (kind) => {
  beforeEach(() => {
    world = openWorld(kind);
  });

  it.each([
    ['classic checkpoints', {}],
    ['V2 checkpoints', { 'delta.checkpointPolicy': 'v2' }],
    ['row ids', { 'delta.enableRowTracking': 'true' }],
    ['commit times', { 'delta.enableInCommitTimestamps': 'true' }],
  ])('finds nothing wrong with a sound table with %s', async (_, configuration) => {
    const table = await busyTable(configuration);
    expect((await keysOf(world.store, 't/_delta_log/')).some((key) => key.includes('.checkpoint.'))).toBe(true);
    expect(await table.check()).toEqual({ version: 5, files: 3, findings: [], repair: undefined });
    expect((await fresh().check({ repair: true })).findings).toEqual([]);
    expect(world.faults).toEqual([]);
  });

  it('finds files that are gone or of another size, and takes the gone ones out of the table', async () => {
    await busyTable();
    const files = (await fresh().snapshot()).files;
    const of = (part: string): string => files.find(({ partitionValues }) => partitionValues.part === part)?.key ?? '';
    await world.store.delete(of('a'));
    await world.store.put(of('c'), bytes('short'));
    const report = await fresh().check();
    expect(report.repair).toBeUndefined();
    expect(report.findings.map(({ kind, key }) => [kind, key]).sort()).toEqual([
      ['missing_file', of('a')],
      ['wrong_size', of('c')],
    ]);
    const table = fresh();
    expect((await table.check({ repair: true })).repair).toMatchObject({ kind: 'committed', version: 6, files: 1 });
    expect((await table.snapshot()).files.map(({ key }) => key).sort()).toEqual([of('a b'), of('c')].sort());
    expect((await table.history(1))[0]).toMatchObject({ operation: 'FSCK' });
    const [, remove] = new TextDecoder()
      .decode(await world.store.get(commitKey('t', 6)))
      .trim()
      .split('\n');
    expect(JSON.parse(remove ?? '{}')).toMatchObject({ remove: { dataChange: false } });
    expect(kinds(await table.check({ repair: true }))).toEqual(['wrong_size']);
  });
});

describe('a check', () => {
  beforeEach(() => {
    world = openWorld('memory');
  });

  const vectorFile = async (): Promise<string> => (await keysOf(world.store, 't/deletion_vector_'))[0] ?? '';

  it('finds a deletion vector that is gone, and repairs nothing: its file holds rows that are alive', async () => {
    await busyTable();
    const key = await vectorFile();
    await world.store.delete(key);
    const report = await fresh().check({ repair: true });
    expect(report.findings).toMatchObject([{ kind: 'missing_vector', key }]);
    expect(report.repair).toBeUndefined();
  });

  it('finds a deletion vector with a wrong checksum', async () => {
    await busyTable();
    const key = await vectorFile();
    const data = (await world.store.get(key)) ?? new Uint8Array();
    data[40] = (data[40] ?? 0) ^ 1;
    await world.store.put(key, data);
    expect(await fresh().check()).toMatchObject({
      findings: [{ kind: 'broken_vector', detail: expect.stringContaining('CRC') }],
    });
  });

  it('finds a vector of another cardinality, and one that takes out rows which its file does not have', async () => {
    const table = await makeTable(world);
    await table.append({ rows: rowsOf(1, 10) });
    await table.append({ rows: rowsOf(11, 20) });
    await table.delete({ where: 'id = 10 OR id = 9 OR id = 20' });
    const { files } = await table.snapshot();
    const adds = files.map(({ add }, at) => ({
      add:
        at === 0
          ? { ...add, stats: JSON.stringify({ numRecords: 9 }) }
          : { ...add, deletionVector: { ...add.deletionVector, cardinality: 2 } },
    }));
    const removes = files.map(({ add }) => ({
      remove: { path: add.path, deletionVector: add.deletionVector, dataChange: true, deletionTimestamp: 1 },
    }));
    await world.store.put(commitKey('t', 4), encodeActions([{ commitInfo: {} }, ...removes, ...adds] as never));
    expect(kinds(await fresh().check()).sort()).toEqual(['broken_vector', 'rows_beyond_file']);
  });

  it('finds a file that is live twice', async () => {
    const table = await makeTable(world);
    await table.append({ rows: rowsOf(1, 10) });
    const [file] = (await table.snapshot()).files;
    await table.delete({ where: 'id = 10' });
    await world.store.put(commitKey('t', 3), encodeActions([{ commitInfo: {} }, { add: file?.add }] as never));
    expect(kinds(await fresh().check())).toEqual(['shared_file']);
  });

  it('finds checksums that are not what the log says, of whatever version', async () => {
    await busyTable();
    for (const [version, change] of [
      [2, { numFiles: 7 }],
      [5, { tableSizeBytes: 1, setTransactions: [{ appId: 'a', version: 9 }] }],
    ] as const) {
      const key = checksumKey('t', version);
      const json = JSON.parse(new TextDecoder().decode(await world.store.get(key)));
      await world.store.put(key, bytes(JSON.stringify({ ...json, ...change })));
    }
    await world.store.put(checksumKey('t', 3), bytes('{"torn'));
    const { findings } = await fresh().check();
    expect(findings.map(({ kind, key, detail }) => [kind, key, detail.split(' ')[0]])).toEqual([
      ['wrong_checksum', checksumKey('t', 2), 'numFiles'],
      ['wrong_checksum', checksumKey('t', 5), 'tableSizeBytes'],
      ['wrong_checksum', checksumKey('t', 5), 'setTransactions.a'],
    ]);
    expect(findings[0]?.detail).toBe('numFiles is 2, written 7');
  });

  it('finds a checkpoint that cannot be read (delta 5458, delta-rs 2258)', async () => {
    await busyTable();
    await world.store.put(checkpointKey('t', 4), bytes('PAR1 not really'));
    expect(await fresh().check()).toMatchObject({
      findings: [{ kind: 'broken_checkpoint', key: checkpointKey('t', 4) }],
    });
    expect((await idsOf(await fresh().snapshot())).length).toBeGreaterThan(1000);
  });

  it('finds a checkpoint that differs from the commits', async () => {
    const table = await busyTable();
    const { state } = await table.snapshot(4);
    const { state: earlier } = await table.snapshot(3);
    await world.store.delete(checkpointKey('t', 4));
    const environment = { store: world.store, table: 't', nowMs: world.nowMs(), newUuid: () => 'x' };
    const metadata = { ...state.metadata, description: 'another' };
    await writeCheckpoint(environment, { ...earlier, version: 4, fileCount: earlier.fileCount, metadata });
    const found = await table.check();
    expect(new Set(kinds(found))).toEqual(new Set(['differing_checkpoint']));
    expect(found.findings.map(({ detail }) => detail).join()).toMatch(/metaData.*is not live/);
  });

  it('finds a commit that is missing, and goes on from the next checkpoint', async () => {
    await busyTable();
    await world.store.delete(commitKey('t', 2));
    await world.store.put(
      checksumKey('t', 5),
      bytes('{"numFiles":9,"tableSizeBytes":1,"numMetadata":1,"numProtocol":1}'),
    );
    expect(kinds(await fresh().check())).toEqual(['missing_commit', 'wrong_checksum', 'wrong_checksum']);
  });

  it('takes no offence at a log that was cleaned up', async () => {
    await busyTable();
    for (const version of [0, 1, 2, 3]) await world.store.delete(commitKey('t', version));
    expect(await fresh().check()).toMatchObject({ findings: [] });
  });
});
