import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DeltaTable, openTable } from '../../../src/storage/table.ts';
import { DAY_MS, HOUR_MS, idsOf, makeTable, openWorld, rowsOf, type World } from './maintain-world.ts';

// RESTORE brings files back that VACUUM deletes: whichever is first, no live file is lost.

let world: World;
beforeEach(() => {
  world = openWorld('memory');
});
afterEach(() => world.close());

/** A table of which a file left so long ago that VACUUM takes it, and RESTORE to version 1 brings it back. */
async function tableWithOldFile(): Promise<DeltaTable> {
  const table = await makeTable(world);
  await table.append({ rows: rowsOf(1, 2) });
  await table.write({ source: { rows: rowsOf(3, 4) }, mode: 'overwrite' });
  world.wait(8 * DAY_MS);
  return table;
}

/** The table as another process has it, which stops before what `at` names until it is let go on. */
function pausing(at: 'delete' | 'start'): { table: DeltaTable; reached: Promise<void>; goOn: () => void } {
  let goOn = (): void => undefined;
  let arrived = (): void => undefined;
  const reached = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const pause = async (): Promise<void> => {
    arrived();
    await gate;
  };
  const store: World['store'] = {
    ...world.store,
    async delete(key) {
      if (at === 'delete') await pause();
      await world.store.delete(key);
    },
    async putIfAbsent(key, bytes) {
      if (at === 'start' && Buffer.from(bytes).includes('VACUUM START')) await pause();
      return await world.store.putIfAbsent(key, bytes);
    },
  };
  return { table: openTable(store, 't', world.environment), reached, goOn: () => goOn() };
}

describe('RESTORE beside VACUUM', () => {
  it('waits while a vacuum deletes', async () => {
    const table = await tableWithOldFile();
    const vacuum = pausing('delete');
    const report = vacuum.table.vacuum();
    await vacuum.reached;
    await expect(table.restore({ version: 1 })).rejects.toMatchObject({
      code: 'commit_conflict',
      message: expect.stringContaining('began with version 3'),
    });
    vacuum.goOn();
    expect(await report).toMatchObject({ files: 1 });
    await expect(table.restore({ version: 1 })).rejects.toMatchObject({ code: 'table_corrupt' });
    expect(await idsOf(await table.snapshot())).toEqual([3, 4]);
  });

  it('that lands first has its files kept', async () => {
    const table = await tableWithOldFile();
    const vacuum = pausing('start');
    const report = vacuum.table.vacuum();
    await vacuum.reached;
    expect(await table.restore({ version: 1 })).toMatchObject({ kind: 'committed', version: 3 });
    vacuum.goOn();
    expect(await report).toMatchObject({ files: 0, versions: [4, 5] });
    expect(await idsOf(await table.snapshot())).toEqual([1, 2]);
  });

  it('is a conflict where a vacuum begins before it lands', async () => {
    await tableWithOldFile();
    const other = openTable(world.store, 't', world.environment);
    const vacuum = pausing('delete');
    let report: Promise<unknown> | undefined;
    const store: World['store'] = {
      ...world.store,
      async putIfAbsent(key, bytes) {
        if (report === undefined && Buffer.from(bytes).includes('RESTORE')) {
          report = vacuum.table.vacuum();
          await vacuum.reached;
        }
        return await world.store.putIfAbsent(key, bytes);
      },
    };
    const restored = await openTable(store, 't', world.environment).restore({ version: 1 });
    expect(restored).toMatchObject({ kind: 'conflict', reason: 'concurrent_vacuum', version: 3 });
    vacuum.goOn();
    await report;
    expect(await idsOf(await other.snapshot())).toEqual([3, 4]);
  });

  it('goes on beside a vacuum that died: at once where told, or after a day', async () => {
    const table = await tableWithOldFile();
    const vacuum = pausing('delete');
    vacuum.table.vacuum().catch(() => undefined);
    await vacuum.reached;
    expect(await table.restore({ version: 1, besideVacuum: true })).toMatchObject({ kind: 'committed' });
    await expect(table.restore({ version: 2 })).rejects.toMatchObject({ code: 'commit_conflict' });
    world.wait(DAY_MS + HOUR_MS);
    expect(await table.restore({ version: 2 })).toMatchObject({ kind: 'committed' });
  });

  it('does not wait where no file comes back', async () => {
    const table = await tableWithOldFile();
    await table.append({ rows: rowsOf(5, 5) });
    const vacuum = pausing('delete');
    const report = vacuum.table.vacuum();
    await vacuum.reached;
    expect(await table.restore({ version: 2 })).toMatchObject({ kind: 'committed', files: 0 });
    vacuum.goOn();
    await report;
  });
});

describe('VACUUM', () => {
  it('stops before others take it for dead', async () => {
    await tableWithOldFile();
    const store: World['store'] = {
      ...world.store,
      async *listFrom(prefix, startAfter) {
        for await (const entry of world.store.listFrom(prefix, startAfter)) {
          if (!prefix.includes('_delta_log')) world.wait(12 * HOUR_MS);
          yield entry;
        }
      },
    };
    const table = openTable(store, 't', world.environment);
    await expect(table.vacuum()).rejects.toMatchObject({ code: 'storage_failed' });
    expect(await table.history(1)).toMatchObject([{ commitInfo: { operationParameters: { status: 'FAILED' } } }]);
  });

  it('that fails after its START has an end too, so that nobody waits for it', async () => {
    const own = await tableWithOldFile();
    let failures = 1;
    const store: World['store'] = {
      ...world.store,
      async *listFrom(prefix, startAfter) {
        if (!prefix.includes('_delta_log') && failures-- === 0) throw new Error('the store is gone');
        yield* world.store.listFrom(prefix, startAfter);
      },
    };
    await expect(openTable(store, 't', world.environment).vacuum()).rejects.toThrow('the store is gone');
    expect(await own.restore({ version: 1 })).toMatchObject({ kind: 'committed', version: 5 });
    const unsweepable: World['store'] = {
      ...world.store,
      discardUnfinished: () => Promise.reject(new Error('not mine')),
    };
    world.wait(8 * DAY_MS);
    await expect(openTable(unsweepable, 't', world.environment).vacuum()).rejects.toThrow('not mine');
    expect(await own.history(1)).toMatchObject([{ commitInfo: { operationParameters: { status: 'FAILED' } } }]);
  });
});
