import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createTable, type DeltaTable } from '../../../src/storage/table.ts';
import { decimalOf, field, structOf } from '../../../src/storage/types/delta-type.ts';

const environment = { clock: manualClock(1_800_000_000_000_000) };
const SCHEMA = structOf([
  field('id', 'long'),
  field('part', 'string'),
  field('amount', decimalOf(10, 2)),
  field('name', 'string'),
]);

let store: ObjectStore;
let made = 0;
beforeEach(() => {
  store = memoryObjectStore();
});
afterEach(() => {
  made = 0;
});

async function tableOf(configuration: Readonly<Record<string, string>>, partitioned: boolean): Promise<DeltaTable> {
  made += 1;
  const table = await createTable(
    store,
    { path: `t${made}`, schema: SCHEMA, configuration, partitionColumns: partitioned ? ['part'] : [] },
    environment,
  );
  await table.append({ rows: rowsOf(1, 4) });
  await table.append({ rows: rowsOf(5, 8) });
  return table;
}

function rowsOf(from: number, through: number): Record<string, unknown>[] {
  return Array.from({ length: through - from + 1 }, (_, at) => {
    const id = from + at;
    return { id, part: id % 2 === 0 ? 'even' : null, amount: `${id}.50`, name: `n${id}` };
  });
}

async function idsAndNames(table: DeltaTable): Promise<string[]> {
  const rows: string[] = [];
  for await (const { id, part, amount, name } of readRows(await table.snapshot()))
    rows.push(`${id} ${part} ${amount} ${name}`);
  return rows.sort((left, right) => Number.parseInt(left, 10) - Number.parseInt(right, 10));
}

const VECTORS = { 'delta.enableDeletionVectors': 'true' };

describe.each([
  ['copy-on-write', {}, false],
  ['copy-on-write, partitioned', {}, true],
  ['deletion vectors', VECTORS, false],
  ['deletion vectors, partitioned', VECTORS, true],
] as const)('changing rows by %s', (_, configuration, partitioned) => {
  it('deletes by a condition, and again', async () => {
    const table = await tableOf(configuration, partitioned);
    expect(await table.delete({ where: 'id = 2 OR amount > 7' })).toMatchObject({ kind: 'committed', rows: 3 });
    expect(await idsAndNames(table)).toEqual([
      '1 null 1.50 n1',
      '3 null 3.50 n3',
      '4 even 4.50 n4',
      '5 null 5.50 n5',
      '6 even 6.50 n6',
    ]);
    expect(await table.delete({ where: 'id = 3' })).toMatchObject({ kind: 'committed', rows: 1 });
    expect(await table.delete({ where: 'id = 3' })).toMatchObject({ kind: 'nothing' });
    expect(await table.delete({ where: "part = 'even'" })).toMatchObject({ kind: 'committed', rows: 2 });
    expect(await idsAndNames(table)).toEqual(['1 null 1.50 n1', '5 null 5.50 n5']);
    expect(await table.delete({})).toMatchObject({ kind: 'committed' });
    expect(await idsAndNames(table)).toEqual([]);
  });

  it('updates by a condition', async () => {
    const table = await tableOf(configuration, partitioned);
    const outcome = await table.update({
      where: 'id >= 4 AND part IS NULL',
      set: { name: "concat(name, '!')", amount: 'amount + 1', part: "'odd'" },
    });
    expect(outcome).toMatchObject({ kind: 'committed', rows: 2 });
    expect(await idsAndNames(table)).toEqual([
      '1 null 1.50 n1',
      '2 even 2.50 n2',
      '3 null 3.50 n3',
      '4 even 4.50 n4',
      '5 odd 6.50 n5!',
      '6 even 6.50 n6',
      '7 odd 8.50 n7!',
      '8 even 8.50 n8',
    ]);
  });

  it('merges: updates, deletes, inserts, and what the source lacks', async () => {
    const table = await tableOf(configuration, partitioned);
    const outcome = await table.merge({
      source: {
        rows: [
          { id: 2, part: 'even', amount: '20.00', name: 'two' },
          { id: 3, part: 'x', amount: '0', name: 'gone' },
          { id: 9, part: 'y', amount: '9', name: 'nine' },
          { id: 10, part: 'y', amount: '-1', name: 'no' },
        ],
      },
      on: 'target.id = source.id',
      whenMatched: [{ condition: 'source.amount = 0', action: 'delete' }, { action: 'update' }],
      whenNotMatched: [{ condition: 'source.amount > 0' }],
      whenNotMatchedBySource: [{ condition: 'target.id > 6', action: { set: { name: "'old'" } } }],
    });
    expect(outcome).toMatchObject({ kind: 'committed', rows: 5 });
    expect(await idsAndNames(table)).toEqual([
      '1 null 1.50 n1',
      '2 even 20.00 two',
      '4 even 4.50 n4',
      '5 null 5.50 n5',
      '6 even 6.50 n6',
      '7 null 7.50 old',
      '8 even 8.50 old',
      '9 y 9.00 nine',
    ]);
  });

  it('refuses a merge in which one row belongs to two of the source', async () => {
    const table = await tableOf(configuration, partitioned);
    const rows = [1, 1].map((id) => ({ id, part: null, amount: '1', name: 'x' }));
    const merge = { source: { rows }, on: 'target.id = source.id', whenMatched: [{ action: 'update' as const }] };
    await expect(table.merge(merge)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await idsAndNames(table)).toHaveLength(8);
  });

  it('overwrites all rows, those of a condition, and partitions', async () => {
    const table = await tableOf(configuration, partitioned);
    const rows = [{ id: 6, part: 'even', amount: '6', name: 'six' }];
    expect(await table.write({ source: { rows }, mode: 'overwrite', replaceWhere: 'id > 4' })).toMatchObject({
      kind: 'committed',
    });
    expect(await idsAndNames(table)).toEqual([
      '1 null 1.50 n1',
      '2 even 2.50 n2',
      '3 null 3.50 n3',
      '4 even 4.50 n4',
      '6 even 6.00 six',
    ]);
    const outside = table.write({
      source: { rows: [{ ...rows[0], id: 1 }] },
      mode: 'overwrite',
      replaceWhere: 'id > 4',
    });
    await expect(outside).rejects.toMatchObject({ code: 'constraint_violated' });
    if (partitioned) {
      await table.write({ source: { rows }, mode: 'overwrite-partitions' });
      expect(await idsAndNames(table)).toEqual(['1 null 1.50 n1', '3 null 3.50 n3', '6 even 6.00 six']);
    }
    await table.write({ source: { rows }, mode: 'overwrite' });
    expect(await idsAndNames(table)).toEqual(['6 even 6.00 six']);
  });
});
