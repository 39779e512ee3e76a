import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { commitKey } from '../../../src/storage/log/log-names.ts';
import { type DuckDb, openDuckDb } from '../../../src/storage/parquet/duckdb.ts';
import { duckdbScan } from '../../../src/storage/scan/duckdb-scan.ts';
import type { Snapshot } from '../../../src/storage/scan/snapshot.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { createTable, type DeltaTable } from '../../../src/storage/table.ts';
import type { CellRow } from '../../../src/storage/types/cell.ts';
import { arrayOf, field, mapOf, type StructType, structOf } from '../../../src/storage/types/delta-type.ts';
import { sqlText } from '../../../src/storage/types/sql-types.ts';
import { encodeVariant } from '../../../src/storage/variant/encode-variant.ts';

const SCHEMA = structOf([field('id', 'long'), field('v', 'variant')]);
const TEXTS = ['{"a":1,"b":[1,2.50,null],"c":"\ufeffé"}', '"x"', 'null', '12345678901234567890', '-0.1', '[]', 'true'];

let db: DuckDb;
let folder: string;
beforeAll(async () => {
  db = await openDuckDb({ memoryLimitMb: 256, threads: 1 });
  folder = mkdtempSync(join(tmpdir(), 'sentinela-variant-'));
});
afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

async function newTable(
  schema: StructType = SCHEMA,
  configuration: Readonly<Record<string, string>> = {},
): Promise<DeltaTable> {
  return createTable(
    memoryObjectStore(),
    { path: 't', schema, configuration },
    { clock: manualClock(1_800_000_000_000_000) },
  );
}

async function rowsOf(snapshot: Snapshot): Promise<CellRow[]> {
  const rows: CellRow[] = [];
  for await (const row of readRows(snapshot)) rows.push(row);
  return rows.sort((left, right) => Number(left.id) - Number(right.id));
}

/** Adds a file of another writer: the rows of a query. */
async function addFile(table: DeltaTable, name: string, query: string, options = ''): Promise<void> {
  const path = join(folder, `${name}.parquet`);
  await db.run(`COPY (${query}) TO ${sqlText(path)} (FORMAT parquet ${options})`);
  await table.store.put(`t/${name}.parquet`, readFileSync(path));
  const { version } = await table.snapshot();
  const size = readFileSync(path).length;
  const add = { path: `${name}.parquet`, partitionValues: {}, size, modificationTime: 0, dataChange: true };
  await table.store.put(commitKey('t', version + 1), new TextEncoder().encode(JSON.stringify({ add })));
}

const blob = (bytes: Uint8Array): string => `from_hex('${Buffer.from(bytes).toString('hex')}')`;

/** The bytes that a scan has of variants, by id. */
async function bytesOf(table: DeltaTable): Promise<string[]> {
  const scan = await duckdbScan(db, await table.snapshot());
  const rows = await db.rows(`SELECT hex(v.metadata) || ' ' || hex(v.value) AS bytes FROM ${scan} ORDER BY id`);
  return rows.map(({ bytes }) => String(bytes));
}

describe('a column of variants', () => {
  it.each([
    ['copy-on-write', {}],
    ['deletion vectors', { 'delta.enableDeletionVectors': 'true' }],
  ])('is read as it was written, and its bytes stay through every change, by %s', async (_, configuration) => {
    const table = await newTable(SCHEMA, { 'delta.enableChangeDataFeed': 'true', ...configuration });
    const rows = [...TEXTS, null].map((v, id) => ({ id: BigInt(id), v }));
    await table.append({ rows });
    expect(await rowsOf(await table.snapshot())).toEqual(rows);
    const before = await bytesOf(table);
    expect(before[0]).toBe(
      [encodeVariant(TEXTS[0] ?? '').metadata, encodeVariant(TEXTS[0] ?? '').value]
        .map((bytes) => Buffer.from(bytes).toString('hex').toUpperCase())
        .join(' '),
    );
    await table.update({ where: 'id >= 2', set: { id: 'id + 0' } });
    await table.delete({ where: 'id = 5' });
    await table.merge({
      source: {
        rows: [
          { id: 5, v: TEXTS[5] },
          { id: 1, v: 'false' },
        ],
      },
      on: 'target.id = source.id',
      whenMatched: [{ action: { set: { id: 'source.id' } } }],
      whenNotMatched: [{}],
    });
    await table.optimize();
    await table.write({ source: { snapshot: await table.snapshot() }, mode: 'overwrite' });
    expect(await bytesOf(table)).toEqual(before);
    expect(await rowsOf(await table.snapshot())).toEqual(rows);
    const changed: CellRow[] = [];
    for await (const row of (await table.changes({ fromVersion: 3 })).rows()) changed.push(row);
    expect(changed.filter(({ _change_type: type }) => type === 'delete')[0]).toMatchObject({ id: 5n, v: TEXTS[5] });
  });

  it('is read in lists, maps and structs', async () => {
    const schema = structOf([
      field('id', 'long'),
      field('list', arrayOf('variant')),
      field('map', mapOf('string', 'variant')),
      field('struct', structOf([field('v', 'variant'), field('deep', arrayOf(structOf([field('w', 'variant')])))])),
    ]);
    const table = await newTable(schema);
    const rows = [
      {
        id: 1n,
        list: ['1', null],
        map: [
          ['k', '{"x":[]}'],
          ['n', null],
        ],
        struct: { v: '"s"', deep: [{ w: '2' }, null] },
      },
      { id: 2n, list: null, map: [], struct: null },
    ];
    await table.append({ rows });
    expect(await rowsOf(await table.snapshot())).toEqual(rows);
    await table.update({ where: 'id = 1', set: { id: 'id + 2' } });
    expect((await rowsOf(await table.snapshot())).map(({ id: _, ...rest }) => rest)).toEqual(
      rows.map(({ id: _, ...rest }) => rest).reverse(),
    );
  });

  it('is read from files that annotate it, shredded or not, beside those that do not', async () => {
    const table = await newTable();
    const { metadata, value } = encodeVariant('{"a":1}');
    await addFile(
      table,
      'plain',
      `SELECT 1::BIGINT AS id, {'value': ${blob(value)}, 'metadata': ${blob(metadata)}} AS v`,
    );
    await addFile(
      table,
      'plain2',
      `SELECT 2::BIGINT AS id, {'metadata': ${blob(metadata)}, 'value': ${blob(value)}} AS v`,
    );
    await addFile(table, 'annotated', `SELECT 3::BIGINT AS id, '{"a":1}'::JSON::VARIANT AS v UNION ALL SELECT 4, NULL`);
    await addFile(
      table,
      'mixed',
      `SELECT 5::BIGINT AS id, '{"a":"x"}'::JSON::VARIANT AS v UNION ALL SELECT 6, '7'::JSON::VARIANT`,
    );
    expect((await rowsOf(await table.snapshot())).map(({ v }) => v)).toEqual([
      '{"a":1}',
      '{"a":1}',
      '{"a":1}',
      null,
      '{"a":"x"}',
      '7',
    ]);
  });

  it('is refused by the file where it is shredded without annotation, or has no value', async () => {
    const shredded = await newTable();
    const { metadata, value } = encodeVariant('1');
    const members = `'metadata': ${blob(metadata)}, 'value': ${blob(value)}, 'typed_value': 1`;
    await addFile(shredded, 'shredded', `SELECT 1::BIGINT AS id, {${members}} AS v`);
    await expect(rowsOf(await shredded.snapshot())).rejects.toMatchObject({
      code: 'table_unsupported',
      context: { key: 't/shredded.parquet' },
    });
    const valueless = await newTable();
    await addFile(valueless, 'none', `SELECT 1::BIGINT AS id, {'metadata': ${blob(metadata)}, 'typed_value': 1} AS v`);
    await expect(rowsOf(await valueless.snapshot())).rejects.toMatchObject({ code: 'table_unsupported' });
  });

  it('takes JSON texts only', async () => {
    const table = await newTable();
    await expect(table.append({ rows: [{ id: 1, v: 7 }] })).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(table.append({ rows: [{ id: 1, v: '{' }] })).rejects.toMatchObject({ code: 'invalid_json' });
  });
});
