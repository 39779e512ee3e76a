import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeActions } from '../../../src/storage/log/action-json.ts';
import { commitKey } from '../../../src/storage/log/log-names.ts';
import { openTable } from '../../../src/storage/table.ts';
import { field, structOf } from '../../../src/storage/types/delta-type.ts';
import { DAY_MS, HOUR_MS, idsOf, makeTable, openWorld, rowsOf, STORES, type World } from './maintain-world.ts';

let world: World;
afterEach(() => world.close());

describe.each(STORES)('RESTORE over %s', (kind) => {
  beforeEach(() => {
    world = openWorld(kind);
  });

  it('makes a table what it was, and keeps the versions after it', async () => {
    const table = await makeTable(world);
    await table.append({ rows: rowsOf(1, 4) });
    await table.append({ rows: rowsOf(5, 6) });
    await table.write({ source: { rows: rowsOf(9, 9) }, mode: 'overwrite' });
    expect(await table.restore({ version: 2 })).toMatchObject({ kind: 'committed', version: 4, files: 2, rows: 6 });
    expect(await idsOf(await table.snapshot())).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await idsOf(await table.snapshot(3))).toEqual([9]);
    const [newest] = await table.history(1);
    expect(newest).toMatchObject({ operation: 'RESTORE' });
    expect(newest?.commitInfo).toMatchObject({
      isBlindAppend: false,
      operationParameters: { version: '2' },
      operationMetrics: { numRestoredFiles: '2', numRemovedFiles: '1', numOfFilesAfterRestore: '2' },
    });
  });

  it('brings back rows that a deletion vector took (delta-rs 4613), and takes them again', async () => {
    const table = await makeTable(world);
    await table.append({ rows: rowsOf(1, 1000) });
    await table.delete({ where: 'id % 2 = 0' });
    await table.delete({ where: 'id < 500' });
    const after = await idsOf(await table.snapshot());
    expect(await table.restore({ version: 1 })).toMatchObject({ kind: 'committed', files: 1, rows: 1000 });
    expect(await idsOf(await table.snapshot())).toHaveLength(1000);
    await table.restore({ version: 3 });
    expect(await idsOf(await table.snapshot())).toEqual(after);
    expect((await table.snapshot()).state.sizeBytes).toBe((await table.snapshot(1)).state.sizeBytes);
  });

  it('commits nothing where the table is what it was', async () => {
    const table = await makeTable(world);
    await table.append({ rows: rowsOf(1, 2) });
    expect(await table.restore({ version: 1 })).toEqual({ kind: 'nothing', version: 1 });
  });

  it('refuses where a file was vacuumed, names it, and can leave it out', async () => {
    const table = await makeTable(world);
    await table.append({ rows: rowsOf(1, 2) });
    await table.append({ rows: rowsOf(3, 4) });
    const [lost, kept] = (await table.snapshot()).files;
    await table.delete({});
    await world.store.delete(lost?.key ?? '');
    await expect(table.restore({ version: 2 })).rejects.toMatchObject({
      code: 'table_corrupt',
      message: expect.stringContaining(lost?.key ?? '-'),
    });
    expect(await table.restore({ version: 2, ignoreMissingFiles: true })).toMatchObject({
      kind: 'committed',
      files: 1,
    });
    expect((await table.snapshot()).files.map(({ key }) => key)).toEqual([kept?.key]);
  });

  it('refuses where a deletion vector was vacuumed: its rows would come back', async () => {
    const table = await makeTable(world);
    await table.append({ rows: rowsOf(1, 40_000) });
    await table.delete({ where: 'id % 3 = 0 OR id % 7 = 1 OR id % 11 = 5' });
    const [file] = (await table.snapshot()).files;
    expect(file?.add.deletionVector?.storageType).toBe('u');
    await table.restore({ version: 1 });
    const vectors = [];
    for await (const { key } of world.store.listFrom('t/deletion_vector')) vectors.push(key);
    expect(vectors).toHaveLength(1);
    await world.store.delete(vectors[0] ?? '');
    await expect(table.restore({ version: 2 })).rejects.toThrow(/deletion_vector/);
  });
});

describe('RESTORE', () => {
  beforeEach(() => {
    world = openWorld('memory');
  });

  it('goes by a time: the newest version at or before it', async () => {
    const table = await makeTable(world);
    for (let day = 1; day <= 3; day += 1) {
      world.wait(DAY_MS);
      await table.append({ rows: rowsOf(day, day) });
    }
    await table.restore({ timestampMs: world.nowMs() - HOUR_MS });
    expect(await idsOf(await table.snapshot())).toEqual([1, 2]);
    await expect(table.restore({ timestampMs: 0 })).rejects.toMatchObject({ code: 'version_not_found' });
    await expect(table.restore({ version: 99 })).rejects.toMatchObject({ code: 'version_not_found' });
    await expect(table.restore({})).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(table.restore({ version: 1, timestampMs: 1 })).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('loses to a writer who was first, and says so', async () => {
    const table = await makeTable(world);
    await table.append({ rows: rowsOf(1, 1) });
    const { store } = world;
    let isRaced = false;
    const other = openTable(store, 't', world.environment);
    const racing = openTable(
      {
        ...store,
        async putIfAbsent(key, bytes) {
          if (!isRaced && key.endsWith('.json')) {
            isRaced = true;
            await other.append({ rows: rowsOf(7, 7) });
          }
          return store.putIfAbsent(key, bytes);
        },
      },
      't',
      world.environment,
    );
    expect(await racing.restore({ version: 0 })).toMatchObject({ kind: 'conflict', version: 2 });
    expect(await idsOf(await table.snapshot())).toEqual([1, 7]);
  });

  it('is refused by a table that takes appends only', async () => {
    const table = await makeTable(world, 't', { configuration: { 'delta.appendOnly': 'true' } });
    await table.append({ rows: rowsOf(1, 1) });
    await expect(table.restore({ version: 0 })).rejects.toMatchObject({ code: 'table_unsupported' });
  });

  it('keeps the higher protocol, and every mark that says what was given out', async () => {
    const { store } = world;
    const identity = (mark: number | undefined, step = 1) => ({
      'delta.identity.start': 1,
      'delta.identity.step': step,
      ...(mark === undefined ? {} : { 'delta.identity.highWaterMark': mark }),
    });
    const schemaOf = (up: number | undefined, down: number | undefined): string =>
      JSON.stringify({
        type: 'struct',
        fields: [
          { name: 'id', type: 'long', nullable: true, metadata: {} },
          { name: 'up', type: 'long', nullable: true, metadata: identity(up) },
          { name: 'down', type: 'long', nullable: true, metadata: identity(down, -1) },
        ],
      });
    const metadata = (schemaString: string, configuration: Record<string, string>) => ({
      metaData: {
        id: 'x',
        format: { provider: 'parquet', options: {} },
        partitionColumns: [],
        schemaString,
        configuration,
      },
    });
    const put = (version: number, actions: object[]): Promise<unknown> =>
      store.put(commitKey('t', version), encodeActions([{ commitInfo: { operation: 'TEST' } }, ...actions] as never));
    await put(0, [
      { protocol: { minReaderVersion: 1, minWriterVersion: 6 } },
      metadata(schemaOf(undefined, -5), { 'delta.columnMapping.maxColumnId': '3', old: 'yes' }),
      { domainMetadata: { domain: 'theirs', configuration: '1', removed: false } },
    ]);
    const features = [
      'appendOnly',
      'columnMapping',
      'deletionVectors',
      'domainMetadata',
      'identityColumns',
      'rowTracking',
    ];
    await put(1, [
      {
        protocol: {
          minReaderVersion: 3,
          minWriterVersion: 7,
          readerFeatures: ['columnMapping', 'deletionVectors'],
          writerFeatures: features,
        },
      },
      metadata(schemaOf(12, -2), { 'delta.columnMapping.maxColumnId': '9', new: 'yes' }),
      { domainMetadata: { domain: 'delta.rowTracking', configuration: '{"rowIdHighWaterMark":41}', removed: false } },
      { domainMetadata: { domain: 'theirs', configuration: '2', removed: false } },
      {
        domainMetadata: { domain: 'delta.clustering', configuration: '{"clusteringColumns":[["id"]]}', removed: false },
      },
    ]);
    const table = openTable(store, 't', world.environment);
    expect(await table.restore({ version: 0 })).toMatchObject({ kind: 'committed', version: 2 });
    const { protocol, metadata: restored, state } = await openTable(store, 't', world.environment).snapshot();
    expect(protocol.minReaderVersion).toBe(3);
    // What writer version 6 stands for is named, once the features are listed.
    expect(protocol.writerFeatures).toEqual(
      [...new Set([...features, 'changeDataFeed', 'checkConstraints', 'generatedColumns', 'invariants'])].sort(),
    );
    expect(restored.configuration).toEqual({ 'delta.columnMapping.maxColumnId': '9', old: 'yes' });
    const marks = JSON.parse(restored.schemaString).fields.map(
      ({ metadata: of }: { metadata: Record<string, number> }) => of['delta.identity.highWaterMark'],
    );
    expect(marks).toEqual([undefined, 12, -5]);
    expect(state.domains.get('delta.rowTracking')?.configuration).toBe('{"rowIdHighWaterMark":41}');
    expect(state.domains.get('theirs')?.configuration).toBe('2');
    expect(JSON.parse(state.domains.get('delta.clustering')?.configuration ?? '{}')).toMatchObject({
      clusteringColumns: [],
    });
  });

  it('keeps since when commits have timestamps, and gives its own one', async () => {
    const table = await makeTable(world, 't', {
      configuration: { 'delta.enableInCommitTimestamps': 'true' },
      schema: structOf([field('id', 'long')]),
    });
    await table.append({ rows: [{ id: 1 }] });
    await table.append({ rows: [{ id: 2 }] });
    await table.restore({ version: 1 });
    const [newest, before] = await table.history(2);
    expect(newest?.timestampMs).toBe((before?.timestampMs ?? 0) + 1);
  });

  it('keeps the row ids that its files have', async () => {
    const table = await makeTable(world, 't', { configuration: { 'delta.enableRowTracking': 'true' } });
    await table.append({ rows: rowsOf(1, 5) });
    await table.append({ rows: rowsOf(6, 8) });
    const before = (await table.snapshot()).files.map(({ add }) => [add.baseRowId, add.defaultRowCommitVersion]);
    await table.delete({});
    await table.restore({ version: 2 });
    const { files, state } = await table.snapshot();
    expect(files.map(({ add }) => [add.baseRowId, add.defaultRowCommitVersion]).sort()).toEqual(before.sort());
    expect(state.domains.get('delta.rowTracking')?.configuration).toContain('7');
  });
});
