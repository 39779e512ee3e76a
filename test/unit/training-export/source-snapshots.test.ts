import { beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { createTable, type DeltaTable, openTable } from '../../../src/storage/table.ts';
import { field } from '../../../src/storage/types/delta-type.ts';
import {
  CORRECTIONS,
  isCorrectionOf,
  type PinnedTable,
  SOURCE_TABLES,
  sourceSnapshots,
} from '../../../src/training-export/source-snapshots.ts';

const environment = { clock: manualClock(0) };
let store: ReturnType<typeof memoryObjectStore>;
let tables: Map<PinnedTable, DeltaTable>;

beforeEach(async () => {
  store = memoryObjectStore();
  tables = new Map();
  for (const path of SOURCE_TABLES) await make(path);
});

async function make(path: PinnedTable): Promise<void> {
  const schema = { type: 'struct', fields: [field('n', 'long')] } as const;
  tables.set(path, await createTable(store, { path, schema }, environment));
}

const table = (name: PinnedTable): DeltaTable => tables.get(name) ?? openTable(store, name, environment);

async function commit(name: PinnedTable, version: number): Promise<void> {
  const txn = { appId: `journal/${name.slice('silver/'.length)}`, version };
  await table(name).append({ rows: [{ n: version }], txn });
}

async function versionsNow(): Promise<number[]> {
  const snapshots = await sourceSnapshots({ table }, {});
  return SOURCE_TABLES.map((name) => snapshots[name].version);
}

describe('the tables that an export reads', () => {
  it('are payments whose decisions are there: others are left for the next export', async () => {
    for (const name of SOURCE_TABLES) await commit(name, 10);
    expect(await versionsNow()).toEqual([1, 1, 1, 1]);
    await commit('silver/epochs', 20);
    await commit('silver/transactions', 20);
    expect(await versionsNow()).toEqual([1, 1, 1, 2]);
    await commit('silver/decisions', 20);
    expect(await versionsNow()).toEqual([1, 2, 1, 2]);
    await commit('silver/labels', 20);
    expect(await versionsNow()).toEqual([2, 2, 2, 2]);
    const pinned = await sourceSnapshots({ table }, { 'silver/transactions': 2, 'silver/decisions': 1 });
    expect(pinned['silver/transactions'].version).toBe(2);
    expect(pinned['silver/decisions'].version).toBe(1);
  });

  it('of a lake without corrections are the others', async () => {
    for (const name of SOURCE_TABLES) await commit(name, 10);
    expect(await sourceSnapshots({ table }, {})).toMatchObject({ [CORRECTIONS]: null });
    await expect(sourceSnapshots({ table }, { [CORRECTIONS]: 1 })).rejects.toMatchObject({ code: 'table_not_found' });
    // The next program makes the table; until its job names the journal there, no correction is on its way.
    await make(CORRECTIONS);
    expect(await versionsNow()).toEqual([1, 1, 1, 1]);
  });

  it('are payments whose corrections are there, and corrections of older payments are none of theirs', async () => {
    await make(CORRECTIONS);
    for (const name of [...SOURCE_TABLES, CORRECTIONS] as const) await commit(name, 10);
    for (const name of SOURCE_TABLES) await commit(name, 20);
    // The job is between the payments and their corrections.
    expect(await versionsNow()).toEqual(SOURCE_TABLES.map((name) => (name === 'silver/transactions' ? 1 : 2)));
    await commit(CORRECTIONS, 20);
    expect(await versionsNow()).toEqual([2, 2, 2, 2]);
    const now = isCorrectionOf(await sourceSnapshots({ table }, {}));
    expect([10, 11, 20, 21].map((position) => now('journal', position))).toEqual([true, true, true, false]);
    const earlier = isCorrectionOf(await sourceSnapshots({ table }, { 'silver/transactions': 1 }));
    expect([10, 11, 20, 21].map((position) => earlier('journal', position))).toEqual([true, false, false, false]);
    // A journal that the payments do not name began after them.
    expect([now('another', 1), earlier('another', 1)]).toEqual([false, false]);
  });
});
