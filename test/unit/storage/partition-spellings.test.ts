import { beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { commitKey } from '../../../src/storage/log/log-names.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createTable, type DeltaTable, openTable } from '../../../src/storage/table.ts';
import type { Cell } from '../../../src/storage/types/cell.ts';
import { type DeltaType, decimalOf, field, structOf } from '../../../src/storage/types/delta-type.ts';
import { partitionValueKey } from '../../../src/storage/types/partition-values.ts';

// Engines write one partition value in several ways: what is replaced goes by the value.

const environment = { clock: manualClock(1_800_000_000_000_000) };
let store: ObjectStore;
beforeEach(() => {
  store = memoryObjectStore();
});

/** A commit of a row as one of another engine, which writes the partition in its own way. */
async function commitAs(from: number, to: number, text: string): Promise<void> {
  const commit = Buffer.from((await store.get(commitKey('t', from))) ?? []).toString();
  const partition = JSON.stringify({ partitionValues: { p: text } }).slice(1, -1);
  const others = commit
    .replace(/"partitionValues":\{"p":(null|"[^"]*")\}/, partition)
    .replace(/,"sentinelaCrc32":"\w+"/, '')
    .replace('"isBlindAppend":true', '"isBlindAppend":false')
    .replace(/"path":"[^"]*"/, (path) => (from === to ? path : path.replace('part-', 'more-')));
  await store.put(commitKey('t', to), Buffer.from(others));
}

/** A table with one row, `id` 1, whose partition is written as a text. */
async function tableOf(type: DeltaType, p: Cell, text: string): Promise<DeltaTable> {
  const schema = structOf([field('id', 'integer'), field('p', type)]);
  const table = await createTable(store, { path: 't', schema, partitionColumns: ['p'] }, environment);
  await table.append({ rows: [{ id: 1, p }] });
  await commitAs(1, 1, text);
  return openTable(store, 't', environment);
}

async function idsOf(table: DeltaTable): Promise<unknown[]> {
  const ids: unknown[] = [];
  for await (const { id } of readRows(await table.snapshot())) ids.push(id);
  return ids.sort();
}

const SPELLINGS = [
  ['double', 1, '1.0', '1'],
  ['double', 1e21, '1E21', '1e+21'],
  ['float', 0.5, '0.50', '0.5'],
  ['decimal', '1.5', '1.5', '1.50'],
  ['long', 7n, '+7', '7'],
  ['date', 18_628, '2021-01-01 00:00:00', '2021-01-01'],
  ['timestamp', 1_609_459_200_000_000n, '2021-01-01 00:00:00.000000', '2021-01-01T00:00:00.000000Z'],
  ['timestamp', 1_609_459_200_000_000n, '2021-01-01T01:00:00+01:00', '2021-01-01T00:00:00.000000Z'],
  ['timestamp_ntz', 1_609_459_200_000_000n, '2021-01-01T00:00:00', '2021-01-01 00:00:00.000000'],
] as const;

describe.each(SPELLINGS)('a partition of %s %s that is written as %s', (name, value, text, ours) => {
  const type = name === 'decimal' ? decimalOf(10, 2) : name;

  it('is replaced by an overwrite of its value', async () => {
    const table = await tableOf(type, value, text);
    await table.write({ mode: 'overwrite-partitions', source: { rows: [{ id: 2, p: value }] } });
    expect(await idsOf(table)).toEqual([2]);
    const [file] = (await table.snapshot()).files;
    expect(file?.partitionValues).toEqual({ p: ours });
  });

  it('is replaced by our text of it', async () => {
    const table = await tableOf(type, value, text);
    await table.replacePartitions({ rows: [{ id: 2, p: value }], partitions: [{ p: ours }] });
    expect(await idsOf(table)).toEqual([2]);
  });

  it('conflicts with a replacement of it that did not see it', async () => {
    const table = await tableOf(type, value, ours);
    const basedOn = await table.snapshot();
    await commitAs(1, 2, text);
    const replacing = { rows: [{ id: 2, p: value }], partitions: [{ p: ours }], basedOn };
    expect(await table.replacePartitions(replacing)).toMatchObject({ kind: 'conflict' });
  });
});

describe('the key of a partition value', () => {
  it('is one of texts of one value, and of no others', () => {
    expect(partitionValueKey('float', '0.10000000149011612')).toBe(partitionValueKey('float', '0.1'));
    expect(partitionValueKey('double', '0.10000000149011612')).not.toBe(partitionValueKey('double', '0.1'));
    expect(partitionValueKey('double', '-0.0')).toBe(partitionValueKey('double', '0'));
    expect(partitionValueKey('double', 'NaN')).toBe('NaN');
    expect(partitionValueKey('long', '9007199254740993')).not.toBe(partitionValueKey('long', '9007199254740992'));
    expect(partitionValueKey('string', 'null')).not.toBe(partitionValueKey('string', null));
    expect(partitionValueKey('string', '')).toBe(null);
    expect(partitionValueKey('string', '1.0')).not.toBe(partitionValueKey('string', '1'));
  });

  it('is its text where that is none of its type', () => {
    expect(partitionValueKey('integer', 'one')).toBe(partitionValueKey('integer', 'one'));
    expect(partitionValueKey('integer', 'one')).not.toBe(partitionValueKey('integer', 'two'));
  });
});

it('a partition of empty texts, which are written as null, is replaced by either', async () => {
  const table = await tableOf('string', '', '');
  await table.replacePartitions({ rows: [{ id: 2, p: '' }], partitions: [{ p: '' }] });
  expect(await idsOf(table)).toEqual([2]);
  await table.replacePartitions({ rows: [{ id: 3, p: '' }], partitions: [{ p: '' }] });
  expect(await idsOf(table)).toEqual([3]);
  await table.write({ mode: 'overwrite-partitions', source: { rows: [{ id: 4, p: '' }] } });
  expect(await idsOf(table)).toEqual([4]);
});
