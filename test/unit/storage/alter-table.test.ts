import { beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createTable, type DeltaTable } from '../../../src/storage/table.ts';
import type { Cell, CellRow } from '../../../src/storage/types/cell.ts';
import { arrayOf, field, type StructField, type StructType, structOf } from '../../../src/storage/types/delta-type.ts';

const environment = { clock: manualClock(1_800_000_000_000_000) };
let store: ObjectStore;
beforeEach(() => {
  store = memoryObjectStore();
});

const FIELDS = [
  field('id', 'integer'),
  field('part', 'string'),
  field('s', structOf([field('a', 'integer'), field('b', 'string')])),
];

function tableOf(
  configuration: Readonly<Record<string, string>>,
  fields: readonly StructField[] = FIELDS,
  more: { readonly partitionColumns?: readonly string[]; readonly clusterBy?: readonly string[] } = {},
): Promise<DeltaTable> {
  return createTable(store, { path: 't', schema: structOf(fields), configuration, ...more }, environment);
}

async function rowsOf(table: DeltaTable, version?: number): Promise<CellRow[]> {
  const rows: CellRow[] = [];
  for await (const row of readRows(await table.snapshot(version))) rows.push(row);
  return rows.sort((left, right) => Number(left.key ?? left.id ?? 0) - Number(right.key ?? right.id ?? 0));
}

const NAMES = { 'delta.columnMapping.mode': 'name' };

describe('column mapping', () => {
  it.each([[[]], [['part']]])('keeps rows through renames and drops, partitioned by %j', async (partitionColumns) => {
    const table = await tableOf(NAMES, FIELDS, { partitionColumns });
    await table.append({ rows: [{ id: 1, part: 'x', s: { a: 5, b: 'five' } }] });
    await table.alter.renameColumn(['id'], 'key');
    await table.alter.renameColumn(['s', 'a'], 'first');
    await table.alter.renameColumn(['part'], 'p');
    await table.write({ source: { rows: [{ key: 2, p: 'y', s: { first: 6, b: null } }] }, mode: 'append' });
    await table.append({ rows: [{ key: 3, p: 'x', s: null }] });
    expect(await rowsOf(table)).toEqual([
      { key: 1, p: 'x', s: { first: 5, b: 'five' } },
      { key: 2, p: 'y', s: { first: 6, b: null } },
      { key: 3, p: 'x', s: null },
    ]);
    await table.alter.dropColumn(['s', 'b']);
    await table.alter.addColumns([field('id', 'string')]);
    await table.update({ where: "p = 'x' AND s IS NOT NULL", set: { id: "'new'" } });
    expect(await rowsOf(table)).toEqual([
      { key: 1, p: 'x', s: { first: 5 }, id: 'new' },
      { key: 2, p: 'y', s: { first: 6 }, id: null },
      { key: 3, p: 'x', s: null, id: null },
    ]);
    expect(await rowsOf(table, 1)).toEqual([{ id: 1, part: 'x', s: { a: 5, b: 'five' } }]);
  });

  it('begins on a table with files, and cannot be undone', async () => {
    const table = await tableOf({});
    await table.append({ rows: [{ id: 1, part: 'x', s: null }] });
    await expect(table.alter.renameColumn(['id'], 'key')).rejects.toMatchObject({ code: 'invalid_request' });
    await table.alter.properties({ set: NAMES });
    await table.alter.renameColumn(['id'], 'key');
    await table.append({ rows: [{ key: 2, part: 'y', s: { a: 1, b: 'b' } }] });
    expect((await rowsOf(table)).map(({ key }) => key)).toEqual([1, 2]);
    await expect(table.alter.properties({ set: { 'delta.columnMapping.mode': 'none' } })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });
});

describe('types', () => {
  it('are widened, and old files read by the wider type', async () => {
    const table = await tableOf({ 'delta.enableTypeWidening': 'true' }, [
      field('id', 'integer'),
      field('list', arrayOf(structOf([field('x', 'float')]))),
    ]);
    await table.append({ rows: [{ id: 1, list: [{ x: 0.5 }, null] }] });
    await table.alter.widenColumn(['id'], 'long');
    await table.write({ source: { rows: [{ id: 2n ** 60n, list: null }] }, mode: 'append' });
    expect(await rowsOf(table)).toEqual([
      { id: 1n, list: [{ x: 0.5 }, null] },
      { id: 2n ** 60n, list: null },
    ]);
    await expect(table.alter.widenColumn(['id'], 'integer')).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('of new rows add columns to a table that may evolve', async () => {
    const table = await tableOf({}, [field('id', 'integer')]);
    await table.append({ rows: [{ id: 1 }] });
    const rows = [{ id: 2, more: { x: 1n } }];
    const schema = structOf([field('id', 'integer'), field('more', structOf([field('x', 'long')]))]);
    await expect(table.write({ source: { rows, schema }, mode: 'append' })).rejects.toMatchObject({
      code: 'invalid_request',
    });
    await table.write({ source: { rows, schema }, mode: 'append', mergeSchema: true });
    expect(await rowsOf(table)).toEqual([
      { id: 1, more: null },
      { id: 2, more: { x: 1n } },
    ]);
  });
});

describe('rules of rows', () => {
  const withRules = (): Promise<DeltaTable> =>
    tableOf({ 'delta.constraints.small': 'id < 100', 'delta.feature.allowColumnDefaults': 'supported' }, [
      field('id', 'long', {
        metadata: { 'delta.identity.start': 10, 'delta.identity.step': 5, 'delta.identity.allowExplicitInsert': true },
      }),
      field('amount', 'integer', { nullable: false }),
      field('twice', 'integer', { metadata: { 'delta.generationExpression': 'amount * 2' } }),
      field('note', 'string', { metadata: { CURRENT_DEFAULT: "'none'" } }),
    ]);

  it.each([
    ['append', async (table: DeltaTable, rows: readonly Record<string, Cell>[]) => table.append({ rows })],
    [
      'write',
      async (table: DeltaTable, rows: readonly Record<string, Cell>[]) => {
        const names = new Set(rows.flatMap((row) => Object.keys(row)));
        const { schema } = await table.snapshot();
        const own = structOf(schema.fields.filter(({ name }) => names.has(name)));
        return table.write({ source: { rows, schema: own }, mode: 'append' });
      },
    ],
  ] as const)('are kept by %s', async (_, add) => {
    const table = await withRules();
    await add(table, [{ amount: 1 }, { amount: 2 }]);
    await add(table, [{ amount: 3 }]);
    expect(await rowsOf(table)).toEqual([
      { id: 10n, amount: 1, twice: 2, note: 'none' },
      { id: 15n, amount: 2, twice: 4, note: 'none' },
      { id: 20n, amount: 3, twice: 6, note: 'none' },
    ]);
    await expect(add(table, [{ amount: 1, twice: 3 }])).rejects.toMatchObject({ code: 'constraint_violated' });
    await expect(add(table, [{ id: 100, amount: 1 }])).rejects.toMatchObject({ code: 'constraint_violated' });
    await expect(add(table, [{ amount: null }])).rejects.toThrow();
    expect(await rowsOf(table)).toHaveLength(3);
  });

  it('are kept by update and merge', async () => {
    const table = await withRules();
    await table.append({ rows: [{ amount: 1 }] });
    await table.update({ set: { amount: 'amount + 6' } });
    await table.merge({
      source: { rows: [{ amount: 8 }], schema: structOf([field('amount', 'integer')]) },
      on: 'target.amount = source.amount',
      whenNotMatched: [{}],
    });
    expect(await rowsOf(table)).toEqual([
      { id: 10n, amount: 7, twice: 14, note: 'none' },
      { id: 15n, amount: 8, twice: 16, note: 'none' },
    ]);
    await expect(table.update({ set: { amount: 'NULL' } })).rejects.toMatchObject({ code: 'constraint_violated' });
    await expect(table.update({ set: { id: '1L' } })).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('are added only where every row keeps them', async () => {
    const table = await tableOf({}, [field('id', 'integer')]);
    await table.append({ rows: [{ id: 1 }, { id: null }] });
    await expect(table.alter.addConstraint('some', 'id > 0')).rejects.toMatchObject({ code: 'constraint_violated' });
    await table.alter.addConstraint('some', 'id > 0 OR id IS NULL');
    await expect(table.append({ rows: [{ id: 0 }] })).rejects.toMatchObject({ code: 'constraint_violated' });
    await table.alter.dropConstraint('some');
    await table.append({ rows: [{ id: 0 }] });
  });
});

describe('row tracking', () => {
  it('keeps ids through updates, deletes and OPTIMIZE', async () => {
    const table = await tableOf({ 'delta.enableDeletionVectors': 'true' }, [field('id', 'integer')]);
    await table.append({ rows: [{ id: 1 }, { id: 2 }] });
    await table.alter.properties({ set: { 'delta.enableRowTracking': 'true' } });
    await table.append({ rows: [{ id: 3 }] });
    const { duckdbScan } = await import('../../../src/storage/scan/duckdb-scan.ts');
    const { openDuckDb } = await import('../../../src/storage/parquet/duckdb.ts');
    const ids = async (): Promise<CellRow[]> => {
      const db = await openDuckDb({ memoryLimitMb: 128, threads: 1 });
      const snapshot = await table.snapshot();
      const rows = await db.rows(
        `SELECT * FROM ${await duckdbScan(db, snapshot, { places: ['#row_id', '#row_version'] })} ORDER BY id`,
      );
      db.close();
      return rows;
    };
    expect(await ids()).toEqual([
      { id: 1, '#row_id': 0n, '#row_version': 2n },
      { id: 2, '#row_id': 1n, '#row_version': 2n },
      { id: 3, '#row_id': 2n, '#row_version': 3n },
    ]);
    await table.update({ where: 'id = 2', set: { id: '20' } });
    await table.optimize();
    expect(await ids()).toEqual([
      { id: 1, '#row_id': 0n, '#row_version': 2n },
      { id: 3, '#row_id': 2n, '#row_version': 3n },
      { id: 20, '#row_id': 1n, '#row_version': 4n },
    ]);
    expect((await table.snapshot()).fileCount).toBe(1);
  });
});

describe('OPTIMIZE', () => {
  it('orders rows by two columns so that files have narrow bounds', async () => {
    const table = await tableOf({}, [field('x', 'long'), field('y', 'long')]);
    const rows = Array.from({ length: 245_760 }, (_, at) => ({
      x: (at * 7919) % 245_760,
      y: (at * 104_729) % 245_760,
    }));
    await table.write({ source: { rows }, mode: 'append' });
    await table.optimize({ zOrderBy: ['x', 'y'], fileBytes: 100_000 });
    const snapshot = await table.snapshot();
    const { parseExpression, bindPredicate } = await import('../../../src/storage/expression/expressions.ts');
    const { judgeFiles } = await import('../../../src/storage/scan/prune-snapshot.ts');
    const found = (text: string): number =>
      judgeFiles(snapshot, bindPredicate(parseExpression(text), snapshot.schema)).length;
    expect([snapshot.rowCount, snapshot.fileCount]).toEqual([245_760, 4]);
    expect(found('x = 77')).toBeLessThanOrEqual(2);
    expect(found('y = 77')).toBeLessThanOrEqual(2);
    // What is ordered already is left as it is.
    expect(await table.optimize({ zOrderBy: ['x', 'y'], fileBytes: 100_000 })).toMatchObject({ commits: 0 });
  });

  it('clusters a clustered table by its columns', async () => {
    const table = await tableOf({}, [field('x', 'long'), field('y', 'long')], { clusterBy: ['x'] });
    await table.append({
      rows: [
        { x: 2, y: 1 },
        { x: 1, y: 2 },
      ],
    });
    await table.append({ rows: [{ x: 0, y: 3 }] });
    expect(await table.optimize()).toMatchObject({ commits: 1, filesRemoved: 2, filesAdded: 1 });
    expect((await table.snapshot()).files[0]?.add.clusteringProvider).toBe('liquid');
    expect(await table.optimize()).toMatchObject({ commits: 0 });
  });
});

describe('statistics', () => {
  it.each(['append', 'write'] as const)(
    'by %s keep as many characters, and columns, as the table says',
    async (how) => {
      const table = await tableOf(
        { 'delta.dataSkippingStringPrefixLength': '3', 'delta.dataSkippingStatsColumns': 'name', ...NAMES },
        [field('id', 'integer'), field('name', 'string')],
      );
      const rows = [{ id: 1, name: 'abcdef' }];
      await (how === 'append' ? table.append({ rows }) : table.write({ source: { rows }, mode: 'append' }));
      const snapshot = await table.snapshot();
      const physical = snapshot.schema.fields[1]?.metadata['delta.columnMapping.physicalName'];
      expect(snapshot.files[0]?.statistics()).toEqual({
        numRecords: 1,
        minValues: { [String(physical)]: 'abc' },
        maxValues: { [String(physical)]: 'abc\u007f' },
        nullCount: { [String(physical)]: 0 },
      });
    },
  );
});

describe('rows of other types', () => {
  it('are refused, or cast where nothing can be lost', async () => {
    const table = await tableOf({}, [field('id', 'long'), field('name', 'string')]);
    const write = (schema: StructType, rows: readonly Record<string, unknown>[]) =>
      table.write({ source: { rows, schema }, mode: 'append' });
    await expect(write(structOf([field('id', 'string')]), [{ id: 'a' }])).rejects.toMatchObject({
      code: 'invalid_request',
    });
    await write(structOf([field('ID', 'integer')]), [{ ID: 7 }]);
    expect(await rowsOf(table)).toEqual([{ id: 7n, name: null }]);
  });
});
