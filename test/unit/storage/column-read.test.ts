import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { openDuckDb } from '../../../src/storage/parquet/duckdb.ts';
import { readColumnChunks, readColumns, safeNumbers } from '../../../src/storage/scan/column-read.ts';
import { duckdbScan } from '../../../src/storage/scan/duckdb-scan.ts';
import type { Snapshot } from '../../../src/storage/scan/snapshot.ts';
import { localObjectStore } from '../../../src/storage/store/local-object-store.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createTable } from '../../../src/storage/table.ts';
import type { ColumnData } from '../../../src/storage/types/column-data.ts';
import { arrayOf, field, structOf } from '../../../src/storage/types/delta-type.ts';
import type { PackedTexts } from '../../../src/storage/types/packed-texts.ts';

const SCHEMA = structOf([
  field('id', 'long'),
  field('whole', 'integer'),
  field('small', 'short'),
  field('ratio', 'double'),
  field('half', 'float'),
  field('flag', 'boolean'),
  field('text', 'string'),
  field('blob', 'binary'),
  field('day', 'date'),
  field('at', 'timestamp'),
  field('list', arrayOf('double')),
  field('texts', arrayOf('string')),
  field('part', 'string'),
]);
const environment = { clock: manualClock(1_800_000_000_000_000) };
const root = mkdtempSync(join(tmpdir(), 'sentinela-columns-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Row = Record<string, unknown>;

async function tableOf(store: ObjectStore, commits: readonly (readonly Row[])[]): Promise<Snapshot> {
  const table = await createTable(store, { path: 't', schema: SCHEMA, partitionColumns: ['part'] }, environment);
  for (const rows of commits) await table.append({ rows });
  return table.snapshot();
}

function unpacked({ bytes, offsets, nulls }: PackedTexts): unknown[] {
  return Array.from({ length: offsets.length - 1 }, (_, row) =>
    nulls?.[row] === 1 ? null : Buffer.from(bytes.subarray(offsets[row], offsets[row + 1])).toString(),
  );
}

/** A column as a plain list. */
function listOf(column: ColumnData): unknown[] {
  if (column.kind === 'string') return [...column.values];
  if (column.kind === 'utf8') return unpacked(column);
  if (column.kind === 'binary') return column.values.map((value) => (value === null ? null : [...value]));
  if (column.kind === 'list') {
    const child = listOf(column.child);
    return Array.from({ length: column.offsets.length - 1 }, (_, row) =>
      column.nulls?.[row] === 1 ? null : child.slice(column.offsets[row], column.offsets[row + 1]),
    );
  }
  return Array.from<number | bigint, unknown>(column.values, (value, row) => {
    if (column.nulls?.[row] === 1) return null;
    return column.kind === 'boolean' ? value === 1 : value;
  });
}

function expected(row: Row, name: string): unknown {
  const value = row[name] ?? null;
  if (value === null) return null;
  if (name === 'id' || name === 'at') return BigInt(value as number | bigint);
  if (name === 'blob') return [...(value as Uint8Array)];
  if (name === 'half') return Math.fround(value as number);
  return value;
}

const rowArbitrary = fc.record({
  id: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  whole: fc.option(fc.integer()),
  small: fc.option(fc.integer({ min: -32768, max: 32767 })),
  ratio: fc.option(fc.double()),
  half: fc.option(fc.float()),
  flag: fc.option(fc.boolean()),
  text: fc.option(
    fc.oneof(
      fc.constantFrom('', 'CACC', 'a text of over twelve bytes', 'é'.repeat(7)),
      fc.string({ unit: 'grapheme' }),
    ),
  ),
  blob: fc.option(fc.uint8Array({ maxLength: 20 })),
  day: fc.option(fc.integer({ min: -700_000, max: 2_000_000 })),
  at: fc.option(fc.integer({ min: -62_135_596_800_000_000 / 10, max: 9_007_199_254_740_991 })),
  list: fc.option(fc.array(fc.option(fc.double()), { maxLength: 4 })),
  texts: fc.option(fc.array(fc.option(fc.string({ unit: 'grapheme' })), { maxLength: 3 })),
  part: fc.option(fc.constantFrom('a', 'b c', 'é/%20', "it's")),
});

describe('columns', () => {
  it('hold what was written, through DuckDB and through Arrow alike', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(rowArbitrary, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 3 }),
        async (commits) => {
          const names = SCHEMA.fields.map(({ name }) => name).filter((name) => name !== 'part');
          // Files of one partition come together; without the partition column the order is that of the files.
          const rows = commits.flatMap((commit) => {
            const parts = [...new Set(commit.map(({ part }) => part))];
            return parts.flatMap((part) => commit.filter((row) => row.part === part));
          });
          for (const store of [localObjectStore(mkdtempSync(join(root, 'x-'))), memoryObjectStore()]) {
            const snapshot = await tableOf(store, commits);
            const read = await readColumns(snapshot, { columns: names });
            expect(read.rowCount).toBe(rows.length);
            names.forEach((name, at) => {
              expect(listOf(read.columns[at] as ColumnData), name).toEqual(rows.map((row) => expected(row, name)));
            });
            const [parts] = (await readColumns(snapshot, { columns: ['part'] })).columns;
            expect(listOf(parts as ColumnData).sort()).toEqual(rows.map(({ part }) => part).sort());
            const packed = (await readColumns(snapshot, { columns: ['text', 'texts'], texts: 'packed' })).columns;
            expect(packed[0]?.kind).toBe('utf8');
            expect(packed.map(listOf)).toEqual(['text', 'texts'].map((name) => rows.map((row) => expected(row, name))));
          }
        },
      ),
      { numRuns: 12 },
    );
  }, 120_000);

  it('hold texts of every length and order, as DuckDB lays them out', async () => {
    const db = await openDuckDb({ memoryLimitMb: 1024, threads: 2 });
    // Plain pages, dictionaries in which rows jump to and fro, sorts that give pointers in another order, long texts.
    const texts = [
      "'row ' || i || repeat('x', (i % 40)::INTEGER)",
      "'name of ' || (i * 7919 % 5000)",
      "CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'größer als zwölf ' || (i % 17) END",
      "repeat('long ' || i, (i % 900)::INTEGER)",
    ];
    const list = texts.map((sql, at) => `${sql} AS t${at}`).join(', ');
    const path = join(root, 'texts.parquet');
    await db.run(`COPY (SELECT ${list} FROM range(20000) r(i)) TO '${path}' (FORMAT parquet)`);
    const table = await createTable(
      localObjectStore(mkdtempSync(join(root, 'x-'))),
      { path: 't', schema: structOf(texts.map((_, at) => field(`t${at}`, 'string'))) },
      environment,
    );
    await table.write({ source: { parquet: [path] }, mode: 'append' });
    const snapshot = await table.snapshot();
    const naive = texts.map((_, at) => `md5(string_agg(coalesce(t${at}, '#'), ',' ORDER BY nr)) AS t${at}`).join(', ');
    const numbered = `(SELECT *, row_number() OVER () AS nr FROM read_parquet('${path}'))`;
    const [wanted] = await db.rows(`SELECT ${naive} FROM ${numbered}`);
    for (const form of ['strings', 'packed'] as const) {
      const { columns } = await readColumns(snapshot, { texts: form });
      columns.forEach((column, at) => {
        const text = listOf(column)
          .map((value) => value ?? '#')
          .join(',');
        expect(createHash('md5').update(text).digest('hex'), `${form} ${at}`).toBe(wanted?.[`t${at}`]);
      });
    }
    const rows = await db.rows(`SELECT t0, t3 FROM ${numbered} ORDER BY hash(nr)`);
    const sorted = await db.rows(`SELECT string_agg(t0 || t3, ',' ORDER BY hash(nr)) AS whole FROM ${numbered}`);
    expect(rows.map(({ t0, t3 }) => `${t0}${t3}`).join(',')).toBe(sorted[0]?.whole);
    db.close();
  }, 60_000);

  it('come in chunks, over many row groups and files, and keep their order', async () => {
    const store = localObjectStore(mkdtempSync(join(root, 'x-')));
    const table = await createTable(store, { path: 't', schema: SCHEMA }, environment);
    const count = 150_000;
    function* rows(): Iterable<Row> {
      for (let id = 0; id < count; id += 1)
        yield { id, text: `a longer text ${id % 1000}`, texts: id % 3 === 0 ? null : ['a', null], flag: id % 2 === 0 };
    }
    await table.append({ rows: rows(), maxFileRows: 100_000 });
    const snapshot = await table.snapshot();
    expect(snapshot.files).toHaveLength(2);
    let next = 0;
    for await (const chunk of readColumnChunks(snapshot, {
      columns: ['text', 'id', 'texts', 'flag'],
      chunkRows: 20_000,
    })) {
      expect(chunk.rowCount).toBeLessThan(23_000);
      const [texts, ids, lists, flags] = chunk.columns;
      if (texts?.kind !== 'string' || ids?.kind !== 'int64' || lists?.kind !== 'list' || flags?.kind !== 'boolean')
        throw new Error('kinds');
      const numbers = safeNumbers(ids.values);
      for (let row = 0; row < chunk.rowCount; row += 1, next += 1) {
        const fits =
          numbers[row] === next &&
          texts.values[row] === `a longer text ${next % 1000}` &&
          (flags.values[row] === 1) === (next % 2 === 0);
        const length = (lists.offsets[row + 1] ?? 0) - (lists.offsets[row] ?? 0);
        if (!fits || length !== (next % 3 === 0 ? 0 : 2)) throw new Error(`row ${next} is wrong`);
      }
    }
    expect(next).toBe(count);
  }, 60_000);

  it('of a table without rows are empty', async () => {
    for (const store of [localObjectStore(mkdtempSync(join(root, 'x-'))), memoryObjectStore()]) {
      const { rowCount, columns } = await readColumns(await tableOf(store, []));
      expect(rowCount).toBe(0);
      expect(columns).toHaveLength(SCHEMA.fields.length);
    }
  });

  it('that a table has not are an error by their name', async () => {
    const snapshot = await tableOf(memoryObjectStore(), []);
    await expect(readColumns(snapshot, { columns: ['nope'] })).rejects.toMatchObject({
      code: 'not_found',
      context: { column: 'nope' },
    });
  });

  it('say so where a long is beyond 2^53', () => {
    expect(safeNumbers(BigInt64Array.of(0n, -1n, 2n ** 53n - 1n, -(2n ** 53n)))).toEqual(
      Float64Array.of(0, -1, 2 ** 53 - 1, -(2 ** 53)),
    );
    expect(() => safeNumbers(BigInt64Array.of(2n ** 53n))).toThrow(/beyond 2\^53/);
    expect(() => safeNumbers(BigInt64Array.of(-(2n ** 60n)))).toThrow(/beyond 2\^53/);
  });
});

describe('a scan by DuckDB', () => {
  it('sees the version of the snapshot, partitions as columns, and null where a file lacks a column', async () => {
    const store = localObjectStore(mkdtempSync(join(root, "it's [odd] *")));
    const old = structOf(SCHEMA.fields.filter(({ name }) => ['id', 'part'].includes(name)));
    const table = await createTable(store, { path: 't', schema: old, partitionColumns: ['part'] }, environment);
    await table.append({
      rows: [
        { id: 1, part: "it's" },
        { id: 2, part: null },
      ],
    });
    const snapshot = await table.snapshot();
    await table.append({ rows: [{ id: 3, part: 'x' }] });
    const evolved = {
      ...snapshot,
      files: snapshot.files,
      schema: structOf([...old.fields, field('new', 'timestamp')]),
    };
    const db = await openDuckDb({ memoryLimitMb: 128, threads: 1 });
    try {
      const rows = await db.rows(`SELECT * FROM ${await duckdbScan(db, evolved)} ORDER BY id`);
      expect(rows).toEqual([
        { id: 1n, part: "it's", new: null },
        { id: 2n, part: null, new: null },
      ]);
      await expect(db.rows('SELECT nonsense')).rejects.toMatchObject({ code: 'storage_failed' });
    } finally {
      db.close();
    }
  });
});
