import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeActions } from '../../../src/storage/log/action-json.ts';
import { writeCompaction } from '../../../src/storage/log/log-compaction.ts';
import { commitKey } from '../../../src/storage/log/log-names.ts';
import { tableLog } from '../../../src/storage/log/table-log.ts';
import { openTable } from '../../../src/storage/table.ts';
import { DAY_MS, makeTable, openWorld, rowsOf, STORES, type World } from './maintain-world.ts';

let world: World;
afterEach(() => world.close());

describe.each(STORES)('a description over %s', (kind) => {
  beforeEach(() => {
    world = openWorld(kind);
  });

  it('says what a table is and how it lies there', async () => {
    const table = await makeTable(world, 'lake/t', {
      configuration: { 'delta.enableDeletionVectors': 'true', 'delta.checkpointInterval': '3' },
      partitionColumns: ['part'],
    });
    const created = world.nowMs();
    await table.append({ rows: rowsOf(1, 10) });
    await table.append({ rows: rowsOf(11, 15, 'b') });
    await table.delete({ where: 'id IN (3, 4, 12)' });
    world.wait(DAY_MS);
    await table.append({ rows: rowsOf(20, 20) });
    await writeCompaction(tableLog(world.store, 'lake/t'), 1, 3);
    const { sizeBytes, metadata } = (await table.snapshot()).state;
    expect(await table.describe()).toEqual({
      id: metadata.id,
      name: undefined,
      description: undefined,
      location: world.store.uriOf('lake/t'),
      version: 4,
      createdMs: created,
      modifiedMs: world.nowMs(),
      partitionColumns: ['part'],
      clusteringColumns: [],
      numFiles: 3,
      sizeBytes,
      numRecords: 13,
      numDeletionVectors: 2,
      numDeletedRecords: 3,
      properties: metadata.configuration,
      minReaderVersion: 3,
      minWriterVersion: 7,
      tableFeatures: expect.arrayContaining(['deletionVectors']),
      rowIdHighWaterMark: undefined,
      log: {
        oldestCommit: 0,
        commits: 5,
        checkpoints: 1,
        newestCheckpoint: { version: 3, kind: 'classic' },
        commitsSinceCheckpoint: 1,
        compactions: 1,
      },
    });
  });
});

describe('a description', () => {
  beforeEach(() => {
    world = openWorld('memory');
  });

  it('knows row ids, V2 checkpoints and commit times', async () => {
    const table = await makeTable(world, 't', {
      configuration: {
        'delta.enableRowTracking': 'true',
        'delta.checkpointPolicy': 'v2',
        'delta.enableInCommitTimestamps': 'true',
      },
    });
    await table.append({ rows: rowsOf(1, 10) });
    await table.checkpoint();
    expect(await openTable(world.store, 't', world.environment).describe()).toMatchObject({
      modifiedMs: world.nowMs() + 1,
      rowIdHighWaterMark: 9n,
      log: { newestCheckpoint: { version: 1, kind: 'v2' }, commitsSinceCheckpoint: 0 },
    });
  });

  it('names clustering columns as the table does, and counts no rows where a file does not', async () => {
    const schemaString = JSON.stringify({
      type: 'struct',
      fields: [
        {
          name: 'day',
          type: 'date',
          nullable: true,
          metadata: { 'delta.columnMapping.physicalName': 'col-1', 'delta.columnMapping.id': 1 },
        },
      ],
    });
    const configuration = '{"clusteringColumns":[["col-1"]],"domainName":"delta.clustering"}';
    await world.store.put(
      commitKey('t', 0),
      encodeActions([
        { protocol: { minReaderVersion: 2, minWriterVersion: 5 } },
        {
          metaData: {
            id: 'i',
            name: 'n',
            format: { provider: 'parquet', options: {} },
            schemaString,
            partitionColumns: [],
            configuration: {},
          },
        },
        { domainMetadata: { domain: 'delta.clustering', configuration, removed: false } },
        { add: { path: 'x', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true } },
      ] as never),
    );
    expect(await openTable(world.store, 't', world.environment).describe()).toMatchObject({
      name: 'n',
      createdMs: undefined,
      clusteringColumns: ['day'],
      numRecords: undefined,
      log: { newestCheckpoint: undefined, commitsSinceCheckpoint: 1 },
    });
  });
});
