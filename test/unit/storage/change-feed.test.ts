import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { stringifyExactJson } from '../../../src/base/exact-json.ts';
import { commitKey } from '../../../src/storage/log/log-names.ts';
import type { Snapshot } from '../../../src/storage/scan/snapshot.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { createTable, type DeltaTable } from '../../../src/storage/table.ts';
import type { CellRow } from '../../../src/storage/types/cell.ts';
import { field, structOf } from '../../../src/storage/types/delta-type.ts';

/*
 * The naive twin of the feed: a bag of rows, to which changes are applied one by one. The feed of a range
 * makes the version at its end of the one before its start.
 */

const SCHEMA = structOf([field('id', 'long'), field('part', 'string'), field('value', 'integer')]);

async function newTable(vectors: boolean, partitioned: boolean): Promise<DeltaTable> {
  const configuration = {
    'delta.enableChangeDataFeed': 'true',
    ...(vectors ? { 'delta.enableDeletionVectors': 'true' } : {}),
  };
  const definition = { path: 't', schema: SCHEMA, configuration, partitionColumns: partitioned ? ['part'] : [] };
  return createTable(memoryObjectStore(), definition, { clock: manualClock(1_800_000_000_000_000) });
}

const rowsOf = (ids: readonly number[]) => ids.map((id) => ({ id, part: id % 2 === 0 ? 'even' : null, value: id }));
const ids = fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 });

type Step = (table: DeltaTable) => Promise<unknown>;

const step: fc.Arbitrary<Step> = fc.oneof(
  ids.map(
    (some): Step =>
      (table) =>
        table.append({ rows: rowsOf(some) }),
  ),
  ids.map(
    (some): Step =>
      (table) =>
        table.delete({ where: `id IN (${some.join(', ')})` }),
  ),
  fc.constant<Step>((table) => table.delete({ where: "part = 'even'" })),
  ids.map(
    (some): Step =>
      (table) =>
        table.update({ where: `id IN (${some.join(', ')})`, set: { value: 'value + 1' } }),
  ),
  fc.uniqueArray(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 5 }).map(
    (some): Step =>
      (table) =>
        table.merge({
          source: { rows: rowsOf(some).map((row) => ({ ...row, value: row.id * 100 })) },
          on: 'target.id = source.id',
          whenMatched: [{ condition: 'source.id < 3', action: 'delete' }, { action: 'update' }],
          whenNotMatched: [{}],
        }),
  ),
  fc.constant<Step>((table) => table.optimize()),
  ids.map(
    (some): Step =>
      (table) =>
        table.write({ source: { rows: rowsOf(some) }, mode: 'overwrite' }),
  ),
  fc.nat(100).map(
    (percent): Step =>
      async (table) => {
        const { version } = await table.snapshot();
        return table.restore({ version: Math.floor((version * percent) / 101) });
      },
  ),
);

type Bag = Map<string, number>;

async function bagOf(snapshot: Snapshot): Promise<Bag> {
  const bag: Bag = new Map();
  for await (const row of readRows(snapshot)) add(bag, row, 1);
  return bag;
}

function add(bag: Bag, { id, part, value }: CellRow, count: number): void {
  const key = stringifyExactJson([id, part, value]);
  const left = (bag.get(key) ?? 0) + count;
  if (left === 0) bag.delete(key);
  else bag.set(key, left);
}

async function changesOf(table: DeltaTable, range: Parameters<DeltaTable['changes']>[0]): Promise<CellRow[]> {
  const rows: CellRow[] = [];
  for await (const row of (await table.changes(range)).rows()) rows.push(row);
  return rows;
}

const isRemoval = ({ _change_type: type }: CellRow): boolean => type === 'delete' || type === 'update_preimage';

describe.each([
  ['deletion vectors', true, false],
  ['deletion vectors, partitioned', true, true],
  ['copy-on-write', false, false],
  ['copy-on-write, partitioned', false, true],
] as const)('the change feed of a table with %s', (_, vectors, partitioned) => {
  it('makes the last version of the first one', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 9 }), fc.nat(100), async (steps, percent) => {
        const table = await newTable(vectors, partitioned);
        await table.append({ rows: rowsOf([0, 1, 2, 3, 4, 5, 6, 7]) });
        for (const act of steps) await act(table);
        const last = await table.snapshot();
        const first = Math.floor((last.version * percent) / 101);
        const bag = await bagOf(await table.snapshot(first));
        if (first < last.version) {
          const changes = await changesOf(table, { fromVersion: first + 1 });
          expect(changes.map((row) => Number(row._commit_version))).toEqual(
            changes.map((row) => Number(row._commit_version)).sort((a, b) => a - b),
          );
          // Of one commit rows go before rows come: a bag never holds less than none of a row.
          for (let version = first + 1; version <= last.version; version += 1) {
            const own = changes.filter((row) => Number(row._commit_version) === version);
            for (const row of own) if (isRemoval(row)) add(bag, row, -1);
            expect([...bag.values()].every((count) => count > 0)).toBe(true);
            for (const row of own) if (!isRemoval(row)) add(bag, row, 1);
          }
        }
        expect(new Map([...bag].sort())).toEqual(new Map([...(await bagOf(last))].sort()));
      }),
      { numRuns: 10 },
    );
  });
});

describe('the change feed', () => {
  it('tells inserts, deletes, and updates with what was there before, with version and time', async () => {
    const table = await newTable(true, false);
    await table.append({ rows: rowsOf([1, 2, 3]) });
    await table.update({ where: 'id = 1', set: { value: '7' } });
    await table.delete({ where: 'id = 2' });
    await table.restore({ version: 2 });
    const changes = await changesOf(table, { fromVersion: 1 });
    expect(
      changes.map(({ id, value, _change_type, _commit_version }) => [_commit_version, _change_type, id, value]),
    ).toEqual([
      [1n, 'insert', 1n, 1],
      [1n, 'insert', 2n, 2],
      [1n, 'insert', 3n, 3],
      [2n, 'update_preimage', 1n, 1],
      [2n, 'update_postimage', 1n, 7],
      [3n, 'delete', 2n, 2],
      [4n, 'insert', 2n, 2],
    ]);
    const times = (await table.history(10)).map(({ timestampMs }) => BigInt(timestampMs) * 1000n).reverse();
    for (const row of changes) expect(row._commit_timestamp).toBe(times[Number(row._commit_version)]);
  });

  it('takes columns, a limit, and an end', async () => {
    const table = await newTable(true, false);
    await table.append({ rows: rowsOf([1, 2]) });
    await table.append({ rows: rowsOf([3]) });
    const feed = await table.changes({ fromVersion: 0, toVersion: 1 });
    const rows: CellRow[] = [];
    for await (const row of feed.rows({ columns: ['_commit_version', 'id'], limit: 1 })) rows.push(row);
    expect(rows).toEqual([{ _commit_version: 1n, id: 1n }]);
    expect(feed).toMatchObject({ fromVersion: 0, toVersion: 1 });
    // An end after the newest version is the newest one.
    expect(await table.changes({ fromVersion: 0, toVersion: 99 })).toMatchObject({ toVersion: 2 });
  });

  it('is refused where it was off, by the version', async () => {
    const table = await newTable(false, false);
    await table.append({ rows: rowsOf([1]) });
    await table.alter.properties({ set: { 'delta.enableChangeDataFeed': 'false' } });
    await table.append({ rows: rowsOf([2]) });
    await table.alter.properties({ set: { 'delta.enableChangeDataFeed': 'true' } });
    await table.append({ rows: rowsOf([3]) });
    await expect(table.changes({ fromVersion: 1 })).rejects.toMatchObject({
      code: 'table_unsupported',
      context: { version: 2 },
    });
    await expect(table.changes({ fromVersion: 3 })).rejects.toMatchObject({ context: { version: 3 } });
    expect(await changesOf(table, { fromVersion: 4 })).toHaveLength(1);
    expect(await changesOf(table, { fromVersion: 0, toVersion: 1 })).toHaveLength(1);
  });

  it('goes across added columns, and is refused across a change that its schema cannot tell', async () => {
    const table = await newTable(false, false);
    await table.append({ rows: rowsOf([1]) });
    await table.alter.addColumns([field('more', 'string')]);
    await table.append({ rows: [{ id: 2, part: null, value: 2, more: 'x' }] });
    expect((await changesOf(table, { fromVersion: 1 })).map(({ more }) => more)).toEqual([null, 'x']);
    await table.alter.properties({ set: { 'delta.columnMapping.mode': 'name' } });
    expect(await changesOf(table, { fromVersion: 1 })).toHaveLength(2);
    await table.alter.renameColumn(['more'], 'other');
    await expect(table.changes({ fromVersion: 1 })).rejects.toMatchObject({ code: 'table_unsupported' });
    expect(await changesOf(table, { fromVersion: 1, toVersion: 4 })).toHaveLength(2);
    await table.append({ rows: [{ id: 3, part: null, value: 3, other: 'y' }] });
    expect((await changesOf(table, { fromVersion: 5 })).map(({ other }) => other)).toEqual(['y']);
  });

  it('is refused for ranges that there are not, and commits that are gone', async () => {
    const table = await newTable(false, false);
    await table.append({ rows: rowsOf([1]) });
    await table.append({ rows: rowsOf([2]) });
    await table.checkpoint();
    await table.store.delete(commitKey('t', 1));
    await expect(table.changes({ fromVersion: 1 })).rejects.toMatchObject({ code: 'version_not_found' });
    expect(await changesOf(table, { fromVersion: 2 })).toHaveLength(1);
    await expect(table.changes({ fromVersion: 5 })).rejects.toMatchObject({ code: 'version_not_found' });
    await expect(table.changes({ fromVersion: 1, toVersion: 0 })).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(table.changes({})).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(table.changes({ fromVersion: 0, fromTimestampMs: 0 })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  it('starts at the commit of a time or the one after it, and ends at the one before', async () => {
    const table = await newTable(false, false);
    await table.append({ rows: rowsOf([1]) });
    await table.append({ rows: rowsOf([2]) });
    const [newest, middle, oldest] = await table.history(3);
    const at = ({ timestampMs }: { readonly timestampMs: number } = { timestampMs: 0 }) => timestampMs;
    expect(await table.changes({ fromTimestampMs: 0 })).toMatchObject({ fromVersion: 0, toVersion: 2 });
    expect(await table.changes({ fromTimestampMs: at(middle), toTimestampMs: at(middle) })).toMatchObject({
      fromVersion: 1,
      toVersion: 1,
    });
    expect(await table.changes({ fromTimestampMs: at(oldest) + 1 })).toMatchObject({ fromVersion: 1 });
    await expect(table.changes({ fromTimestampMs: at(newest) + 1 })).rejects.toMatchObject({
      code: 'version_not_found',
    });
    await expect(table.changes({ fromVersion: 0, toTimestampMs: at(newest) + 1 })).rejects.toMatchObject({
      code: 'version_not_found',
    });
    expect((await table.snapshotAt(at(middle))).version).toBe(1);
    await expect(table.snapshotAt(0)).rejects.toMatchObject({ code: 'version_not_found' });
    await expect(table.snapshotAt(at(newest) + 1)).rejects.toMatchObject({ code: 'version_not_found' });
  });
});
