import { beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createTable, type DeltaTable } from '../../../src/storage/table.ts';
import { field, type StructField, structOf } from '../../../src/storage/types/delta-type.ts';

const environment = { clock: manualClock(1_800_000_000_000_000) };
let store: ObjectStore;
beforeEach(() => {
  store = memoryObjectStore();
});

function tableOf(
  fields: readonly StructField[],
  configuration: Readonly<Record<string, string>> = {},
  partitionColumns: readonly string[] = [],
): Promise<DeltaTable> {
  return createTable(store, { path: 't', schema: structOf(fields), configuration, partitionColumns }, environment);
}

async function textsOf(table: DeltaTable): Promise<string[]> {
  const texts: string[] = [];
  for await (const row of readRows(await table.snapshot())) texts.push(Object.values(row).join(' '));
  return texts.sort();
}

const ID = field('id', 'long');
const PART = field('part', 'string');
const NUMBERED = field('n', 'long', {
  nullable: false,
  metadata: { 'delta.identity.start': 1, 'delta.identity.step': 1, 'delta.identity.allowExplicitInsert': false },
});
const CHANGES = { 'delta.enableChangeDataFeed': 'true' };

describe('a change of an application', () => {
  it.each([
    ['delete', (table: DeltaTable) => table.delete({ where: 'id = 1', txn: { appId: 'a', version: 1 } })],
    ['update', (table: DeltaTable) => table.update({ set: { id: 'id + 1L' }, txn: { appId: 'a', version: 1 } })],
    [
      'merge',
      (table: DeltaTable) =>
        table.merge({
          source: { rows: [{ id: 9 }] },
          on: 'target.id = source.id + 100L',
          whenNotMatched: [{}],
          txn: { appId: 'a', version: 1 },
        }),
    ],
    [
      'write',
      (table: DeltaTable) =>
        table.write({ source: { rows: [{ id: 9 }] }, mode: 'append', txn: { appId: 'a', version: 1 } }),
    ],
  ])('is made once by %s', async (_, change) => {
    const table = await tableOf([ID]);
    await table.append({ rows: [{ id: 1 }, { id: 1 }, { id: 2 }] });
    expect(await change(table)).toMatchObject({ kind: 'committed' });
    const once = await textsOf(table);
    expect(await change(table)).toMatchObject({ kind: 'already_committed' });
    expect(await textsOf(table)).toEqual(once);
  });
});

describe('identity columns', () => {
  it('number the rows of every clause of a merge, and tell the change feed the same', async () => {
    const table = await tableOf([NUMBERED, ID], CHANGES);
    await table.append({ rows: [{ id: 1 }] });
    const { version } = await table.snapshot();
    await table.merge({
      source: { rows: Array.from({ length: 40 }, (_, at) => ({ id: at + 2 })), schema: structOf([ID]) },
      on: 'target.id = source.id',
      whenNotMatched: [
        { condition: 'source.id % 2L = 0L', values: { id: 'source.id' } },
        { values: { id: 'source.id' } },
      ],
    });
    const numbers: unknown[] = [];
    for await (const { n } of readRows(await table.snapshot())) numbers.push(n);
    expect(new Set(numbers).size).toBe(41);
    const told: string[] = [];
    for await (const { n, id } of (await table.changes({ fromVersion: version + 1 })).rows()) told.push(`${n} ${id}`);
    expect([...told, '1 1'].sort()).toEqual(await textsOf(table));
    await table.append({ rows: [{ id: 99 }] });
    expect(await textsOf(table)).toContain('42 99');
  });
});

describe('replacing partitions', () => {
  it.each(['name', 'none'])('takes them out of a table with column mapping %s, the one of null too', async (mode) => {
    const table = await tableOf([ID, PART], { 'delta.columnMapping.mode': mode }, ['part']);
    await table.append({
      rows: [
        { id: 1, part: 'a' },
        { id: 2, part: null },
        { id: 3, part: 'b' },
      ],
    });
    await table.replacePartitions({ rows: [{ id: 4, part: null }], partitions: [{ part: null }] });
    expect(await textsOf(table)).toEqual(['1 a', '3 b', '4 ']);
    await table.replacePartitions({ rows: [], partitions: [{ part: 'a' }] });
    expect(await textsOf(table)).toEqual(['3 b', '4 ']);
    await expect(table.replacePartitions({ rows: [], partitions: [{ id: '3' }] })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  it('takes out files whose partition values another writer put in another order', async () => {
    const table = await tableOf([ID, PART, field('q', 'string')], {}, ['part', 'q']);
    await table.append({ rows: [{ id: 1, part: 'a', q: 'x' }] });
    const key = 't/_delta_log/00000000000000000001.json';
    const text = Buffer.from((await store.get(key)) ?? []).toString();
    const others = text.replace('"part":"a","q":"x"', '"q":"x","part":"a"').replace(/,"sentinelaCrc32":"\w+"/, '');
    await store.put(key, Buffer.from(others));
    const { openTable } = await import('../../../src/storage/table.ts');
    const again = openTable(store, 't', environment);
    await again.write({ source: { rows: [{ id: 2, part: 'a', q: 'x' }] }, mode: 'overwrite-partitions' });
    expect(await textsOf(again)).toEqual(['2 a x']);
  });
});

describe('replaceWhere of a table with a change feed', () => {
  it('tells the rows that went and those that came', async () => {
    const table = await tableOf([ID], CHANGES);
    await table.append({ rows: [{ id: 1 }, { id: 2 }, { id: 3 }] });
    const { version } = await table.snapshot();
    await table.write({ source: { rows: [{ id: 7 }] }, mode: 'overwrite', replaceWhere: 'id >= 2' });
    expect(await textsOf(table)).toEqual(['1', '7']);
    const told: string[] = [];
    for await (const row of (await table.changes({ fromVersion: version + 1 })).rows())
      told.push(`${row._change_type} ${row.id}`);
    expect(told.sort()).toEqual(['delete 2', 'delete 3', 'insert 7']);
  });
});

describe('the definition of a table', () => {
  it('gets the features that new columns of a write need', async () => {
    const table = await tableOf([ID]);
    const schema = structOf([ID, field('at', 'timestamp_ntz')]);
    await table.write({ source: { rows: [{ id: 1, at: 5n }], schema }, mode: 'append', mergeSchema: true });
    expect((await table.snapshot()).protocol.readerFeatures).toContain('timestampNtz');
  });

  it('takes no constraint as a property, which no row was held to', async () => {
    const table = await tableOf([ID]);
    await table.append({ rows: [{ id: -1 }] });
    const set = { 'delta.constraints.positive': 'id > 0' };
    await expect(table.alter.properties({ set })).rejects.toMatchObject({ code: 'invalid_request' });
  });
});

describe('a broken rule', () => {
  it('of a merge is told by its own name, whichever clause broke it', async () => {
    const table = await tableOf([ID, field('v', 'integer', { nullable: false })], {
      'delta.constraints.small': 'id < 100',
    });
    await table.append({ rows: [{ id: 1, v: 1 }] });
    const merge = (id: string, v: string): Promise<unknown> =>
      table.merge({
        source: {
          rows: [
            { id: 1, v: 1 },
            { id: 2, v: 2 },
          ],
        },
        on: 'target.id = source.id',
        whenMatched: [{ action: { set: { v: '5' } } }],
        whenNotMatched: [{ values: { id, v } }],
      });
    await expect(merge('200L', '1')).rejects.toThrow(/the constraint small of t/);
    await expect(merge('2L', 'NULL')).rejects.toThrow(/the NOT NULL of the column v of t/);
  });
});
