import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { duckdbScan } from '../../src/storage/scan/duckdb-scan.ts';
import { type ReadRequest, readRows } from '../../src/storage/scan/table-read.ts';
import { localObjectStore } from '../../src/storage/store/local-object-store.ts';
import { createTable, type DeltaTable, openTable } from '../../src/storage/table.ts';
import type { StructType } from '../../src/storage/types/delta-type.ts';
import { withDuckDb } from '../../src/storage/write/write-session.ts';
import { type RunningSpark, startSpark } from '../running-spark.ts';
import { plainRow, sorted } from './engine-rows.ts';

/** A folder of tables that a Spark and we read and write in turns. */
export interface SparkWorld {
  readonly spark: RunningSpark;
  readonly root: string;
  /** How Spark names a table. */
  path(name: string): string;
  /** The table as we find it that never saw it. */
  open(name: string): DeltaTable;
  create(name: string, definition: Omit<Parameters<typeof createTable>[1], 'path'>): Promise<DeltaTable>;
  /** Runs a statement of Spark's; `$T` stands for the table. */
  sql(name: string, ...statements: readonly string[]): Promise<void>;
  ours(name: string, request?: ReadRequest & { readonly version?: number }): Promise<string[]>;
  theirs(name: string, version?: number): Promise<string[]>;
  /** Both read the newest version equal; returns the rows. */
  compare(name: string, what?: string): Promise<string[]>;
  /** Rows with their ids, by Spark and by us. */
  compareRowIds(name: string): Promise<void>;
  /** A row in the plain form of the engines, and rows in one order. */
  plain(row: unknown, schema: StructType): Record<string, unknown>;
  sorted(rows: readonly unknown[]): string[];
  close(): void;
}

/** Opens one. @param settings of the Spark. */
export async function openSparkWorld(settings: Readonly<Record<string, string>> = {}): Promise<SparkWorld> {
  const root = mkdtempSync(join(tmpdir(), 'sentinela-twins-'));
  const spark = await startSpark(settings);
  const store = localObjectStore(root);
  const environment = { clock: systemClock() };
  const path = (name: string): string => `delta.\`${join(root, name)}\``;
  const open = (name: string): DeltaTable => openTable(store, name, environment);
  const ours: SparkWorld['ours'] = async (name, { version, ...request } = {}) => {
    const snapshot = await open(name).snapshot(version);
    const rows: unknown[] = [];
    for await (const row of readRows(snapshot, request)) {
      rows.push(plainRow(row as Record<string, unknown>, snapshot.schema));
    }
    return sorted(rows);
  };
  const theirs = async (name: string, version?: number): Promise<string[]> =>
    sorted(await spark.rows(`SELECT * FROM ${path(name)}${version === undefined ? '' : ` VERSION AS OF ${version}`}`));
  return {
    spark,
    root,
    path,
    open,
    create: (name, definition) => createTable(store, { ...definition, path: name }, environment),
    async sql(name, ...statements) {
      for (const statement of statements) await spark.sql(statement.replaceAll('$T', path(name)));
    },
    ours,
    theirs,
    async compare(name, what = name) {
      const rows = await ours(name);
      expect(rows, what).toEqual(await theirs(name));
      return rows;
    },
    async compareRowIds(name) {
      const snapshot = await open(name).snapshot();
      const own = await withDuckDb(async (db) => {
        const scan = await duckdbScan(db, snapshot, { places: ['#row_id', '#row_version'] });
        return db.rows(`SELECT id::VARCHAR AS id, "#row_id"::VARCHAR AS r, "#row_version"::VARCHAR AS v FROM ${scan}`);
      });
      const spoken = await spark.rows(
        `SELECT id, _metadata.row_id AS r, _metadata.row_commit_version AS v FROM ${path(name)}`,
      );
      expect(sorted(own), `row ids of ${name}`).toEqual(sorted(spoken));
    },
    plain: (row, schema) => plainRow(row as Record<string, unknown>, schema),
    sorted,
    close() {
      spark.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Numbers below a limit, the same for a seed (a linear congruential generator). */
export function randomOf(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
