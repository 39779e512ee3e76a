import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../src/base/clock.ts';
import { readRows } from '../../src/storage/scan/table-read.ts';
import { localObjectStore } from '../../src/storage/store/local-object-store.ts';
import { createTable, type DeltaTable, openTable } from '../../src/storage/table.ts';
import type { Cell, CellRow } from '../../src/storage/types/cell.ts';
import { arrayOf, field, mapOf, structOf } from '../../src/storage/types/delta-type.ts';
import { PYTHON, runPython } from '../python.ts';
import { ENGINES, plainRow, SCRIPT, sorted, theirs } from './engine-rows.ts';

const T0 = Date.UTC(2026, 10, 1, 12) * 1000;

const SCHEMA = structOf([
  field('id', 'long', { nullable: false }),
  field('small', 'short'),
  field('tiny', 'byte'),
  field('whole', 'integer'),
  field('ratio', 'double'),
  field('half', 'float'),
  field('flag', 'boolean'),
  field('name', 'string'),
  field('blob', 'binary'),
  field('day', 'date'),
  field('at', 'timestamp'),
  field('list', arrayOf('double')),
  field('texts', arrayOf('string', false)),
  field('pair', structOf([field('a', 'long'), field('b', 'string')])),
  field('map', mapOf('string', 'long')),
  field('part', 'string'),
  field('hour', 'integer'),
]);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sentinela-delta-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const clock = manualClock(T0);
const PARTS = ['plain', 'a b', 'ação/%25', 'x=y?#[1]*:', '__odd__', null];

function rowOf(n: number): Record<string, unknown> {
  const isEmpty = n % 7 === 6;
  return {
    id: n % 5 === 4 ? 9_007_199_254_740_993n + BigInt(n) : n - 10,
    small: isEmpty ? null : (n % 60) * 1000 - 30_000,
    tiny: isEmpty ? null : (n % 200) - 100,
    whole: isEmpty ? null : (n % 200) * 20_000_000 - 2_000_000_000,
    ratio: n % 11 === 3 ? Number.NaN : n % 11 === 5 ? Number.POSITIVE_INFINITY : n / 3,
    half: isEmpty ? null : n / 4,
    flag: isEmpty ? null : n % 2 === 0,
    name: isEmpty ? null : ['', 'ação', '\u{1f600} sorriso', `nome ${n}`, `x${'y'.repeat(60)}${n}`][n % 5],
    blob: isEmpty ? null : Uint8Array.of(0, n & 255, 255),
    day: isEmpty ? null : n * 40 - 20_000,
    at: isEmpty ? null : T0 + n * 1_234_567 - (n % 3) * 2_000_000_000_000_000,
    list: isEmpty ? null : [1.5, null, n],
    texts: isEmpty ? null : ['a', `b${n}`],
    pair: isEmpty ? null : { a: n, b: n % 2 === 0 ? null : 'b' },
    map: isEmpty ? null : { k: n, none: null },
    part: PARTS[n % PARTS.length],
    hour: n % 4 === 3 ? null : n % 4,
  };
}

/** Commits of 25 rows each: 12 make a checkpoint at version 10 with commits after it. */
async function exampleTable(
  path: string,
  commits: number,
): Promise<{ table: DeltaTable; rows: Record<string, unknown>[] }> {
  const table = await createTable(
    localObjectStore(folder),
    { path, schema: SCHEMA, partitionColumns: ['part', 'hour'] },
    { clock },
  );
  const rows: Record<string, unknown>[] = [];
  for (let commit = 0; commit < commits; commit += 1) {
    const batch = Array.from({ length: 25 }, (_, n) => rowOf(commit * 25 + n));
    rows.push(...batch);
    await table.append({ rows: batch });
  }
  return { table, rows };
}

async function ours(path: string, version?: number): Promise<unknown[]> {
  const table = openTable(localObjectStore(folder), path, { clock });
  const snapshot = await table.snapshot(version);
  const rows: unknown[] = [];
  for await (const row of readRows(snapshot)) rows.push(plainRow(row as Record<string, unknown>, snapshot.schema));
  return rows;
}

describe.skipIf(PYTHON === undefined)('tables that we write', () => {
  it('are read by every engine row for row: types, nulls, odd partitions, a checkpoint', async () => {
    const { rows } = await exampleTable('t', 12);
    const expected = sorted(rows.map((row) => plainRow(row, SCHEMA)));
    expect(sorted(await ours('t'))).toEqual(expected);
    const read = theirs({ do: 'read', path: join(folder, 't') });
    for (const engine of ENGINES) expect(sorted(read[engine] ?? []), engine).toEqual(expected);
  });

  it('are read as they were at an older version', async () => {
    const { rows } = await exampleTable('t', 12);
    const expected = sorted(rows.slice(0, 75).map((row) => plainRow(row, SCHEMA)));
    expect(sorted(await ours('t', 3))).toEqual(expected);
    const read = theirs({ do: 'read', path: join(folder, 't'), version: 3 });
    for (const engine of ENGINES) expect(sorted(read[engine] ?? []), engine).toEqual(expected);
  });

  it('give no engine a reason to skip a file that holds a match', async () => {
    const schema = structOf([
      field('n', 'long'),
      field('at', 'timestamp'),
      field('name', 'string'),
      field('day', 'date'),
    ]);
    const table = await createTable(localObjectStore(folder), { path: 's', schema }, { clock });
    const rows = Array.from({ length: 24 }, (_, n) => ({
      n: BigInt(n) * 700_000_000_000_000_007n - 9_000_000_000_000_000_000n,
      at: T0 + n * 1_000 + 456,
      name: `${'prefix'.repeat(6)}${String.fromCodePoint([0x61, 0x7f, 0xe9, 0x10ffff][n % 4] ?? 0x61)}${n}`,
      day: n - 12,
    }));
    for (const row of rows) await table.append({ rows: [row] });
    const expected = sorted(rows.map((row) => plainRow(row, schema)));
    const checks = [
      {
        column: 'n',
        op: '=',
        value: String(rows[20]?.n),
        kind: 'long',
        keep: (row: (typeof rows)[0]) => row.n === rows[20]?.n,
      },
      // Between the milliseconds that bounds are cut to.
      {
        column: 'at',
        op: '>',
        value: String(T0 + 5_400),
        kind: 'timestamp',
        keep: (row: (typeof rows)[0]) => row.at > T0 + 5_400,
      },
      {
        column: 'at',
        op: '=',
        value: String(T0 + 5_456),
        kind: 'timestamp',
        keep: (row: (typeof rows)[0]) => row.at === T0 + 5_456,
      },
      {
        column: 'at',
        op: '<',
        value: String(T0 + 5_457),
        kind: 'timestamp',
        keep: (row: (typeof rows)[0]) => row.at < T0 + 5_457,
      },
      {
        column: 'name',
        op: '=',
        value: rows[3]?.name ?? '',
        kind: 'string',
        keep: (row: (typeof rows)[0]) => row.name === rows[3]?.name,
      },
      {
        column: 'name',
        op: '=',
        value: rows[1]?.name ?? '',
        kind: 'string',
        keep: (row: (typeof rows)[0]) => row.name === rows[1]?.name,
      },
      { column: 'day', op: '<=', value: '-3', kind: 'date', keep: (row: (typeof rows)[0]) => row.day <= -3 },
    ];
    expect(sorted(await ours('s'))).toEqual(expected);
    for (const { keep, ...where } of checks) {
      const read = theirs({ do: 'read', path: join(folder, 's'), where });
      const kept = sorted(rows.filter(keep).map((row) => plainRow(row, schema)));
      for (const engine of ENGINES.filter((name) => name !== 'pandas')) {
        expect(sorted(read[engine] ?? []), `${engine} ${where.column} ${where.op} ${where.value}`).toEqual(kept);
      }
    }
  });

  it('take appends of delta-rs, which we read, and ours again', async () => {
    const { table, rows } = await exampleTable('t', 2);
    runPython(SCRIPT, { do: 'append', path: join(folder, 't') });
    await table.append({ rows: [rowOf(999)] });
    const expected = sorted([...rows, ...rows, rowOf(999)].map((row) => plainRow(row, SCHEMA)));
    expect(sorted(await ours('t'))).toEqual(expected);
    const read = theirs({ do: 'read', path: join(folder, 't') });
    for (const engine of ENGINES) expect(sorted(read[engine] ?? []), engine).toEqual(expected);
  });

  it('lose replaced partitions in every engine', async () => {
    const { table, rows } = await exampleTable('t', 3);
    await table.replacePartitions({
      partitions: [
        { part: 'ação/%25', hour: '2' },
        { part: null, hour: '1' },
      ],
      rows: [{ ...rowOf(2), part: 'ação/%25', hour: 2 }],
    });
    const gone = (row: Record<string, unknown>): boolean =>
      (row.part === 'ação/%25' && row.hour === 2) || (row.part === null && row.hour === 1);
    const kept = [...rows.filter((row) => !gone(row)), { ...rowOf(2), part: 'ação/%25', hour: 2 }];
    expect(kept.length).toBeLessThan(rows.length);
    const expected = sorted(kept.map((row) => plainRow(row, SCHEMA)));
    expect(sorted(await ours('t'))).toEqual(expected);
    const read = theirs({ do: 'read', path: join(folder, 't') });
    for (const engine of ENGINES) expect(sorted(read[engine] ?? []), engine).toEqual(expected);
  });
});

describe.skipIf(PYTHON === undefined)('tables that delta-rs writes', () => {
  it.each([{ commits: 1 }, { commits: 3, checkpoint: true }])('are read by us row for row: %o', async (options) => {
    const written = runPython(SCRIPT, { do: 'write', path: join(folder, 'r'), ...options }) as {
      rows: CellRow[];
      version: number;
    };
    const table = openTable(localObjectStore(folder), 'r', { clock });
    expect((await table.snapshot()).version).toBe(written.version);
    expect(sorted(await ours('r'))).toEqual(sorted(written.rows as unknown as Record<string, Cell>[]));
  });
});
