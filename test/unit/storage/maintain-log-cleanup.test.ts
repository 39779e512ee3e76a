import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeActions } from '../../../src/storage/log/action-json.ts';
import { writeCheckpoint } from '../../../src/storage/log/checkpoint-write.ts';
import { cleanUpLog } from '../../../src/storage/log/log-cleanup.ts';
import { writeCompaction } from '../../../src/storage/log/log-compaction.ts';
import { checkpointKey, checksumKey, commitKey, compactionKey } from '../../../src/storage/log/log-names.ts';
import { tableLog } from '../../../src/storage/log/table-log.ts';
import { type DeltaTable, openTable } from '../../../src/storage/table.ts';
import { DAY_MS, HOUR_MS, idsOf, keysOf, makeTable, openWorld, rowsOf, STORES, type World } from './maintain-world.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let world: World;
afterEach(() => world.close());

/** A table of one commit a day, with a checkpoint every third. */
async function grow(configuration: Record<string, string>, days: number): Promise<DeltaTable> {
  const table = await makeTable(world, 't', { configuration: { 'delta.checkpointInterval': '3', ...configuration } });
  for (let day = 1; day <= days; day += 1) {
    world.wait(DAY_MS);
    await table.append({ rows: rowsOf(day, day) });
  }
  return table;
}

const names = async (): Promise<string[]> =>
  (await keysOf(world.store, 't/_delta_log/')).map((key) => key.slice('t/_delta_log/'.length).replace(/^0+(?=\d)/, ''));
const oldest = async (): Promise<string | undefined> => (await names()).find((name) => /^\d+\.json$/.test(name));
const RETENTION = { 'delta.logRetentionDuration': 'interval 4 days' };

describe.each(STORES)('the clean-up of a log over %s', (kind) => {
  beforeEach(() => {
    world = openWorld(kind);
  });

  it('follows a checkpoint, and keeps it with its commit and all after it', async () => {
    const table = await grow(RETENTION, 12);
    // Day 12 less 4 days is midnight before the commit of day 8: version 7 is the cut-off, 6 its checkpoint.
    expect(await oldest()).toBe('6.json');
    expect((await names()).filter((name) => /^[0-5]\./.test(name))).toEqual([]);
    for (let version = 6; version <= 12; version += 1)
      expect(await idsOf(await openTable(world.store, 't', world.environment).snapshot(version))).toHaveLength(version);
    expect((await table.check()).findings).toEqual([]);
    expect(world.faults).toEqual([]);
  });

  it('is left where delta.enableExpiredLogCleanup is false', async () => {
    await grow({ ...RETENTION, 'delta.enableExpiredLogCleanup': 'FALSE' }, 9);
    expect(await oldest()).toBe('0.json');
  });
});

describe('the clean-up of a log', () => {
  beforeEach(() => {
    world = openWorld('memory');
  });

  const off = { ...RETENTION, 'delta.enableExpiredLogCleanup': 'false' };
  const cleanUp = async (): Promise<unknown> => {
    const log = tableLog(world.store, 't');
    return cleanUpLog(log, await log.newest(), world.nowMs());
  };

  it('never takes the newest checkpoint, however short the retention (delta-rs 2174)', async () => {
    const table = await grow({ 'delta.logRetentionDuration': 'interval 0 days' }, 7);
    expect(await oldest()).toBe('3.json');
    expect(await cleanUp()).toMatchObject({ oldestVersion: 6 });
    expect(await cleanUp()).toMatchObject({ deleted: 0 });
    expect(await oldest()).toBe('6.json');
    expect(await idsOf(await openTable(world.store, 't', world.environment).snapshot())).toHaveLength(7);
    expect(await table.history(9)).toHaveLength(2);
  });

  it('takes compactions that begin at or before the checkpoint, and no later ones', async () => {
    await grow(off, 12);
    for (const [from, to] of [
      [1, 2],
      [4, 8],
      [6, 8],
      [7, 8],
    ] as const)
      await writeCompaction(tableLog(world.store, 't'), from, to);
    expect(await cleanUp()).toMatchObject({ oldestVersion: 6 });
    const left = (await keysOf(world.store, 't/_delta_log/')).filter((key) => key.includes('compacted'));
    expect(left).toEqual([compactionKey('t', 7, 8)]);
    expect(await world.store.get(checksumKey('t', 5))).toBeUndefined();
    expect(await world.store.get(checksumKey('t', 6))).toBeDefined();
  });

  it('does not build on a checkpoint that cannot be read (delta 5458)', async () => {
    await grow(off, 12);
    await world.store.put(checkpointKey('t', 6), bytes('PAR1 not really'));
    expect(await cleanUp()).toMatchObject({ oldestVersion: 3 });
    expect(await oldest()).toBe('3.json');
    await world.store.put(checkpointKey('t', 3), bytes('neither'));
    expect(await cleanUp()).toEqual({ deleted: 0, oldestVersion: undefined });
  });

  it('takes nothing where no checkpoint is old enough', async () => {
    const table = await makeTable(world, 't', { configuration: RETENTION });
    await table.append({ rows: rowsOf(1, 1) });
    world.wait(40 * DAY_MS);
    await table.append({ rows: rowsOf(2, 2) });
    await table.checkpoint();
    expect(await cleanUp()).toEqual({ deleted: 0, oldestVersion: undefined });
  });

  it('takes no more than the store’s own clock would, when ours runs ahead', async () => {
    await grow(off, 3);
    world.wait(20 * DAY_MS);
    expect(await cleanUp()).toEqual({ deleted: 0, oldestVersion: undefined });
  });

  it('takes a range that checkpointProtection guards at once, or not at all', async () => {
    const table = await grow(off, 12);
    const { protocol, metadata } = await table.snapshot();
    const protect = async (before: string): Promise<void> => {
      const configuration = { ...metadata.configuration, 'delta.requireCheckpointProtectionBeforeVersion': before };
      const writerFeatures = ['checkpointProtection', 'invariants', 'appendOnly'];
      const version = (await openTable(world.store, 't', world.environment).snapshot()).version + 1;
      await world.store.put(
        commitKey('t', version),
        encodeActions([
          { commitInfo: {} },
          { protocol: { ...protocol, minWriterVersion: 7, writerFeatures } },
          { metaData: { ...metadata, configuration } },
        ] as never),
      );
    };
    for (const before of ['7', '11', 'soon']) {
      await protect(before);
      expect(await cleanUp()).toEqual({ deleted: 0, oldestVersion: undefined });
    }
    await protect('6');
    expect(await cleanUp()).toMatchObject({ oldestVersion: 6 });
    expect(await oldest()).toBe('6.json');
  });

  it('takes commits before checkpoints', async () => {
    await grow(off, 12);
    const order: string[] = [];
    const store: World['store'] = {
      ...world.store,
      async delete(key) {
        order.push(key.includes('checkpoint') ? 'checkpoint' : 'other');
        await world.store.delete(key);
      },
    };
    const log = tableLog(store, 't');
    await cleanUpLog(log, await log.newest(), world.nowMs());
    expect(order).toContain('checkpoint');
    expect(order.lastIndexOf('other')).toBeLessThan(order.indexOf('checkpoint'));
  });

  it('keeps the sidecars of checkpoints that stay, and those younger than a day', async () => {
    const table = await makeTable(world, 't', { configuration: { ...off, 'delta.checkpointPolicy': 'v2' } });
    const environment = (uuid: string) => {
      let made = 0;
      return {
        store: world.store,
        table: 't',
        nowMs: world.nowMs(),
        newUuid: () => `${uuid}0000000-0000-0000-0000-00000000000${made++}`,
      };
    };
    for (let day = 1; day <= 12; day += 1) {
      world.wait(DAY_MS);
      await table.append({ rows: rowsOf(day, day) });
      if (day === 3 || day === 6) await writeCheckpoint(environment(String(day)), (await table.snapshot()).state);
    }
    const sidecars = async (): Promise<string[]> =>
      (await keysOf(world.store, 't/_delta_log/_sidecars/')).map((key) =>
        key.slice('t/_delta_log/_sidecars/'.length, -8),
      );
    world.wait(HOUR_MS);
    await world.store.put('t/_delta_log/_sidecars/young.parquet', bytes('under way'));
    const before = await sidecars();
    expect(before).toHaveLength(4);
    await cleanUp();
    // The one of version 3 went with its checkpoint; that of the automatic one of version 10 stays.
    expect(before.filter((name) => name.startsWith('30000000-'))).toHaveLength(1);
    expect(await sidecars()).toEqual(before.filter((name) => !name.startsWith('30000000-')));
    expect(await idsOf(await openTable(world.store, 't', world.environment).snapshot(6))).toHaveLength(6);
  });
});
