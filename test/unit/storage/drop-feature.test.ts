import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Protocol } from '../../../src/storage/log/actions.ts';
import { findLogSegment } from '../../../src/storage/log/log-segment.ts';
import { withoutFeature } from '../../../src/storage/maintain/drop-feature-protocol.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { type DeltaTable, openTable } from '../../../src/storage/table.ts';
import { arrayOf, field, type StructField, structOf } from '../../../src/storage/types/delta-type.ts';
import { DAY_MS, HOUR_MS, idsOf, makeTable, openWorld, rowsOf, type World } from './maintain-world.ts';

/*
 * DROP FEATURE: a feature's traces go, then the protocol; versions that need it are protected or truncated.
 */

let world: World;
beforeEach(() => {
  world = openWorld('memory');
});
afterEach(() => world.close());

const tableOf = (configuration: Readonly<Record<string, string>>, fields?: readonly StructField[]) =>
  makeTable(world, 't', { configuration, ...(fields === undefined ? {} : { schema: structOf(fields) }) });

async function checkpointVersions(): Promise<number[]> {
  const { checkpoints } = await findLogSegment(world.store, 't', undefined, true);
  return checkpoints.map(({ version }) => version).reverse();
}

/** The table as a client finds it that reads the log for the first time. */
const anew = (): DeltaTable => openTable(world.store, 't', world.environment);

describe('the protocol that is left', () => {
  const lists = (minReaderVersion: number, readers: string[] | undefined, writers: string[]): Protocol => ({
    minReaderVersion,
    minWriterVersion: 7,
    ...(readers === undefined ? {} : { readerFeatures: readers }),
    writerFeatures: writers,
  });
  const two = ['appendOnly', 'invariants'];
  it.each<[string, Protocol, string, Protocol]>([
    [
      'versions where they say the same',
      lists(3, ['deletionVectors'], [...two, 'deletionVectors']),
      'deletionVectors',
      { minReaderVersion: 1, minWriterVersion: 2 },
    ],
    [
      'no list of readers without readers',
      lists(3, ['deletionVectors'], ['deletionVectors', 'rowTracking']),
      'deletionVectors',
      lists(1, undefined, ['rowTracking']),
    ],
    [
      'the lowest of all',
      lists(1, undefined, ['rowTracking']),
      'rowTracking',
      { minReaderVersion: 1, minWriterVersion: 1 },
    ],
    [
      'lists of a version that stood for more',
      { minReaderVersion: 1, minWriterVersion: 4 },
      'checkConstraints',
      lists(1, undefined, ['appendOnly', 'changeDataFeed', 'generatedColumns', 'invariants']),
    ],
    [
      'reader version 2 for mapped columns',
      lists(3, ['columnMapping', 'deletionVectors'], ['columnMapping', 'deletionVectors']),
      'deletionVectors',
      lists(2, undefined, ['columnMapping']),
    ],
    [
      'a version below',
      { minReaderVersion: 2, minWriterVersion: 5 },
      'columnMapping',
      { minReaderVersion: 1, minWriterVersion: 4 },
    ],
  ])('is %s', (_name, before, dropped, after) => {
    expect(withoutFeature(before, dropped)).toEqual(after);
  });
});

describe('dropping a writer feature', () => {
  it.each([
    ['appendOnly', { 'delta.appendOnly': 'true', 'delta.feature.rowTracking': 'supported' }],
    ['changeDataFeed', { 'delta.enableChangeDataFeed': 'true' }],
    ['inCommitTimestamp', { 'delta.enableInCommitTimestamps': 'true' }],
  ])('%s goes at once, with its properties', async (feature, configuration) => {
    const table = await tableOf(configuration);
    await table.append({ rows: rowsOf(1, 3) });
    expect(await table.alter.dropFeature(feature)).toMatchObject({ kind: 'committed', version: 2 });
    const { protocol, metadata } = await table.snapshot();
    expect(protocol.writerFeatures ?? []).not.toContain(feature);
    expect(metadata.configuration).toEqual({});
    await table.append({ rows: rowsOf(4, 4) });
    expect(await idsOf(await anew().snapshot())).toEqual([1, 2, 3, 4]);
  });

  it('in-commit timestamps begin anew after it', async () => {
    const table = await tableOf({ 'delta.enableInCommitTimestamps': 'true' });
    await table.alter.dropFeature('inCommitTimestamp');
    expect((await table.snapshot()).protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 2 });
    await table.alter.properties({ set: { 'delta.enableInCommitTimestamps': 'true' } });
    expect((await table.snapshot()).metadata.configuration).toMatchObject({
      'delta.inCommitTimestampEnablementVersion': '2',
    });
  });

  it('row tracking takes the ids out of the files, then the domain goes, then what it needed', async () => {
    const table = await tableOf({ 'delta.enableRowTracking': 'true' });
    await table.append({ rows: rowsOf(1, 3) });
    await table.append({ rows: rowsOf(4, 6) });
    await table.update({ where: 'id = 2', set: { part: "'b'" } });
    await expect(table.alter.dropFeature('domainMetadata')).rejects.toThrow('rowTracking needs it');
    await table.alter.dropFeature('rowTracking');
    const snapshot = await table.snapshot();
    expect(snapshot.protocol.writerFeatures).toEqual(['appendOnly', 'domainMetadata', 'invariants']);
    expect(snapshot.metadata.configuration).toEqual({});
    expect([...snapshot.state.domains.keys()]).toEqual([]);
    for (const { add } of snapshot.files) expect(add).not.toHaveProperty('baseRowId');
    await table.alter.dropFeature('domainMetadata');
    expect((await table.snapshot()).protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 2 });
    expect(await idsOf(await anew().snapshot())).toEqual([1, 2, 3, 4, 5, 6]);
    await table.alter.properties({ set: { 'delta.enableRowTracking': 'true' } });
    const ids = (await table.snapshot()).files.map(({ add }) => Number(add.baseRowId)).sort();
    expect(ids[0]).toBe(0);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('what is in use', () => {
  it.each<[string, string, () => Promise<DeltaTable>]>([
    [
      'checkConstraints',
      'it has constraints',
      async () => {
        const table = await tableOf({});
        await table.alter.addConstraint('positive', 'id > 0');
        return table;
      },
    ],
    [
      'invariants',
      'takes no nulls',
      () => tableOf({ 'delta.feature.rowTracking': 'supported' }, [field('id', 'long', { nullable: false })]),
    ],
    ['timestampNtz', 'timestamp without a zone', () => tableOf({}, [field('t', 'timestamp_ntz')])],
    ['variantType', 'a variant', () => tableOf({}, [field('v', 'variant')])],
    [
      'allowColumnDefaults',
      'has a default',
      () => tableOf({}, [field('id', 'long', { metadata: { CURRENT_DEFAULT: '5' } })]),
    ],
    ['columnMapping', 'by another name', () => tableOf({ 'delta.columnMapping.mode': 'name' })],
    ['columnMapping', 'by ids', () => tableOf({ 'delta.columnMapping.mode': 'id' })],
    ['rowTracking', 'does not have it', () => tableOf({})],
    ['icebergCompatV1', 'does not have it', () => tableOf({})],
  ])('%s is not dropped: %s', async (feature, why, make) => {
    const table = await make();
    const { version } = await table.snapshot();
    await expect(table.alter.dropFeature(feature)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(why),
    });
    expect((await table.snapshot()).version).toBe(version);
  });

  it('column mapping goes where files are read by their names all the same', async () => {
    const table = await tableOf({});
    await table.append({ rows: rowsOf(1, 3) });
    await table.alter.properties({ set: { 'delta.columnMapping.mode': 'name' } });
    await table.append({ rows: rowsOf(4, 5) });
    await table.alter.dropFeature('columnMapping');
    const { metadata, protocol } = await table.snapshot();
    expect(metadata.schemaString).not.toContain('columnMapping');
    expect(metadata.configuration).toEqual({ 'delta.requireCheckpointProtectionBeforeVersion': '8' });
    expect(protocol.readerFeatures).toBeUndefined();
    await table.append({ rows: rowsOf(6, 6) });
    expect(await idsOf(await anew().snapshot())).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('column mapping stays where a dropped column lies in files', async () => {
    const table = await tableOf({});
    await table.append({ rows: rowsOf(1, 3) });
    await table.alter.properties({ set: { 'delta.columnMapping.mode': 'name' } });
    await table.alter.dropColumn(['part']);
    await expect(table.alter.dropFeature('columnMapping')).rejects.toThrow('columns were dropped');
  });
});

describe('dropping a reader feature', () => {
  it('writes files with deletion vectors anew and protects the versions before', async () => {
    const table = await tableOf({ 'delta.enableDeletionVectors': 'true' });
    await table.append({ rows: rowsOf(1, 10) });
    await table.append({ rows: rowsOf(11, 20) });
    await table.delete({ where: 'id = 3' });
    expect((await table.snapshot()).files.some(({ add }) => add.deletionVector !== undefined)).toBe(true);
    const outcome = await table.alter.dropFeature('deletionVectors');
    expect(outcome).toMatchObject({ kind: 'committed', version: 9 });
    const snapshot = await anew().snapshot();
    // 4 the property, 5 the files, 6 to 8 the barrier, 9 the protocol.
    expect(await checkpointVersions()).toEqual([6, 7, 8, 9]);
    expect(snapshot.protocol).toEqual({
      minReaderVersion: 1,
      minWriterVersion: 7,
      writerFeatures: ['appendOnly', 'checkpointProtection', 'invariants'],
    });
    expect(snapshot.metadata.configuration).toEqual({ 'delta.requireCheckpointProtectionBeforeVersion': '9' });
    expect(snapshot.files.every(({ add }) => add.deletionVector === undefined)).toBe(true);
    const ids = Array.from({ length: 20 }, (_, at) => at + 1).filter((id) => id !== 3);
    expect(await idsOf(snapshot)).toEqual(ids);
    expect(await idsOf(await anew().snapshot(3))).toEqual(ids);
    await table.delete({ where: 'id = 4' });
    expect((await table.snapshot()).files.every(({ add }) => add.deletionVector === undefined)).toBe(true);
  });

  it('keeps vectors that old versions need from a VACUUM that knows no vectors', async () => {
    const table = await tableOf({ 'delta.enableDeletionVectors': 'true' });
    await table.append({ rows: rowsOf(1, 20_000) });
    await table.delete({ where: 'id % 7 = 3 OR id % 11 = 4' });
    const [file] = (await table.snapshot()).files;
    expect(file?.add.deletionVector?.storageType).toBe('u');
    await table.alter.dropFeature('deletionVectors');
    const { state } = await anew().snapshot();
    const buried = [...state.tombstones()].filter(({ path }) => path.includes('deletion_vector_'));
    expect(buried).toEqual([{ path: expect.any(String), deletionTimestamp: world.nowMs(), dataChange: false }]);
    expect(await world.store.get(`t/${buried[0]?.path}`)).toBeDefined();
  });

  it('writes files of narrower types anew, nested ones too', async () => {
    const table = await tableOf({ 'delta.enableTypeWidening': 'true' }, [
      field('id', 'integer'),
      field('s', structOf([field('n', 'short'), field('list', arrayOf('integer'))])),
    ]);
    await table.append({ rows: [{ id: 1, s: { n: 5, list: [1, 2] } }] });
    await table.alter.widenColumn(['id'], 'long');
    await table.append({ rows: [{ id: 2n ** 40n, s: { n: 6, list: null } }] });
    await table.alter.widenColumn(['s', 'n'], 'integer');
    await table.append({ rows: [{ id: 3, s: { n: 70_000, list: [] } }] });
    const before = (await table.snapshot()).files.map(({ key }) => key);
    await table.alter.dropFeature('typeWidening');
    const snapshot = await anew().snapshot();
    expect(snapshot.metadata.schemaString).not.toContain('typeChanges');
    expect(snapshot.metadata.configuration).not.toHaveProperty('delta.enableTypeWidening');
    // The newest file had the types of now.
    expect(snapshot.files.map(({ key }) => key).filter((key) => before.includes(key))).toEqual([before[2]]);
    const rows: unknown[] = [];
    for await (const row of readRows(snapshot)) rows.push(row);
    expect(rows).toHaveLength(3);
    expect(rows).toContainEqual({ id: 2n ** 40n, s: { n: 6, list: null } });
  });

  it('ends V2 checkpoints with classic ones', async () => {
    const table = await tableOf({ 'delta.checkpointPolicy': 'v2', 'delta.checkpointInterval': '2' });
    for (let id = 1; id <= 5; id += 1) await table.append({ rows: rowsOf(id, id) });
    await table.alter.dropFeature('v2Checkpoint');
    const { checkpoints } = await findLogSegment(world.store, 't', undefined, false);
    expect(checkpoints[0]?.keys[0]).toMatch(/\d{20}\.checkpoint\.parquet$/);
    expect(await idsOf(await anew().snapshot())).toEqual([1, 2, 3, 4, 5]);
  });

  it('keeps the versions that it protects from the clean-up of a part of them', async () => {
    const table = await tableOf({
      'delta.enableDeletionVectors': 'true',
      'delta.checkpointInterval': '2',
      'delta.logRetentionDuration': 'interval 2 days',
    });
    for (let id = 1; id <= 3; id += 1) await table.append({ rows: rowsOf(id, id) });
    world.wait(1.5 * DAY_MS);
    await table.alter.dropFeature('deletionVectors');
    world.wait(1.5 * DAY_MS);
    for (let id = 4; id <= 6; id += 1) await table.append({ rows: rowsOf(id, id) });
    expect(await idsOf(await anew().snapshot(1))).toEqual([1]);
    world.wait(4 * DAY_MS);
    for (let id = 7; id <= 9; id += 1) await table.append({ rows: rowsOf(id, id) });
    await expect(anew().snapshot(1)).rejects.toMatchObject({ code: 'version_not_found' });
    expect(world.faults).toEqual([]);
  });
});

describe('truncating history', () => {
  it('waits for a day, says until when, and leaves nothing behind', async () => {
    const table = await tableOf({ 'delta.enableDeletionVectors': 'true' });
    await table.append({ rows: rowsOf(1, 10) });
    await table.delete({ where: 'id = 3' });
    const drop = () => table.alter.dropFeature('deletionVectors', { truncateHistory: true });
    await expect(drop()).rejects.toMatchObject({ code: 'invalid_request', context: { from: expect.any(String) } });
    world.wait(HOUR_MS);
    await expect(drop()).rejects.toThrow('older versions do');
    const told = await drop().catch((error: { context: { from: string } }) => Date.parse(error.context.from));
    world.wait(Number(told) - world.nowMs());
    await drop();
    const snapshot = await anew().snapshot();
    expect(snapshot.protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 2 });
    expect(snapshot.metadata.configuration).toEqual({});
    expect(await idsOf(snapshot)).toEqual([1, 2, 4, 5, 6, 7, 8, 9, 10]);
    await expect(anew().snapshot(2)).rejects.toMatchObject({ code: 'version_not_found' });
  });

  it('is no need of a feature that no version used', async () => {
    const table = await tableOf({ 'delta.feature.deletionVectors': 'supported' });
    await table.append({ rows: rowsOf(1, 3) });
    await table.alter.dropFeature('deletionVectors', { truncateHistory: true });
    expect((await table.snapshot()).protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 2 });
    expect(await idsOf(await anew().snapshot(1))).toEqual([1, 2, 3]);
  });

  it('ends the protection of checkpoints once what it protects is gone', async () => {
    const table = await tableOf({ 'delta.enableDeletionVectors': 'true' });
    await table.append({ rows: rowsOf(1, 3) });
    await table.alter.dropFeature('deletionVectors');
    await expect(table.alter.dropFeature('checkpointProtection')).rejects.toThrow('only truncateHistory');
    const drop = () => table.alter.dropFeature('checkpointProtection', { truncateHistory: true });
    await expect(drop()).rejects.toThrow('checkpointProtection');
    world.wait(DAY_MS + HOUR_MS);
    await drop();
    const snapshot = await anew().snapshot();
    expect(snapshot.protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 2 });
    expect(snapshot.metadata.configuration).toEqual({});
    expect(await idsOf(snapshot)).toEqual([1, 2, 3]);
  });

  it('is refused for a feature that readers need not know', async () => {
    const table = await tableOf({ 'delta.enableChangeDataFeed': 'true' });
    await expect(table.alter.dropFeature('changeDataFeed', { truncateHistory: true })).rejects.toThrow(
      'leave truncateHistory out',
    );
  });
});

describe('other writers meanwhile', () => {
  it('whoever deletes while files are written anew is neither lost nor left with a vector', async () => {
    const table = await tableOf({ 'delta.enableDeletionVectors': 'true' });
    await table.append({ rows: rowsOf(1, 10) });
    await table.delete({ where: 'id = 1' });
    const rival = openTable(world.store, 't', world.environment);
    let commits = 0;
    const racing = openTable(
      {
        ...world.store,
        async putIfAbsent(key: string, bytes: Uint8Array) {
          if (key.endsWith('.json') && key.includes('_delta_log/0')) {
            commits += 1;
            if (commits === 2) await rival.delete({ where: 'id = 2' });
            if (commits > 3 && commits < 8) await rival.append({ rows: rowsOf(100 + commits, 100 + commits) });
          }
          return world.store.putIfAbsent(key, bytes);
        },
      },
      't',
      world.environment,
    );
    await racing.alter.dropFeature('deletionVectors');
    const snapshot = await anew().snapshot();
    expect(snapshot.files.every(({ add }) => add.deletionVector === undefined)).toBe(true);
    expect(await idsOf(snapshot)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 104, 105, 106, 107]);
  });
});
