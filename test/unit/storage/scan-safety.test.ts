import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { inlineDescriptor } from '../../../src/storage/deletion-vectors/deletion-vector.ts';
import { RowSet } from '../../../src/storage/deletion-vectors/row-set.ts';
import { commitKey } from '../../../src/storage/log/log-names.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { localObjectStore } from '../../../src/storage/store/local-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createTable, type DeltaTable } from '../../../src/storage/table.ts';
import type { CellRow } from '../../../src/storage/types/cell.ts';
import { field, structOf } from '../../../src/storage/types/delta-type.ts';

let folder: string;
let store: ObjectStore;
let table: DeltaTable;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sentinela-scan-'));
  store = localObjectStore(folder);
  const schema = structOf([field('id', 'long'), field('name', 'string')]);
  const configuration = { 'delta.enableDeletionVectors': 'true' };
  table = await createTable(store, { path: 't', schema, configuration }, { clock: manualClock(1_800_000_000_000_000) });
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const rowsOf = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => ({ id: from + at, name: `name ${Math.sin(from + at)}` }));

async function read(): Promise<CellRow[]> {
  const rows: CellRow[] = [];
  for await (const row of readRows(await table.snapshot())) rows.push(row);
  return rows;
}

/** Adds the file of the newest commit again, by a log that says other things of it. */
async function rewriteAdd(change: (add: Record<string, unknown>) => Record<string, unknown>): Promise<void> {
  const { version, files } = await table.snapshot();
  const [file] = files;
  if (file === undefined) throw new Error('no file');
  const { path, size, deletionVector } = file.add;
  const remove = { path, dataChange: true, deletionTimestamp: 0, deletionVector };
  const add = change({ ...file.add, size });
  const lines = [{ remove }, { add }].map((action) => JSON.stringify(action)).join('\n');
  await store.put(commitKey('t', version + 1), new TextEncoder().encode(lines));
}

/** A vector of a few bytes that holds a range of rows: a run a chunk. */
const rangeVector = (rows: number) => inlineDescriptor(RowSet.from(Array.from({ length: rows }, (_, at) => at)));

describe('a deletion vector', () => {
  it('that names a row which the file has not is refused before it is expanded, by the file', async () => {
    await table.append({ rows: rowsOf(0, 10) });
    await rewriteAdd((add) => ({ ...add, deletionVector: inlineDescriptor(RowSet.from([3, 10])) }));
    await expect(read()).rejects.toMatchObject({
      code: 'table_corrupt',
      message: expect.stringMatching(/row 10.* 10;/),
    });
  });

  it('of a file without statistics is held against its footer', async () => {
    await table.append({ rows: rowsOf(0, 10) });
    await rewriteAdd(({ stats: _, ...add }) => ({ ...add, deletionVector: inlineDescriptor(RowSet.from([10])) }));
    await expect(read()).rejects.toMatchObject({ code: 'table_corrupt' });
    await rewriteAdd(({ stats: _, ...add }) => ({ ...add, deletionVector: inlineDescriptor(RowSet.from([9])) }));
    expect(await read()).toHaveLength(9);
  });

  it('of many rows is held against the footer, whatever the statistics say', async () => {
    await table.append({ rows: rowsOf(0, 10) });
    const stats = JSON.stringify({ numRecords: 2 ** 40 });
    await rewriteAdd((add) => ({ ...add, stats, deletionVector: rangeVector(1_000_001) }));
    await expect(read()).rejects.toMatchObject({ code: 'table_corrupt', message: expect.stringContaining('has 10') });
  });
});

describe('a file that cannot be read', () => {
  const dataFiles = (): string[] => readdirSync(join(folder, 't')).filter((name) => name.endsWith('.parquet'));

  it.each([
    ['as its checksum tells', true],
    ['in the middle of a scan, where the log has no checksum of it', false],
  ])('is named where it is damaged, %s', async (_, hasChecksum) => {
    await table.append({ rows: rowsOf(0, 5000) });
    const before = new Set(dataFiles());
    await table.append({ rows: rowsOf(5000, 5000) });
    const [name = ''] = dataFiles().filter((candidate) => !before.has(candidate));
    const path = join(folder, 't', name);
    const bytes = readFileSync(path);
    bytes.fill(0xa5, 40, bytes.length - 600);
    writeFileSync(path, bytes);
    if (!hasChecksum) {
      const commit = join(folder, 't/_delta_log/00000000000000000002.json');
      const text = readFileSync(commit, 'utf8');
      writeFileSync(commit, text.replace(/"sentinela\.crc32":"[0-9a-f]{8}"/, ''));
    }
    await expect(read()).rejects.toMatchObject({ code: 'table_corrupt', context: { key: `t/${name}` } });
  });

  it('is named where it is gone, or no Parquet', async () => {
    await table.append({ rows: rowsOf(0, 10) });
    const [name = ''] = dataFiles();
    writeFileSync(join(folder, 't', name), 'not Parquet');
    await expect(read()).rejects.toMatchObject({ code: 'table_corrupt', message: expect.stringContaining(name) });
    rmSync(join(folder, 't', name));
    await expect(read()).rejects.toMatchObject({ code: 'table_corrupt', message: expect.stringContaining(name) });
  });
});
