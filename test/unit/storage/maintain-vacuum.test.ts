import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commitKey } from '../../../src/storage/log/log-names.ts';
import { type DeltaTable, openTable } from '../../../src/storage/table.ts';
import { field, structOf } from '../../../src/storage/types/delta-type.ts';
import {
  DAY_MS,
  dataKeys,
  foreignCommit,
  HOUR_MS,
  idsOf,
  keysOf,
  makeTable,
  openWorld,
  rowsOf,
  STORES,
  type World,
} from './maintain-world.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const INFO = 't/_delta_log/_last_vacuum_info';

let world: World;
afterEach(() => world.close());

async function keyOfOnly(table: DeltaTable): Promise<string> {
  return (await table.snapshot()).files[0]?.key ?? '';
}

describe.each(STORES)('VACUUM over %s', (kind) => {
  beforeEach(() => {
    world = openWorld(kind);
  });

  it('deletes what left the table and what never came into it, after the retention', async () => {
    const table = await makeTable(world);
    await table.append({ rows: rowsOf(1, 2) });
    const old = await keyOfOnly(table);
    await table.write({ source: { rows: rowsOf(3, 4) }, mode: 'overwrite' });
    await world.store.put('t/orphan.parquet', bytes('never committed'));
    world.wait(6 * DAY_MS);
    expect(await table.vacuum()).toMatchObject({ files: 0, keys: [] });
    expect(await dataKeys(world.store)).toHaveLength(3);
    world.wait(2 * DAY_MS);
    const dry = await table.vacuum({ dryRun: true });
    expect(dry).toMatchObject({ files: 2, versions: [] });
    expect([...dry.keys].sort()).toEqual([old, 't/orphan.parquet'].sort());
    expect(await dataKeys(world.store)).toHaveLength(3);
    expect(await table.vacuum()).toMatchObject({ files: 2, keys: dry.keys, versions: [5, 6] });
    expect(await dataKeys(world.store)).toEqual([await keyOfOnly(table)]);
    expect(await idsOf(await table.snapshot())).toEqual([3, 4]);
  });

  it('tells in the log, as Spark does, that it began and ended', async () => {
    const table = await makeTable(world);
    await table.append({ rows: rowsOf(1, 2) });
    const { sizeBytes } = (await table.snapshot()).state;
    await table.delete({});
    world.wait(8 * DAY_MS);
    await table.vacuum({ retentionMs: 8 * DAY_MS - HOUR_MS });
    const [end, start] = await table.history(2);
    expect(start).toMatchObject({ operation: 'VACUUM START' });
    expect(start?.commitInfo).toMatchObject({
      operationParameters: {
        retentionCheckEnabled: 'true',
        defaultRetentionMillis: String(7 * DAY_MS),
        specifiedRetentionMillis: String(8 * DAY_MS - HOUR_MS),
      },
      operationMetrics: { numFilesToDelete: '1', sizeOfDataToDelete: String(sizeBytes) },
      isolationLevel: 'SnapshotIsolation',
      isBlindAppend: true,
    });
    expect(end).toMatchObject({ operation: 'VACUUM END' });
    expect(end?.commitInfo).toMatchObject({
      operationParameters: { status: 'COMPLETED' },
      operationMetrics: { numDeletedFiles: '1', numVacuumedDirectories: '0' },
    });
    const text = new TextDecoder().decode(await world.store.get(commitKey('t', 4)));
    expect(text.trim().split('\n')).toHaveLength(1);
  });

  it('compares objects, not spellings: live files of escaped partitions stay, dead ones go (delta-rs 4646)', async () => {
    const table = await makeTable(world, 't', { partitionColumns: ['part'] });
    const parts = ['a b', 'ação/%25', 'x=y?#[1]*:', 'M%C3%BCnchen', '~', ''];
    for (const part of parts) await table.append({ rows: rowsOf(1, 1, part) });
    const dead = await dataKeys(world.store);
    await table.write({
      source: { rows: parts.map((part) => ({ id: 2, part })) },
      mode: 'overwrite',
    });
    world.wait(8 * DAY_MS);
    for (const mode of ['full', 'lite'] as const)
      expect([...(await table.vacuum({ mode, dryRun: true })).keys].sort()).toEqual([...dead].sort());
    await table.vacuum({ mode: 'lite' });
    const live = (await table.snapshot()).files.map(({ key }) => key);
    expect((await dataKeys(world.store)).sort()).toEqual([...live].sort());
    expect(await table.vacuum({ mode: 'full' })).toMatchObject({ files: 0 });
    expect(await idsOf(await table.snapshot())).toEqual(parts.map(() => 2));
  });
});

describe('VACUUM', () => {
  beforeEach(() => {
    world = openWorld('memory');
  });

  it('refuses to keep files shorter than the table says, unless that is allowed', async () => {
    const table = await makeTable(world, 't', {
      configuration: { 'delta.deletedFileRetentionDuration': 'interval 2 days' },
    });
    await table.append({ rows: rowsOf(1, 2) });
    await table.delete({});
    world.wait(HOUR_MS);
    await expect(table.vacuum({ retentionMs: 47 * HOUR_MS })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(/47 h.*48 h/),
    });
    for (const retentionMs of [-1, Number.NaN])
      await expect(table.vacuum({ retentionMs, allowShortRetention: true })).rejects.toMatchObject({
        code: 'invalid_request',
      });
    expect(await dataKeys(world.store)).toHaveLength(1);
    expect(await table.vacuum({ retentionMs: 0, allowShortRetention: true })).toMatchObject({ files: 1 });
    expect((await table.history(2))[1]?.commitInfo).toMatchObject({
      operationParameters: { retentionCheckEnabled: 'false', specifiedRetentionMillis: '0' },
    });
  });

  it('leaves the files of a commit under way (delta-rs 3645)', async () => {
    const table = await makeTable(world);
    await table.append({ rows: rowsOf(1, 2) });
    world.wait(30 * DAY_MS);
    const begun = await table.startAppend({});
    await begun.write(rowsOf(3, 4));
    const under = await world.store.putIfAbsent('t/of-another-writer.parquet', bytes('not committed yet'));
    expect(under).toBe('created');
    world.wait(6 * DAY_MS);
    expect(await table.vacuum()).toMatchObject({ files: 0 });
    await begun.commit();
    expect(await idsOf(await table.snapshot())).toEqual([1, 2, 3, 4]);
  });

  it('keeps an old file that left the table a short while ago (delta-rs 4290)', async () => {
    const table = await makeTable(world);
    await table.append({ rows: rowsOf(1, 2) });
    world.wait(300 * DAY_MS);
    await table.delete({});
    world.wait(DAY_MS);
    for (const mode of ['full', 'lite'] as const) expect(await table.vacuum({ mode })).toMatchObject({ files: 0 });
    expect(await idsOf(await table.snapshot(1))).toEqual([1, 2]);
  });

  it('keeps the deletion vectors of live files and of young tombstones, and no others', async () => {
    const table = await makeTable(world);
    await table.append({ rows: rowsOf(1, 40_000) });
    await table.delete({ where: 'id % 3 = 0 OR id % 7 = 1' });
    world.wait(8 * DAY_MS);
    await table.delete({ where: 'id % 11 = 5' });
    world.wait(DAY_MS);
    await table.delete({ where: 'id % 13 = 5' });
    const vectors = async (): Promise<number> => (await keysOf(world.store, 't/deletion_vector_')).length;
    expect(await vectors()).toBe(3);
    await table.vacuum();
    expect(await vectors()).toBe(3);
    const before = await idsOf(await table.snapshot(3));
    world.wait(6 * DAY_MS + HOUR_MS);
    expect(await table.vacuum()).toMatchObject({ files: 1 });
    expect(await vectors()).toBe(2);
    expect(await idsOf(await table.snapshot(3))).toEqual(before);
    world.wait(DAY_MS);
    expect(await table.vacuum({ mode: 'lite' })).toMatchObject({ files: 1 });
    expect(await vectors()).toBe(1);
    const live = await idsOf(await table.snapshot());
    world.wait(30 * DAY_MS);
    expect(await table.vacuum()).toMatchObject({ files: 0 });
    expect(await idsOf(await table.snapshot())).toEqual(live);
  });

  it('leaves hidden names alone, but not change files and partitions that look hidden', async () => {
    const schema = structOf([field('id', 'long'), field('_day', 'string')]);
    const table = await makeTable(world, 't', { schema, partitionColumns: ['_day'] });
    await table.append({ rows: [{ id: 1, _day: 'x' }] });
    const hidden = ['t/_spark_metadata/0', 't/.hidden', 't/sub/_temporary/0/part.parquet', 't/sub/.x.crc', 't/_dayx'];
    const garbage = ['t/_change_data/cdc-1.parquet', 't/_delta_index/x', 't/sub/part.parquet', 't/_day=y/part.parquet'];
    const outside = ['t2/part.parquet', 'other'];
    for (const key of [...hidden, ...garbage, ...outside]) await world.store.put(key, bytes('x'));
    world.wait(8 * DAY_MS);
    await world.store.put('t/_change_data/cdc-young.parquet', bytes('x'));
    const { keys } = await table.vacuum();
    expect([...keys].sort()).toEqual([...garbage].sort());
    for (const key of [...hidden, ...outside]) expect(await world.store.get(key)).toBeDefined();
    expect(await idsOf(await table.snapshot())).toEqual([1]);
  });

  it('never deletes outside of the table, nor in its log, whatever paths the log holds', async () => {
    const table = await makeTable(world);
    const { store } = world;
    await store.put('other/data.parquet', bytes('x'));
    const gone = (path: string): object => ({ remove: { path, deletionTimestamp: 1, dataChange: true, size: 1 } });
    await foreignCommit(world, table, [
      gone(store.uriOf('other/data.parquet')),
      gone('_delta_log/00000000000000000000.json'),
      gone(store.uriOf('t/mine.parquet').replace('mine', '%6Dine')),
    ]);
    await store.put('t/mine.parquet', bytes('x'));
    world.wait(8 * DAY_MS);
    for (const mode of ['lite', 'full'] as const)
      expect(await table.vacuum({ mode, dryRun: true })).toMatchObject({ keys: ['t/mine.parquet'] });
    await table.vacuum({ mode: 'lite' });
    await table.vacuum();
    expect(await store.get('other/data.parquet')).toBeDefined();
    expect(await store.get('t/_delta_log/00000000000000000000.json')).toBeDefined();
    expect(await store.get('t/mine.parquet')).toBeUndefined();
  });

  it('keeps files as long as it is told, though checkpoints forget tombstones before that', async () => {
    const table = await makeTable(world, 't', {
      configuration: { 'delta.deletedFileRetentionDuration': 'interval 1 hours' },
    });
    await table.append({ rows: rowsOf(1, 2) });
    world.wait(30 * DAY_MS);
    await table.delete({});
    world.wait(2 * DAY_MS);
    await table.checkpoint();
    const fresh = openTable(world.store, 't', world.environment);
    expect([...(await fresh.snapshot()).state.tombstones()]).toEqual([]);
    expect(await fresh.vacuum({ retentionMs: 3 * DAY_MS })).toMatchObject({ files: 0 });
    expect(await idsOf(await fresh.snapshot(1))).toEqual([1, 2]);
    expect(await fresh.vacuum()).toMatchObject({ files: 1 });
  });

  it('refuses a table with a feature that only writers must know (vacuumProtocolCheck)', async () => {
    const table = await makeTable(world);
    const writerFeatures = ['deletionVectors', 'vacuumProtocolCheck', 'keepsFilesElsewhere'];
    const readerFeatures = ['deletionVectors', 'vacuumProtocolCheck'];
    const protocol = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures, writerFeatures };
    await foreignCommit(world, table, [{ protocol }]);
    await world.store.put('t/orphan', bytes('x'));
    world.wait(8 * DAY_MS);
    await table.snapshot();
    for (const dryRun of [true, false]) await expect(table.vacuum({ dryRun })).rejects.toThrow(/keepsFilesElsewhere/);
    expect(await world.store.get('t/orphan')).toBeDefined();
  });

  it('says in the log that it failed, and can be run again', async () => {
    await makeTable(world);
    await world.store.put('t/orphan', bytes('x'));
    world.wait(8 * DAY_MS);
    let fails = true;
    const store = {
      ...world.store,
      delete: (key: string) => (fails ? Promise.reject(new Error('no')) : world.store.delete(key)),
    };
    const table = openTable(store, 't', world.environment);
    await expect(table.vacuum()).rejects.toThrow('no');
    expect((await table.history(1))[0]?.commitInfo).toMatchObject({ operationParameters: { status: 'FAILED' } });
    expect(await world.store.get(INFO)).toBeUndefined();
    fails = false;
    expect(await table.vacuum()).toMatchObject({ files: 1 });
  });

  it('keeps what came back by RESTORE after it was planned', async () => {
    const table = await makeTable(world);
    await table.append({ rows: rowsOf(1, 2) });
    await table.delete({});
    world.wait(8 * DAY_MS);
    const other = openTable(world.store, 't', world.environment);
    const racing = openTable(
      {
        ...world.store,
        async putIfAbsent(key, body) {
          const isStart = new TextDecoder().decode(body).includes('VACUUM START');
          if (isStart && (await other.snapshot()).version === 2) await other.restore({ version: 1 });
          return world.store.putIfAbsent(key, body);
        },
      },
      't',
      world.environment,
    );
    expect(await racing.vacuum()).toMatchObject({ files: 0, versions: [4, 5] });
    expect(await idsOf(await table.snapshot())).toEqual([1, 2]);
  });
});

describe('VACUUM LITE', () => {
  beforeEach(() => {
    world = openWorld('memory');
  });

  const info = async (): Promise<unknown> => {
    const found = await world.store.get(INFO);
    return found === undefined ? undefined : JSON.parse(new TextDecoder().decode(found));
  };

  it('looks only into the commits since the last vacuum, and leaves what never was committed', async () => {
    const table = await makeTable(world);
    await table.append({ rows: rowsOf(1, 2) });
    await table.delete({});
    await world.store.put('t/orphan', bytes('x'));
    expect(await table.vacuum({ mode: 'lite' })).toMatchObject({ files: 0 });
    expect(await info()).toEqual({});
    world.wait(8 * DAY_MS);
    expect(await table.vacuum({ mode: 'lite' })).toMatchObject({ files: 1 });
    expect(await info()).toEqual({ latestCommitVersionOutsideOfRetentionWindow: 4 });
    await table.append({ rows: rowsOf(3, 4) });
    await table.delete({});
    const reads: string[] = [];
    const get: World['store']['get'] = (key, range) => {
      reads.push(key);
      return world.store.get(key, range);
    };
    world.wait(8 * DAY_MS);
    const watched = openTable({ ...world.store, get }, 't', world.environment);
    await watched.snapshot();
    reads.length = 0;
    expect(await watched.vacuum({ mode: 'lite' })).toMatchObject({ files: 1 });
    expect(reads.filter((key) => key === commitKey('t', 1) || key === commitKey('t', 4))).toEqual([]);
    expect(await dataKeys(world.store)).toEqual(['t/orphan']);
  });

  it('goes on after a full one, refuses where commits were cleaned up, and passes over a torn hint', async () => {
    const table = await makeTable(world);
    for (let n = 1; n <= 4; n += 1) await table.append({ rows: rowsOf(n, n) });
    await table.delete({ where: 'id = 1' });
    await table.checkpoint();
    world.wait(8 * DAY_MS);
    for (let version = 0; version < 5; version += 1) await world.store.delete(commitKey('t', version));
    for (const torn of [undefined, '{', '{"latestCommitVersionOutsideOfRetentionWindow":3}']) {
      if (torn !== undefined) await world.store.put(INFO, bytes(torn));
      await expect(table.vacuum({ mode: 'lite' })).rejects.toMatchObject({
        code: 'invalid_request',
        message: expect.stringContaining('full'),
      });
    }
    await world.store.put(INFO, bytes('{"latestCommitVersionOutsideOfRetentionWindow":4}'));
    expect(await table.vacuum({ mode: 'lite', dryRun: true })).toMatchObject({ files: 1 });
    await world.store.delete(INFO);
    expect(await table.vacuum({ mode: 'full' })).toMatchObject({ files: 1 });
    expect(await table.vacuum({ mode: 'lite' })).toMatchObject({ files: 0 });
  });

  it('goes by the times that commits hold, where they do', async () => {
    const table = await makeTable(world, 't', { configuration: { 'delta.enableInCommitTimestamps': 'true' } });
    for (let day = 1; day <= 5; day += 1) {
      await table.write({ source: { rows: rowsOf(day, day) }, mode: 'overwrite' });
      world.wait(DAY_MS);
    }
    expect(await table.vacuum({ mode: 'lite' })).toMatchObject({ files: 0 });
    expect(await info()).toEqual({});
    world.wait(5 * DAY_MS);
    // Ten days after version 1: 2 and 3 are older than seven days and took a file each out.
    expect(await table.vacuum({ mode: 'lite' })).toMatchObject({ files: 2 });
    expect(await info()).toEqual({ latestCommitVersionOutsideOfRetentionWindow: 3 });
    world.wait(20 * DAY_MS);
    expect(await table.vacuum({ mode: 'lite' })).toMatchObject({ files: 2 });
    expect(await idsOf(await table.snapshot())).toEqual([5]);
  });

  it('takes change files whose commit expired', async () => {
    const table = await makeTable(world, 't', { configuration: { 'delta.enableChangeDataFeed': 'true' } });
    await table.append({ rows: rowsOf(1, 9) });
    world.wait(8 * DAY_MS);
    await table.update({ where: 'id = 3', set: { part: "'b'" } });
    expect((await keysOf(world.store, 't/_change_data/')).length).toBe(1);
    expect(await table.vacuum({ mode: 'lite' })).toMatchObject({ files: 0 });
    world.wait(8 * DAY_MS);
    expect(await table.vacuum({ mode: 'lite' })).toMatchObject({ files: 2 });
    expect(await keysOf(world.store, 't/_change_data/')).toEqual([]);
  });
});
