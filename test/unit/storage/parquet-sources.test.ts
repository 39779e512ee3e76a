import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { encodeActions } from '../../../src/storage/log/action-json.ts';
import { commitKey } from '../../../src/storage/log/log-names.ts';
import { type DuckDb, openDuckDb } from '../../../src/storage/parquet/duckdb.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { localObjectStore } from '../../../src/storage/store/local-object-store.ts';
import { createTable, type DeltaTable } from '../../../src/storage/table.ts';
import type { Cell, CellRow } from '../../../src/storage/types/cell.ts';
import { arrayOf, type DeltaType, field, mapOf, structOf } from '../../../src/storage/types/delta-type.ts';
import { stageRows } from '../../../src/storage/write/row-source.ts';

// Parquet files of others hold values in types that Delta has not: tables take the values, not the types.

const root = mkdtempSync(join(tmpdir(), 'sentinela-sources-'));
let db: DuckDb;
beforeAll(async () => {
  db = await openDuckDb({ memoryLimitMb: 256, threads: 1 });
});
afterAll(() => {
  db.close();
  rmSync(root, { recursive: true });
});

async function tableOf(name: string, type: DeltaType): Promise<DeltaTable> {
  const schema = structOf([field('id', 'integer'), field('x', type)]);
  return createTable(localObjectStore(root), { path: name, schema }, { clock: manualClock(1_800_000_000_000_000) });
}

async function fileOf(name: string, value: string): Promise<string> {
  const path = join(root, `${name}.parquet`);
  await db.run(`COPY (SELECT 1::INTEGER AS id, ${value} AS x) TO '${path}' (FORMAT parquet)`);
  return path;
}

async function rowsOf(table: DeltaTable): Promise<CellRow[]> {
  const rows: CellRow[] = [];
  for await (const row of readRows(await table.snapshot())) rows.push(row);
  return rows;
}

/** What the leaves of the newest file are: Parquet's type, and DuckDB's by its annotation. */
async function leavesOf(table: DeltaTable): Promise<string[]> {
  const [file] = (await table.snapshot()).files;
  const rows = await db.rows(
    `SELECT type, duckdb_type FROM parquet_schema('${join(root, file?.key ?? '')}')
     WHERE num_children IS NULL AND name <> 'id' ORDER BY column_id`,
  );
  return rows.map(({ type, duckdb_type: read }) => `${String(type)} ${String(read)}`);
}

const UUID = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
const NANOS = "'2023-11-14 22:13:20.123456789'::TIMESTAMP_NS";
const MICROS = 1_700_000_000_123_456n;

const SOURCES: readonly (readonly [string, DeltaType, string, Cell, readonly string[]])[] = [
  ['UTINYINT', 'short', '200::UTINYINT', 200, ['INT32 SMALLINT']],
  ['USMALLINT', 'integer', '60000::USMALLINT', 60_000, ['INT32 INTEGER']],
  ['UINTEGER', 'long', '4000000000::UINTEGER', 4_000_000_000n, ['INT64 BIGINT']],
  ['UUID', 'string', `'${UUID}'::UUID`, UUID, ['BYTE_ARRAY VARCHAR']],
  ['JSON', 'string', `'{"a": 1}'::JSON`, '{"a": 1}', ['BYTE_ARRAY VARCHAR']],
  ['TIMESTAMP_NS', 'timestamp_ntz', NANOS, MICROS, ['INT64 TIMESTAMP']],
  ['TIMESTAMP_MS', 'timestamp_ntz', "'1970-01-01 00:00:00.001'::TIMESTAMP_MS", 1000n, ['INT64 TIMESTAMP']],
  ['lists', arrayOf('short'), '[200::UTINYINT, NULL]', [200, null], ['INT32 SMALLINT']],
  [
    'structs',
    structOf([field('u', 'string'), field('t', arrayOf('timestamp_ntz'))]),
    `{'u': '${UUID}'::UUID, 't': [${NANOS}]}`,
    { u: UUID, t: [MICROS] },
    ['BYTE_ARRAY VARCHAR', 'INT64 TIMESTAMP'],
  ],
  [
    'maps',
    mapOf('string', 'integer'),
    `MAP {'${UUID}'::UUID: 60000::USMALLINT}`,
    [[UUID, 60_000]],
    ['BYTE_ARRAY VARCHAR', 'INT32 INTEGER'],
  ],
];

describe.each(SOURCES)('%s of a Parquet file', (name, type, value, cell, leaves) => {
  it('are appended as the table has them', async () => {
    const table = await tableOf(`append-${name}`, type);
    await table.write({ mode: 'append', source: { parquet: [await fileOf(name, value)] } });
    expect(await rowsOf(table)).toEqual([{ id: 1, x: cell }]);
    expect(await leavesOf(table)).toEqual(leaves);
  });

  it('are merged as the table has them', async () => {
    const table = await tableOf(`merge-${name}`, type);
    await table.append({ rows: [{ id: 1, x: null }] });
    await table.merge({
      source: { parquet: [await fileOf(name, value)] },
      on: 'target.id = source.id',
      whenMatched: [{ action: 'update' }],
    });
    expect(await rowsOf(table)).toEqual([{ id: 1, x: cell }]);
    expect(await leavesOf(table)).toEqual(leaves);
  });
});

it('small unsigned integers that a writer left in a file of a table are read', async () => {
  const table = await tableOf('left', 'short');
  await fileOf('left/part-0', '200::UTINYINT');
  const add = { path: 'part-0.parquet', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true };
  await localObjectStore(root).put(commitKey('left', 1), encodeActions([{ commitInfo: {} }, { add }]));
  expect(await rowsOf(table)).toEqual([{ id: 1, x: 200 }]);
});

it('rows that wait in a temporary folder have no columns of its name', async () => {
  const folder = join(root, 'x=9');
  mkdirSync(folder);
  const waiting = await openDuckDb({ memoryLimitMb: 256, threads: 1, temporaryFolder: folder });
  try {
    const schema = structOf([field('id', 'integer'), field('x', 'integer')]);
    const { sql } = await stageRows(waiting, { rows: [{ id: 1, x: 2 }] }, schema);
    expect(await waiting.rows(`FROM ${sql}`)).toEqual([{ id: 1, x: 2 }]);
  } finally {
    waiting.close();
  }
});
