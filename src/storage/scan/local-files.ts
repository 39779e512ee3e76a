import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../base/errors.ts';
import { forEachAtOnce } from '../../base/for-each-at-once.ts';
import type { DuckDb } from '../parquet/duckdb.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** Objects that are fetched at once. */
const PARALLEL = 8;

/** Objects that a DuckDB has as files already, by key. */
const fetchedBy = new WeakMap<DuckDb, Map<string, string>>();
let copies = 0;

/**
 * Paths at which DuckDB opens objects: where they lie, or copies in its folder, which go with it.
 *
 * @throws AppError table_corrupt where one is gone, disk_full, storage_failed.
 */
export async function localPaths(db: DuckDb, store: ObjectStore, keys: readonly string[]): Promise<string[]> {
  const located = keys.map((key) => store.locate(key));
  const remote = keys.filter((_, at) => located[at] === undefined);
  if (remote.length > 0) await fetchAll(db, store, [...new Set(remote)]);
  const fetched = fetchedBy.get(db);
  return keys.map((key, at) => located[at] ?? fetched?.get(key) ?? '');
}

/** Deletes a DuckDB's copies: whoever reads a table in parts needs room for one of them. */
export async function releaseCopies(db: DuckDb): Promise<void> {
  const fetched = fetchedBy.get(db);
  fetchedBy.delete(db);
  for (const path of fetched?.values() ?? []) await rm(path, { force: true });
}

async function fetchAll(db: DuckDb, store: ObjectStore, keys: readonly string[]): Promise<void> {
  const fetched = fetchedBy.get(db) ?? new Map<string, string>();
  fetchedBy.set(db, fetched);
  const missing = keys.filter((key) => !fetched.has(key));
  const fetchOne = async (key: string): Promise<void> => {
    copies += 1;
    const path = join(db.folder(), `copy-${copies}.parquet`);
    if (!(await store.fetchFile(key, path))) {
      throw new AppError('table_corrupt', `The data file ${key}, which the log names, is gone`, { key });
    }
    fetched.set(key, path);
  };
  await forEachAtOnce(missing, fetchOne, PARALLEL);
}
