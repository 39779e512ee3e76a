import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { bindPredicate, evaluate, parseExpression } from '../../../src/storage/expression/expressions.ts';
import { encodeActions } from '../../../src/storage/log/action-json.ts';
import { checkpointStatistics } from '../../../src/storage/log/checkpoint-schema.ts';
import { commitKey } from '../../../src/storage/log/log-names.ts';
import { tableLog } from '../../../src/storage/log/table-log.ts';
import { openDuckDb } from '../../../src/storage/parquet/duckdb.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { localObjectStore } from '../../../src/storage/store/local-object-store.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createTable, type DeltaTable, openTable } from '../../../src/storage/table.ts';
import { isoText, parseInstant } from '../../../src/storage/types/calendar.ts';
import type { CellRow, Row } from '../../../src/storage/types/cell.ts';
import {
  arrayOf,
  type DeltaType,
  field,
  mapOf,
  type StructField,
  structOf,
} from '../../../src/storage/types/delta-type.ts';
import { parsePartitionValue, serializePartitionValue } from '../../../src/storage/types/partition-values.ts';
import { boundCell } from '../../../src/storage/types/statistics.ts';

// What stands at the edge of a rule: other names, other letters, the ends of the calendar, nulls where none may be.

const environment = { clock: manualClock(1_800_000_000_000_000) };
const root = mkdtempSync(join(tmpdir(), 'sentinela-edges-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let store: ObjectStore;
beforeEach(() => {
  store = memoryObjectStore();
});

function tableOf(
  fields: readonly StructField[],
  more: { readonly partitionColumns?: readonly string[]; readonly configuration?: Record<string, string> } = {},
): Promise<DeltaTable> {
  return createTable(store, { path: 't', schema: structOf(fields), ...more }, environment);
}

async function rowsOf(table: DeltaTable): Promise<CellRow[]> {
  const rows: CellRow[] = [];
  for await (const row of readRows(await table.snapshot())) rows.push(row);
  return rows;
}

describe('physical names that a table without column mapping has left', () => {
  it('are passed over, of partitions too', async () => {
    const table = await tableOf([field('id', 'integer'), field('p', 'string')], { partitionColumns: ['p'] });
    await table.append({ rows: [{ id: 1, p: 'x' }] });
    const { metadata } = await table.snapshot();
    const schema = JSON.parse(metadata.schemaString);
    for (const item of schema.fields) item.metadata = { 'delta.columnMapping.physicalName': `col-${item.name}` };
    const changed = { ...metadata, schemaString: JSON.stringify(schema) };
    await store.put(commitKey('t', 2), encodeActions([{ commitInfo: {} }, { metaData: changed }]));
    const again = openTable(store, 't', environment);
    await again.append({ rows: [{ id: 2, p: 'y' }] });
    expect(await rowsOf(again)).toEqual([
      { id: 1, p: 'x' },
      { id: 2, p: 'y' },
    ]);
  });
});

describe('partition values of rows', () => {
  const parted = (item: StructField) => tableOf([field('id', 'integer'), item], { partitionColumns: ['p'] });

  it('may be NaN, in runs as others are', async () => {
    const table = await parted(field('p', 'double'));
    await table.append({ rows: [Number.NaN, Number.NaN, 0, -0].map((p, id) => ({ id, p })) });
    expect((await rowsOf(table)).map(({ p }) => p)).toEqual([Number.NaN, Number.NaN, 0, 0]);
    expect((await table.snapshot()).files).toHaveLength(2);
  });

  it.each<[DeltaType, unknown]>([
    ['integer', 1.5],
    ['integer', 2 ** 31],
    ['byte', 300],
    ['short', -40_000],
    ['long', 2n ** 63n],
    ['boolean', 'yes'],
    ['date', '2026-01-01'],
    ['date', Number.NaN],
    ['timestamp', 'now'],
    ['string', 5],
    [{ type: 'decimal', precision: 4, scale: 2 }, '123.45'],
    [{ type: 'decimal', precision: 4, scale: 2 }, 'x'],
  ])('that are no %j are refused, as those of other columns: %s', async (type, p) => {
    const table = await parted(field('p', type));
    await expect(table.append({ rows: [{ id: 1, p }] })).rejects.toMatchObject({ code: 'invalid_request' });
    await table.append({ rows: [{ id: 2, p: null }] });
    expect(await rowsOf(table)).toEqual([{ id: 2, p: null }]);
  });

  it('that are nothing are refused where the column takes no nulls, and an empty text is nothing', async () => {
    const table = await parted({ ...field('p', 'string'), nullable: false });
    for (const p of [null, undefined, ''])
      await expect(table.append({ rows: [{ id: 1, p }] })).rejects.toMatchObject({ code: 'invalid_request' });
    await table.append({ rows: [{ id: 1, p: 'x' }] });
    expect(await rowsOf(table)).toEqual([{ id: 1, p: 'x' }]);
  });

  it('that are empty texts are null, whichever way rows are written', async () => {
    const table = await parted(field('p', 'string'));
    await table.append({ rows: [1, 2, 3].map((id) => ({ id, p: '' })) });
    await table.delete({ where: 'id = 1' });
    await table.update({ where: 'id = 2', set: { id: '4' } });
    expect((await rowsOf(table)).sort((a, b) => Number(a.id) - Number(b.id))).toEqual([
      { id: 3, p: null },
      { id: 4, p: null },
    ]);
  });
});

describe('a merge', () => {
  it.each<[DeltaType, unknown, unknown]>([
    [{ type: 'decimal', precision: 10, scale: 2 }, '5.25', '6.00'],
    [{ type: 'decimal', precision: 38, scale: 38 }, `0.${'1'.repeat(38)}`, `-0.${'1'.repeat(38)}`],
    [{ type: 'decimal', precision: 10, scale: 0 }, '5', '6'],
    ['long', 5n, 6n],
    ['short', 5, 6],
    ['date', 5, 6],
    ['timestamp', 1_234_567n, 2_234_567n],
    ['timestamp_ntz', -1n, 1n],
    ['string', 'é', 'x'],
  ])('by a key of the type %j finds its row, in a file or a partition', async (type, hit, miss) => {
    for (const partitionColumns of [[], ['k']]) {
      store = memoryObjectStore();
      const table = await tableOf([field('k', type), field('v', 'string')], { partitionColumns });
      await table.append({ rows: [hit, miss].map((k) => ({ k, v: 'old' })) });
      await table.merge({
        source: { rows: [{ k: hit, v: 'new' }] },
        on: 'target.k = source.k',
        whenMatched: [{ action: 'update' }],
        whenNotMatched: [{}],
      });
      const found: unknown[] = (await rowsOf(table)).map(({ k, v }) => [k, v]);
      expect(found).toHaveLength(2);
      expect(found).toEqual(
        expect.arrayContaining([
          [hit, 'new'],
          [miss, 'old'],
        ]),
      );
    }
  });
});

describe('a condition on floats', () => {
  it.each([
    'x > 5D',
    'x >= 1D',
    'NOT (x <= 5D)',
    'x <> 1D',
    'NOT (x = 1D)',
    '5D < x',
    'x NOT IN (1D, 2D)',
    'NOT (x BETWEEN -5D AND 9D)',
    'x < 1D',
  ])('finds NaN where it is greater than every number, in whichever file: %s', async (where) => {
    const table = await tableOf([field('id', 'integer'), field('x', 'double')]);
    const values = [Number.NaN, 1, null, -2, 1];
    for (const rows of [values.map((x, id) => ({ id, x })), [Number.NaN, 1].map((x, at) => ({ id: 5 + at, x }))])
      await table.append({ rows });
    const snapshot = await table.snapshot();
    const condition = bindPredicate(parseExpression(where), snapshot.schema);
    const found: unknown[] = [];
    for await (const { id } of readRows(snapshot, { where: condition })) found.push(id);
    const all = await rowsOf(table);
    expect(found.sort()).toEqual(
      all
        .filter((row) => evaluate(condition, row) === true)
        .map(({ id }) => id)
        .sort(),
    );
  });
});

describe('texts and columns of any name', () => {
  it('are Unicode in files and in their bounds: half of a surrogate pair is none', async () => {
    const table = await tableOf([field('id', 'integer'), field('x', 'string')]);
    await table.append({
      rows: [
        { id: 1, x: 'a\ud800' },
        { id: 2, x: 'a\ue000' },
      ],
    });
    const [file] = (await table.snapshot()).files;
    expect(file?.statistics()).toMatchObject({ minValues: { x: 'a\ue000' }, maxValues: { x: 'a\ufffd' } });
    expect((await rowsOf(table)).map(({ x }) => x)).toEqual(['a\ufffd', 'a\ue000']);
  });

  it('are null where a row lacks them, also where every object has something of the name', async () => {
    for (const configuration of [{}, { 'delta.constraints.c': 'id > 0' }]) {
      store = memoryObjectStore();
      const table = await tableOf([field('id', 'integer'), field('constructor', 'string')], { configuration });
      await table.append({ rows: [{ id: 1 }, { id: 2, constructor: 'x' } as Row] });
      expect((await rowsOf(table)).map((row) => Object.entries(row))).toEqual([
        [
          ['id', 1],
          ['constructor', null],
        ],
        [
          ['id', 2],
          ['constructor', 'x'],
        ],
      ]);
    }
  });
});

describe('partitions', () => {
  it.each([
    ['date', 2_932_897, '+10000-01-01'],
    ['date', -719_529, '-0001-12-31'],
    ['date', 0, '1970-01-01'],
    ['timestamp', 253_402_300_800_000_001n, '+10000-01-01T00:00:00.000001Z'],
    ['timestamp_ntz', -1n, '1969-12-31 23:59:59.999999'],
  ] as const)('by %s hold %s as %s', (type, value, text) => {
    expect(serializePartitionValue(type, value)).toBe(text);
    expect(parsePartitionValue(type, text, 'p')).toBe(value);
  });

  it('of days beyond the year 9999 and before 0 are read, and changed', async () => {
    const table = await tableOf([field('id', 'integer'), field('p', 'date')], { partitionColumns: ['p'] });
    const days = [2_932_897, -719_529, 0];
    await table.append({ rows: days.map((p, id) => ({ id, p })) });
    expect(await rowsOf(table)).toEqual(days.map((p, id) => ({ id, p })));
    await table.update({ set: { id: 'id + 10' } });
    expect((await rowsOf(table)).sort((a, b) => Number(a.id) - Number(b.id))).toEqual(
      days.map((p, id) => ({ id: id + 10, p })),
    );
  });

  it('refuse days that there are not, and do not repeat the value', () => {
    expect(() => parsePartitionValue('date', '2024-02-30', 'p')).toThrow(/partition value of the column p/);
    expect(() => parsePartitionValue('integer', '529.982.247-25', 'p')).toThrow(/^(?!.*529)/);
    expect(parsePartitionValue('date', '2024-02-29 00:00:00', 'p')).toBe(19_782);
    expect(parsePartitionValue('timestamp', '2024-02-29 00:00:00.123456789', 'p')).toBe(1_709_164_800_123_456n);
    const last = 2n ** 63n - 1n;
    expect(parseInstant(isoText(last))?.micros).toBe(last);
  });

  it('that are gone are not asked of what their column is now', async () => {
    const table = await tableOf([field('id', 'integer'), field('p', 'string')], { partitionColumns: ['p'] });
    await table.append({ rows: [{ id: 1, p: 'not a number' }] });
    await table.delete({});
    const { metadata } = await table.snapshot();
    const schemaString = metadata.schemaString.replace('"name":"p","type":"string"', '"name":"p","type":"integer"');
    await store.put(
      commitKey('t', 3),
      encodeActions([{ commitInfo: {} }, { metaData: { ...metadata, schemaString } }]),
    );
    const again = openTable(store, 't', environment);
    await again.append({ rows: [{ id: 2, p: 7 }] });
    expect(await again.delete({ where: 'p = 7' })).toMatchObject({ kind: 'committed' });
  });

  it('have their values in the columns of a checkpoint, under column mapping too', async () => {
    const table = await tableOf([field('id', 'integer'), field('p', 'string')], {
      partitionColumns: ['p'],
      configuration: { 'delta.columnMapping.mode': 'name', 'delta.checkpoint.writeStatsAsStruct': 'TRUE' },
    });
    const { state, schema } = await table.snapshot();
    const physical = schema.fields.map(({ metadata }) => metadata['delta.columnMapping.physicalName']);
    const { partitions, asStruct } = checkpointStatistics(state);
    expect(partitions?.fields.map(({ name }) => name)).toEqual([physical[1]]);
    expect(asStruct?.fields.map(({ name }) => name)).toEqual([physical[0]]);
  });
});

describe('nulls where a type allows none', () => {
  it.each([
    ['a value of a map', field('m', mapOf('string', 'integer', false)), [['a', null]], 'm.value'],
    ['an element of a list', field('m', arrayOf('integer', false)), [null], 'm.element'],
    ['a member of a struct', field('m', structOf([field('a', 'integer', { nullable: false })])), {}, 'm.a'],
  ])('are refused by the name of the place: %s', async (_, column, value, place) => {
    const table = await tableOf([field('id', 'integer'), column]);
    await expect(table.append({ rows: [{ id: 1, m: value }] })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(place),
    });
    await table.append({ rows: [{ id: 1, m: null }] });
    expect(await rowsOf(table)).toEqual([{ id: 1, m: null }]);
  });
});

describe('a file that rows come from', () => {
  it('is read as it is now, though another of its name was read before', async () => {
    const path = join(root, 'rows.parquet');
    const db = await openDuckDb({ memoryLimitMb: 128, threads: 1 });
    store = localObjectStore(mkdtempSync(join(root, 'x-')));
    const table = await tableOf([field('id', 'long'), field('name', 'string')]);
    for (const sql of ['SELECT 1::BIGINT AS id', "SELECT 2::BIGINT AS id, 'b' AS name"]) {
      await db.run(`COPY (${sql}) TO '${path}' (FORMAT parquet)`);
      await table.write({ source: { parquet: [path] }, mode: 'append' });
    }
    db.close();
    expect(await rowsOf(table)).toEqual([
      { id: 1n, name: null },
      { id: 2n, name: 'b' },
    ]);
  });
});

describe('bounds', () => {
  it('that are not of the type are unknown', () => {
    expect(boundCell('integer', 1.5)).toBeUndefined();
    expect(boundCell('long', 1.5)).toBeUndefined();
    expect(boundCell('double', 1.5)).toBe(1.5);
    expect(boundCell('date', '2024-02-30')).toBeUndefined();
    expect(boundCell('timestamp', '2024-02-29')).toBeUndefined();
    expect(boundCell('timestamp', '2024-02-29T01:00:00.000+01:00')).toBe(1_709_164_800_000_000n);
  });
});

describe('a merge by long keys', () => {
  it('takes keys that are longer than an expression may be', async () => {
    const table = await tableOf([field('key', 'string'), field('n', 'integer')]);
    const key = 'k'.repeat(70_000);
    await table.append({ rows: [{ key, n: 1 }] });
    await table.merge({
      source: { rows: [{ key, n: 2 }] },
      on: 'target.key = source.key',
      whenMatched: [{ action: 'update' }],
    });
    expect(await rowsOf(table)).toEqual([{ key, n: 2 }]);
  });
});

describe('a condition', () => {
  const some = (count: number, word: string): string =>
    Array.from({ length: count }, (_, at) => `n + ${word === 'AND' ? at : -at} > 1`).join(` ${word} `);

  it.each([
    ['a chain of sums', 'AND', `${some(1000, 'AND')} AND 1 / (n - 1) > 0`],
    [
      'chains within chains',
      'AND',
      `${some(190, 'AND')} AND (${some(190, 'OR')} OR (${some(190, 'AND')} AND 1 / (n - 1) > 0))`,
    ],
    ['a choice of sums', 'OR', `n - 1 < 1 OR 1 / (n - 1) > 0 OR ${some(1000, 'OR')}`],
  ])('may be as long as a text, and ends at what decides it: %s', async (_, word, where) => {
    const table = await tableOf([field('n', 'integer')]);
    await table.append({ rows: [{ n: 1 }, { n: 2 }] });
    await table.delete({ where });
    expect(await rowsOf(table)).toEqual(word === 'AND' ? [{ n: 1 }] : []);
  });
});

describe('a log that many ask at once', () => {
  it('is read for all who wait, and shows each what was committed before he asked', async () => {
    const table = await tableOf([field('id', 'integer')]);
    let reads = 0;
    const slow: ObjectStore = {
      ...store,
      async get(key, range) {
        if (key.endsWith('.json')) reads += 1;
        await new Promise((resolve) => setImmediate(resolve));
        return await store.get(key, range);
      },
    };
    const log = tableLog(slow, 't');
    await log.newest();
    reads = 0;
    const asked: { readonly committed: number; readonly seen: Promise<number> }[] = [];
    for (let commit = 1; commit <= 5; commit += 1) {
      await table.append({ rows: [{ id: commit }] });
      for (let reader = 0; reader < 20; reader += 1) {
        asked.push({ committed: commit, seen: log.newest().then(({ version }) => version) });
        await Promise.resolve();
      }
    }
    for (const { committed, seen } of asked) expect(await seen).toBeGreaterThanOrEqual(committed);
    expect(reads).toBeLessThan(40);
  });
});

describe('a local disk', () => {
  it('is rid of what crashed writers left by VACUUM, after the retention', async () => {
    const folder = mkdtempSync(join(root, 'x-'));
    store = localObjectStore(folder);
    const table = await tableOf([field('id', 'integer')]);
    const nowMs = environment.clock.nowMicros() / 1000;
    const leftovers = ['t/.writing-a', 't/_delta_log/.writing-b', 't/part=x/.writing-c'].map((name) =>
      join(folder, name),
    );
    mkdirSync(join(folder, 't/part=x'));
    for (const [at, path] of leftovers.entries()) {
      writeFileSync(path, 'half');
      const days = at === 2 ? 6 : 8;
      utimesSync(path, nowMs / 1000 - days * 86_400, nowMs / 1000 - days * 86_400);
    }
    await table.vacuum({ dryRun: true });
    expect(leftovers.map((path) => existsSync(path))).toEqual([true, true, true]);
    await table.vacuum();
    expect(leftovers.map((path) => existsSync(path))).toEqual([false, false, true]);
    // What may still be being written stays, however short the retention is.
    writeFileSync(leftovers[0] as string, 'half');
    utimesSync(leftovers[0] as string, nowMs / 1000 - 3600, nowMs / 1000 - 3600);
    await table.vacuum({ retentionMs: 0, allowShortRetention: true });
    expect(leftovers.map((path) => existsSync(path))).toEqual([true, false, false]);
  });

  it("forgets Hadoop's sum of a file that it writes over", async () => {
    const folder = mkdtempSync(join(root, 'x-'));
    store = localObjectStore(folder);
    writeFileSync(join(folder, '._last_checkpoint.crc'), 'of another');
    await store.put('_last_checkpoint', Buffer.from('{}'));
    expect(readdirSync(folder)).toEqual(['_last_checkpoint']);
  });
});
