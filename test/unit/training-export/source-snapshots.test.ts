import { expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { createTable, type DeltaTable } from '../../../src/storage/table.ts';
import { field } from '../../../src/storage/types/delta-type.ts';
import { SOURCE_TABLES, type SourceTable, sourceSnapshots } from '../../../src/training-export/source-snapshots.ts';

it('payments whose decisions are still on their way are left for the next export', async () => {
  const store = memoryObjectStore();
  const tables = new Map<SourceTable, DeltaTable>();
  for (const path of SOURCE_TABLES) {
    const schema = { type: 'struct', fields: [field('n', 'long')] } as const;
    tables.set(path, await createTable(store, { path, schema }, { clock: manualClock(0) }));
  }
  const table = (name: SourceTable): DeltaTable => tables.get(name) as DeltaTable;
  const commit = async (name: SourceTable, version: number): Promise<void> => {
    const txn = { appId: `journal/${name.slice('silver/'.length)}`, version };
    await table(name).append({ rows: [{ n: version }], txn });
  };
  const versionsNow = async (): Promise<number[]> => {
    const snapshots = await sourceSnapshots({ table }, {});
    return SOURCE_TABLES.map((name) => snapshots[name].version);
  };
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
