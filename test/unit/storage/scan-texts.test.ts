import { describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { readColumns } from '../../../src/storage/scan/column-read.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { createTable, openTable } from '../../../src/storage/table.ts';
import type { CellRow } from '../../../src/storage/types/cell.ts';
import { arrayOf, field, mapOf, structOf } from '../../../src/storage/types/delta-type.ts';

const MARK = '\u{feff}';
const environment = { clock: manualClock(1_800_000_000_000_000) };
const SCHEMA = structOf([
  field('short', 'string'),
  field('long', 'string'),
  field('part', 'string'),
  field('list', arrayOf('string')),
  field('map', mapOf('string', 'string')),
  field('struct', structOf([field('inner', 'string')])),
]);
const ROW = {
  short: `${MARK}a`,
  long: `${MARK}${'long text '.repeat(3)}`,
  part: `${MARK}p`,
  list: [MARK, `${MARK}${MARK}b`],
  map: [[`${MARK}k`, `${MARK}v`]],
  struct: { inner: `${MARK}i` },
};

describe('a text that starts with U+FEFF', () => {
  it('keeps it: in rows, columns, partitions, nested values and a checkpoint', async () => {
    const store = memoryObjectStore();
    const table = await createTable(store, { path: 't', schema: SCHEMA, partitionColumns: ['part'] }, environment);
    await table.append({ rows: [ROW] });
    await table.checkpoint();
    for (const key of ['t/_delta_log/00000000000000000001.json']) await store.delete(key);
    const snapshot = await openTable(store, 't', environment).snapshot();
    const rows: CellRow[] = [];
    for await (const row of readRows(snapshot)) rows.push(row);
    expect(rows).toEqual([ROW]);
    const { columns } = await readColumns(snapshot, { columns: ['short', 'long', 'part'] });
    expect(columns.map((column) => column.kind === 'string' && column.values[0])).toEqual([
      ROW.short,
      ROW.long,
      ROW.part,
    ]);
  });
});
