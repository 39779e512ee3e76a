import { describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { createTable, type DeltaTable } from '../../../src/storage/table.ts';
import type { CellRow, Row } from '../../../src/storage/types/cell.ts';
import { field, type StructField, structOf } from '../../../src/storage/types/delta-type.ts';

// Files are read with DuckDB's own numbers of files and rows, which columns of the same names would hide.

const WAYS = [
  ['copies', {}],
  ['deletion vectors', { 'delta.enableDeletionVectors': 'true' }],
  ['row tracking', { 'delta.enableRowTracking': 'true', 'delta.enableDeletionVectors': 'true' }],
  ['names of its own', { 'delta.columnMapping.mode': 'name' }],
] as const;

function tableOf(
  fields: readonly StructField[],
  more: { readonly partitionColumns?: readonly string[]; readonly configuration?: Record<string, string> } = {},
): Promise<DeltaTable> {
  const definition = { path: 't', schema: structOf(fields), ...more };
  return createTable(memoryObjectStore(), definition, { clock: manualClock(1_800_000_000_000_000) });
}

async function rowsOf(table: DeltaTable): Promise<CellRow[]> {
  const rows: CellRow[] = [];
  for await (const row of readRows(await table.snapshot())) rows.push(row);
  return rows.sort((a, b) => Number(a.id) - Number(b.id));
}

/** Numbers that are equal where the rows' places are not. */
const HIDING: readonly Row[] = [0, 1, 2].map((id) => ({ id, File_Row_Number: 1, file_index: 1, f: id }));
const FIELDS = ['id', 'File_Row_Number', 'file_index', 'f'].map((name) => field(name, 'integer'));

describe.each(WAYS)('columns that are called as numbers of DuckDB, in a table with %s', (_, configuration) => {
  it('stay with their rows in a DELETE, an UPDATE and a MERGE', async () => {
    const table = await tableOf(FIELDS, { configuration });
    await table.append({ rows: HIDING });
    await table.append({ rows: [{ id: 3, File_Row_Number: 0, file_index: 0, f: 9 }] });
    await table.delete({ where: 'id = 0' });
    await table.update({ set: { f: 'f + 10' }, where: 'id = 2' });
    await table.merge({
      source: { rows: [{ id: 1, File_Row_Number: 7, file_index: 7, f: 7 }] },
      on: 'target.id = source.id',
      whenMatched: [{ action: 'update' }],
    });
    expect(await rowsOf(table)).toEqual([
      { id: 1, File_Row_Number: 7, file_index: 7, f: 7 },
      { id: 2, File_Row_Number: 1, file_index: 1, f: 12 },
      { id: 3, File_Row_Number: 0, file_index: 0, f: 9 },
    ]);
  });

  it('do not take the partitions of other files', async () => {
    const fields = [...FIELDS, field('p', 'string')];
    const table = await tableOf(fields, { configuration, partitionColumns: ['p'] });
    const rows = HIDING.map((row, at) => ({ ...row, p: `p${at}` }));
    await table.append({ rows });
    expect(await rowsOf(table)).toEqual(rows);
  });
});

it('a column may be called as the other name that such a column is given', async () => {
  const table = await tableOf(['id', 'file_index', '#file_index'].map((name) => field(name, 'integer')));
  const rows = [0, 1].map((id) => ({ id, file_index: 1, '#file_index': 2 }));
  await table.append({ rows });
  await table.update({ set: { id: 'id + 1' }, where: 'id = 1' });
  expect(await rowsOf(table)).toEqual([rows[0], { ...rows[1], id: 2 }]);
});
