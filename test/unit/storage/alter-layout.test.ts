import { beforeEach, describe, expect, it } from 'vitest';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import type { DeltaTable } from '../../../src/storage/table.ts';
import { field, type StructField, structOf } from '../../../src/storage/types/delta-type.ts';
import { foreignCommit, makeTable, openWorld, type World } from './maintain-world.ts';

// What a change of columns or properties does to how files are laid out.

const NAMES = { 'delta.columnMapping.mode': 'name' };
const NESTED = [field('id', 'integer'), field('s', structOf([field('a', 'integer'), field('b', 'integer')]))];
let world: World;
beforeEach(() => {
  world = openWorld('memory');
});

function tableOf(
  fields: readonly StructField[],
  configuration: Record<string, string> = {},
  partitionColumns: readonly string[] = [],
): Promise<DeltaTable> {
  return makeTable(world, 't', { schema: structOf(fields), configuration, partitionColumns });
}

describe('columns', () => {
  it('are never all dropped, of a table or of a struct', async () => {
    const table = await tableOf([field('part', 'string'), field('s', structOf([field('a', 'integer')]))], NAMES, [
      'part',
    ]);
    const refused = { code: 'invalid_request' };
    await expect(table.alter.dropColumn(['s', 'a'])).rejects.toMatchObject(refused);
    await expect(table.alter.dropColumn(['s'])).rejects.toMatchObject(refused);
    await expect(table.alter.addColumns([field('x', 'long'), field('X', 'long')])).rejects.toMatchObject(refused);
    expect((await table.snapshot()).version).toBe(0);
  });
});

describe('a clustering column within a struct', () => {
  async function clusteredByOther(): Promise<DeltaTable> {
    const table = await tableOf(NESTED, NAMES);
    const { schema, protocol } = await table.snapshot();
    const [, s] = schema.fields;
    const inner = typeof s?.type === 'object' && s.type.type === 'struct' ? s.type.fields[0] : undefined;
    const names = [s, inner].map((item) => item?.metadata['delta.columnMapping.physicalName']);
    const configuration = JSON.stringify({ clusteringColumns: [names], domainName: 'delta.clustering' });
    await foreignCommit(world, table, [
      {
        protocol: {
          ...protocol,
          minReaderVersion: 2,
          minWriterVersion: 7,
          writerFeatures: ['columnMapping', 'clustering', 'domainMetadata'],
        },
      },
      { domainMetadata: { domain: 'delta.clustering', configuration, removed: false } },
    ]);
    return table;
  }

  it('is described, is not dropped, and orders rows', async () => {
    const table = await clusteredByOther();
    expect((await table.describe()).clusteringColumns).toEqual(['s.a']);
    await expect(table.alter.dropColumn(['s', 'a'])).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(table.alter.dropColumn(['s'])).rejects.toMatchObject({ code: 'invalid_request' });
    for (const a of [3, 1, 2]) await table.append({ rows: [{ id: a, s: { a, b: 0 } }] });
    expect(await table.optimize()).toMatchObject({ filesRemoved: 3, filesAdded: 1 });
    const ids: unknown[] = [];
    for await (const { id } of readRows(await table.snapshot())) ids.push(id);
    expect(ids).toEqual([1, 2, 3]);
    await table.alter.dropColumn(['s', 'b']);
  });
});

describe('a property', () => {
  it('is true in any letters', async () => {
    const table = await tableOf(NESTED);
    await table.append({ rows: [{ id: 1, s: null }] });
    await table.alter.properties({ set: { 'delta.enableRowTracking': 'TRUE' } });
    expect((await table.snapshot()).files[0]?.add).toMatchObject({ baseRowId: 0 });
  });
});

describe('OPTIMIZE', () => {
  it('takes files for one partition whatever the order of its columns', async () => {
    const fields = [field('id', 'integer'), field('p', 'string'), field('q', 'string')];
    const table = await tableOf(fields, {}, ['p', 'q']);
    await table.append({ rows: [{ id: 1, p: 'x', q: 'y' }] });
    await table.append({ rows: [{ id: 2, p: 'x', q: 'y' }] });
    const [first] = (await table.snapshot()).files;
    if (first === undefined) throw new Error('no file');
    await foreignCommit(world, table, [{ add: { ...first.add, partitionValues: { q: 'y', p: 'x' } } }]);
    expect(await table.optimize()).toMatchObject({ filesRemoved: 2, filesAdded: 1 });
  });
});
