import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, dataKeys, idsOf, makeTable, openWorld, rowsOf, STORES, type World } from './maintain-world.ts';

let world: World;
afterEach(() => world.close());

describe.each(STORES)('a shallow clone over %s', (kind) => {
  beforeEach(() => {
    world = openWorld(kind);
  });

  it('has the rows of a version by absolute paths, and copies none', async () => {
    const source = await makeTable(world, 'a/source', { partitionColumns: ['part'] });
    await source.append({ rows: rowsOf(1, 40_000, 'ação/%25 b') });
    await source.delete({ where: 'id % 3 = 0 OR id % 7 = 1' });
    await source.delete({ where: 'id > 39000' });
    const clone = await source.shallowClone({ path: 'b/clone', version: 2 });
    expect(await dataKeys(world.store, 'b/clone')).toEqual([]);
    expect(await idsOf(await clone.snapshot())).toEqual(await idsOf(await source.snapshot(2)));
    const { files, metadata, version } = await clone.snapshot();
    expect(version).toBe(0);
    expect(metadata.id).not.toBe((await source.snapshot()).metadata.id);
    const [file] = files;
    expect(file?.add.path).toBe(world.store.uriOf(file?.key ?? ''));
    expect(file?.add.deletionVector).toMatchObject({
      storageType: 'p',
      pathOrInlineDv: expect.stringMatching(/^(file|memory):\/.*\/a\/source\/deletion_vector_/),
    });
    expect((await clone.history(1))[0]).toMatchObject({
      operation: 'CLONE',
      commitInfo: { operationParameters: { source: world.store.uriOf('a/source'), sourceVersion: '2' } },
    });
    expect((await clone.check()).findings).toEqual([]);
  });

  it('changes on its own, and its vacuum leaves the files of its source', async () => {
    const source = await makeTable(world, 'source');
    await source.append({ rows: rowsOf(1, 10) });
    const clone = await source.shallowClone({ path: 'clone' });
    await clone.append({ rows: rowsOf(11, 12) });
    await clone.delete({ where: 'id < 5' });
    await clone.write({ source: { rows: rowsOf(99, 99) }, mode: 'overwrite' });
    expect(await idsOf(await source.snapshot())).toEqual(rowsOf(1, 10).map(({ id }) => id));
    world.wait(30 * DAY_MS);
    for (const mode of ['lite', 'full'] as const) await clone.vacuum({ mode });
    expect(await idsOf(await source.snapshot())).toHaveLength(10);
    expect(await idsOf(await clone.snapshot())).toEqual([99]);
    // And back, from a clone of the clone.
    const again = await clone.shallowClone({ path: 'again', version: 0 });
    expect(await idsOf(await again.snapshot())).toHaveLength(10);
    await again.checkpoint();
  });
});

describe('a shallow clone', () => {
  beforeEach(() => {
    world = openWorld('memory');
  });

  it('is refused where there is a table', async () => {
    const source = await makeTable(world, 'source');
    await makeTable(world, 'there');
    await expect(source.shallowClone({ path: 'there' })).rejects.toMatchObject({ code: 'table_exists' });
  });

  it('gives row ids of its own, and keeps what the table is', async () => {
    const source = await makeTable(world, 'source', {
      configuration: {
        'delta.enableRowTracking': 'true',
        'delta.enableInCommitTimestamps': 'true',
        'delta.requireCheckpointProtectionBeforeVersion': '7',
      },
    });
    await source.append({ rows: rowsOf(1, 10) });
    await source.append({ rows: rowsOf(11, 15) });
    await source.delete({ where: 'id <= 10' });
    const clone = await source.shallowClone({ path: 'clone' });
    const [of, from] = [await clone.snapshot(), await source.snapshot()];
    expect(of.protocol).toEqual(from.protocol);
    expect(of.files.map(({ add }) => [add.baseRowId, add.defaultRowCommitVersion])).toEqual([[0, 0]]);
    expect(of.metadata.configuration).toMatchObject({ 'delta.enableRowTracking': 'true' });
    expect(of.metadata.configuration).not.toHaveProperty('delta.requireCheckpointProtectionBeforeVersion');
    const column = 'delta.rowTracking.materializedRowIdColumnName';
    expect(of.metadata.configuration[column]).toMatch(/^_row-id-col-/);
    expect(of.metadata.configuration[column]).not.toBe(from.metadata.configuration[column]);
    expect((await clone.history(1))[0]?.commitInfo).toMatchObject({ inCommitTimestamp: world.nowMs() });
    expect((await clone.describe()).rowIdHighWaterMark).toBe(4n);
  });
});
