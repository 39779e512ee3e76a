import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTable } from '../../../src/storage/table.ts';
import { dataKeys, idsOf, makeTable, openWorld, rowsOf, type World } from './maintain-world.ts';

/*
 * Auto-compaction: 50 small files of a partition are written together after the commit that made them 50.
 */

let world: World;
beforeEach(() => {
  world = openWorld('memory');
});
afterEach(() => world.close());

const COMPACTED = { 'delta.autoOptimize.autoCompact': 'true' };

describe('auto-compaction', () => {
  it.each([['true'], ['auto']])('packs the fiftieth small file with the others, asked for by %s', async (value) => {
    const configuration = { 'delta.autoOptimize.autoCompact': value };
    const table = await makeTable(world, 't', { configuration });
    for (let id = 1; id < 50; id += 1) await table.append({ rows: rowsOf(id, id) });
    expect((await table.snapshot()).fileCount).toBe(49);
    await table.append({ rows: rowsOf(50, 50) });
    const snapshot = await table.snapshot();
    expect(snapshot).toMatchObject({ version: 51, fileCount: 1 });
    expect(await idsOf(snapshot)).toEqual(Array.from({ length: 50 }, (_, at) => at + 1));
    const [newest] = await table.history(1);
    expect(newest).toMatchObject({
      operation: 'OPTIMIZE',
      commitInfo: {
        operationParameters: { auto: 'true' },
        operationMetrics: { numRemovedFiles: '50', numAddedFiles: '1' },
      },
    });
    expect(world.faults).toEqual([]);
  });

  it('leaves a table alone that does not ask for it', async () => {
    const table = await makeTable(world, 't', { configuration: {} });
    for (let id = 1; id <= 55; id += 1) await table.append({ rows: rowsOf(id, id) });
    expect(await table.snapshot()).toMatchObject({ version: 55, fileCount: 55 });
  });

  it('packs only partitions that the commit touched and that have enough', async () => {
    const table = await makeTable(world, 't', { configuration: {}, partitionColumns: ['part'] });
    for (let id = 1; id <= 60; id += 1) await table.append({ rows: rowsOf(id, id, 'many') });
    for (let id = 61; id <= 110; id += 1) await table.append({ rows: rowsOf(id, id, 'due') });
    await table.alter.properties({ set: COMPACTED });
    await table.append({ rows: rowsOf(111, 111, 'few') });
    expect((await table.snapshot()).fileCount).toBe(111);
    await table.append({ rows: [...rowsOf(112, 112, 'due'), ...rowsOf(113, 113, 'few')] });
    expect((await table.snapshot()).fileCount).toBe(60 + 1 + 2);
    await table.append({ rows: rowsOf(114, 114, 'many') });
    expect((await table.snapshot()).fileCount).toBe(1 + 1 + 2);
  });

  it('counts what other writers add, and again after what they take away', async () => {
    const table = await makeTable(world, 't', { configuration: COMPACTED });
    const other = openTable(world.store, 't', { ...world.environment });
    await table.append({ rows: rowsOf(0, 0) });
    // One commit of many files: appends of the other do not pass our counts.
    for (let id = 1; id <= 48; id += 1) await other.append({ rows: rowsOf(id, id) });
    await other.write({ source: { rows: rowsOf(200, 200) }, mode: 'overwrite' });
    for (let id = 201; id <= 248; id += 1) await table.append({ rows: rowsOf(id, id) });
    expect((await table.snapshot()).fileCount).toBe(49);
    await table.append({ rows: rowsOf(249, 249) });
    expect((await table.snapshot()).fileCount).toBe(1);
  });

  it('takes files as small that are smaller than half of what the table asks for', async () => {
    const configuration = { ...COMPACTED, 'delta.targetFileSize': '1kb' };
    const table = await makeTable(world, 't', { configuration });
    for (let id = 1; id <= 52; id += 1) await table.append({ rows: rowsOf(id, id) });
    const sizes = (await table.snapshot()).files.map(({ sizeBytes }) => sizeBytes);
    expect(Math.min(...sizes)).toBeGreaterThan(512);
    expect(sizes).toHaveLength(52);
  });

  it('loses a race without an error, and leaves no file of its own', async () => {
    const table = await makeTable(world, 't', { configuration: COMPACTED });
    const rival = openTable(world.store, 't', world.environment);
    for (let id = 1; id < 50; id += 1) await table.append({ rows: rowsOf(id, id) });
    const { store } = world;
    let isRaced = false;
    const racing = {
      ...store,
      async putIfAbsent(key: string, bytes: Uint8Array) {
        // The commit of the compaction: its files are deleted by the rival just before.
        if (!isRaced && key.endsWith('51.json')) {
          isRaced = true;
          await rival.delete({ where: 'id <= 40' });
        }
        return store.putIfAbsent(key, bytes);
      },
    };
    const slow = openTable(racing, 't', world.environment);
    const outcome = await slow.append({ rows: rowsOf(50, 50) });
    expect(isRaced).toBe(true);
    expect(outcome).toMatchObject({ kind: 'committed', version: 50 });
    expect(world.faults).toEqual([]);
    const snapshot = await table.snapshot();
    expect(await idsOf(snapshot)).toEqual(Array.from({ length: 10 }, (_, at) => at + 41));
    expect(snapshot.fileCount).toBe(10);
    expect((await dataKeys(store)).filter((key) => key.endsWith('.parquet')).length).toBe(50);
  });

  it('runs one at a time: a commit meanwhile is not followed by another', async () => {
    const first = await makeTable(world, 'a', { configuration: COMPACTED });
    const second = await makeTable(world, 'b', { configuration: COMPACTED });
    for (const table of [first, second]) {
      for (let id = 1; id < 50; id += 1) await table.append({ rows: rowsOf(id, id) });
    }
    await Promise.all([first, second].map((table) => table.append({ rows: rowsOf(50, 50) })));
    const counts = [(await first.snapshot()).fileCount, (await second.snapshot()).fileCount].sort((a, b) => a - b);
    expect(counts).toEqual([1, 50]);
    await Promise.all([first, second].map((table) => table.append({ rows: rowsOf(51, 51) })));
    expect([(await first.snapshot()).fileCount, (await second.snapshot()).fileCount].sort()).toEqual([1, 2]);
  });
});
