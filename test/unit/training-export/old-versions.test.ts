import { describe, expect, it } from 'vitest';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { createExport } from '../../../src/training-export/create-export.ts';
import type { ExportOptions } from '../../../src/training-export/export-options.ts';
import { SOURCE_TABLES } from '../../../src/training-export/source-snapshots.ts';
import { verifyExport } from '../../../src/training-export/verify-export.ts';
import { plainSet, rowOf } from '../features/streams.ts';
import { type SilverWorld, silverWorld } from './silver-world.ts';

const DAY = 86_400_000_000;
const START = 20_000 * DAY;
const set = compileFeatureSet(plainSet(16));
const OPTIONS: ExportOptions = { set, labelsAsOfMicros: START + 40 * DAY, horizonMicros: 10 * DAY };
const idOf = (number: number): string => `E${String(number).padStart(31, '0')}`;

/** Five commits of silver, labels and a restart among them. */
async function build(): Promise<SilverWorld> {
  const world = await silverWorld(set);
  for (let number = 0; number < 50; number += 1) {
    const t = START + number * 1_000_000_000;
    world.pay(rowOf(idOf(number), t, 100 + number, number % 3, 1 + (number % 2)), t, 'APPROVE');
    if (number % 7 === 6) world.label(idOf(number - 3), 'AGREED', t, t);
    if (number === 25) world.restart();
    if (number % 10 === 9) await world.commit();
  }
  return world;
}

describe('an export of a table that was', () => {
  it('optimized has the same bytes', async () => {
    const world = await build();
    const [before, after] = [memoryObjectStore(), memoryObjectStore()];
    const ports = { tables: world.tables };
    const first = await createExport(OPTIONS, { ...ports, files: before });
    for (const name of SOURCE_TABLES) {
      const figures = await world.tables.table(name).optimize();
      expect(figures.filesRemoved).toBeGreaterThan(1);
    }
    const second = await createExport(OPTIONS, { ...ports, files: after });
    expect(second.tables['silver/transactions']).toBe(first.tables['silver/transactions'] + 1);
    expect(await after.get('all.parquet')).toEqual(await before.get('all.parquet'));
    const { tables: _, command: __, ...facts } = second;
    expect(first).toMatchObject(facts);
    // And at the version before, all bytes of it.
    const pinned = memoryObjectStore();
    await createExport({ ...OPTIONS, versions: first.tables }, { ...ports, files: pinned });
    expect(await pinned.get('manifest.json')).toEqual(await before.get('manifest.json'));
    expect(await verifyExport({ ...ports, files: before })).toMatchObject({ ok: true });
  });

  it('vacuumed says which version is gone, and which is whole', async () => {
    const world = await build();
    const files = memoryObjectStore();
    const ports = { tables: world.tables, files };
    const { tables } = await createExport(OPTIONS, ports);
    const decisions = world.tables.table('silver/decisions');
    await decisions.optimize();
    world.clock.advanceTo(30 * DAY);
    await decisions.vacuum({ retentionMs: 0, allowShortRetention: true });
    await expect(verifyExport(ports)).rejects.toMatchObject({
      code: 'version_not_found',
      message: `silver.decisions@${tables['silver/decisions']} is gone: VACUUM took 5 of its 5 files; the first version after it that is whole is silver.decisions@6`,
    });
    // What is whole can be exported, and is what it was.
    const again = await createExport(OPTIONS, { ...ports, files: memoryObjectStore() });
    // The vacuum made two versions of its own.
    expect(again.tables['silver/decisions']).toBe(8);
    // A file that is lost in the newest version is another matter.
    const [file] = (await decisions.snapshot()).files;
    await decisions.store.delete(file?.key ?? '');
    await expect(createExport(OPTIONS, { ...ports, files: memoryObjectStore() })).rejects.toMatchObject({
      code: 'table_corrupt',
    });
  });
});
