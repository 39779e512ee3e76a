import { beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { createTable, type DeltaTable } from '../../../src/storage/table.ts';
import type { CellRow } from '../../../src/storage/types/cell.ts';
import { field, structOf } from '../../../src/storage/types/delta-type.ts';

// DuckDB writes the partitions of a query to folders of its own, whose names end at 255 bytes.

const CITY = 'São José dos Campos – região metropolitana';
const PLACE = { a: CITY, b: 'Instituição de pagamento Água Boa', c: 'Comércio de alimentos e bebidas' };
const ROWS = [
  { id: 1, ...PLACE },
  { id: 2, ...PLACE },
  { id: 3, ...PLACE, c: null },
  { id: 4, a: 'x'.repeat(5000), b: '"[]"', c: '#' },
  { id: 5, a: 'x'.repeat(4999), b: null, c: "'%3D'/" },
  { id: 6, a: 'é'.repeat(24), b: null, c: null },
  { id: 7, a: 'short', b: null, c: `#${'0'.repeat(32)}` },
];

let table: DeltaTable;
beforeEach(async () => {
  const schema = structOf([field('id', 'long'), ...['a', 'b', 'c'].map((name) => field(name, 'string'))]);
  const definition = { path: 't', schema, partitionColumns: ['a', 'b', 'c'] };
  table = await createTable(memoryObjectStore(), definition, { clock: manualClock(1_800_000_000_000_000) });
});

async function rowsOf(): Promise<CellRow[]> {
  const rows: CellRow[] = [];
  for await (const row of readRows(await table.snapshot())) rows.push(row);
  return rows.sort((left, right) => Number(left.id) - Number(right.id));
}

const WRITTEN = ROWS.map((row) => ({ ...row, id: BigInt(row.id) }));

describe('partition values that are long together', () => {
  it('are written', async () => {
    await table.write({ mode: 'append', source: { rows: ROWS } });
    expect((await table.snapshot()).files).toHaveLength(6);
    expect(await rowsOf()).toEqual(WRITTEN);
  });

  it('are changed, merged and compacted', async () => {
    await table.append({ rows: ROWS });
    await table.update({ set: { id: 'id + 10' } });
    await table.merge({
      source: { rows: ROWS.map(({ id }) => ({ ...PLACE, id: id + 10 })) },
      on: 'target.id = source.id',
      whenMatched: [{ action: { set: { id: 'target.id + 10' } } }],
    });
    await table.delete({ where: 'id = 21' });
    await table.append({ rows: [{ ...PLACE, id: 30 }] });
    await table.optimize();
    const wanted = WRITTEN.slice(1).map((row) => ({ ...row, id: row.id + 20n }));
    expect(await rowsOf()).toEqual([...wanted, { ...PLACE, id: 30n }]);
    expect((await table.snapshot()).files).toHaveLength(6);
  });
});
