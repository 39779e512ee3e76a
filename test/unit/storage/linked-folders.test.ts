import { existsSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { localObjectStore } from '../../../src/storage/store/local-object-store.ts';
import type { ObjectEntry, ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createTable, type DeltaTable } from '../../../src/storage/table.ts';
import { field, structOf } from '../../../src/storage/types/delta-type.ts';
import { DAY_MS, idsOf, keysOf } from './maintain-world.ts';

// Partitions may lie on another disk, behind a link: reading follows it, and what lists must as well.

let folder: string;
let store: ObjectStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sentinela-links-'));
  mkdirSync(join(folder, 'lake'));
  store = localObjectStore(join(folder, 'lake'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const inLake = (path: string): string => join(folder, 'lake', path);

function write(path: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, 'x');
}

async function entriesOf(prefix: string): Promise<ObjectEntry[]> {
  const entries: ObjectEntry[] = [];
  for await (const entry of store.listFrom(prefix)) entries.push(entry);
  return entries;
}

describe('a listing of a local folder', () => {
  it('walks links to folders, takes links to files for files, and those that lead nowhere for nothing', async () => {
    write(join(folder, 'other/deep/1'));
    write(inLake('t/b/1'));
    symlinkSync(join(folder, 'other'), inLake('t/a'));
    symlinkSync(join(folder, 'other/deep/1'), inLake('t/c'));
    symlinkSync(join(folder, 'nowhere'), inLake('t/d'));
    symlinkSync('e', inLake('t/e'));
    expect((await entriesOf('t/')).map(({ key, sizeBytes, isBehindLink }) => [key, sizeBytes, isBehindLink])).toEqual([
      ['t/a/deep/1', 1, true],
      ['t/b/1', 1, undefined],
      ['t/c', 1, undefined],
    ]);
    expect(await keysOf(store, 't/a/de')).toEqual(['t/a/deep/1']);
  });

  it('ends where links lead back, straight or through another folder', async () => {
    write(inLake('t/1'));
    write(join(folder, 'other/2'));
    symlinkSync('..', inLake('t/up'));
    symlinkSync(inLake('t'), inLake('t/self'));
    symlinkSync(join(folder, 'other'), inLake('t/other'));
    symlinkSync(inLake('t'), join(folder, 'other/back'));
    expect(await keysOf(store, '')).toEqual(['t/1', 't/other/2']);
  });
});

describe('a table with a partition behind a link', () => {
  /** A table of which the partition `a` lies elsewhere. */
  async function linkedTable(): Promise<DeltaTable> {
    const schema = structOf([field('id', 'long'), field('part', 'string')]);
    const environment = { clock: manualClock((Date.now() + 30 * DAY_MS) * 1000) };
    const table = await createTable(store, { path: 't', schema, partitionColumns: ['part'] }, environment);
    await table.append({ rows: ['a', 'b'].map((part, id) => ({ id, part })) });
    renameSync(inLake('t/part=a'), join(folder, 'moved'));
    symlinkSync(join(folder, 'moved'), inLake('t/part=a'));
    return table;
  }

  it('keeps its rows through a VACUUM, and what else lies there', async () => {
    const table = await linkedTable();
    write(join(folder, 'moved/orphan.parquet'));
    write(inLake('t/orphan.parquet'));
    // The same folder by another name, which the log does not know.
    symlinkSync(join(folder, 'moved'), inLake('t/latest'));
    expect(await table.vacuum()).toMatchObject({ keys: ['t/orphan.parquet'] });
    expect(lstatSync(inLake('t/part=a')).isSymbolicLink()).toBe(true);
    expect(existsSync(join(folder, 'moved/orphan.parquet'))).toBe(true);
    expect(await idsOf(await table.snapshot())).toEqual([0, 1]);
  });

  it('keeps its rows through a check that repairs', async () => {
    const table = await linkedTable();
    expect(await table.check({ repair: true })).toMatchObject({ findings: [] });
    expect(await idsOf(await table.snapshot())).toEqual([0, 1]);
  });

  it('is written on', async () => {
    const table = await linkedTable();
    await table.append({ rows: [{ id: 2, part: 'a' }] });
    await table.update({ set: { id: 'id + 10' }, where: "part = 'a'" });
    await table.vacuum();
    expect(await idsOf(await table.snapshot())).toEqual([1, 10, 12]);
  });
});
