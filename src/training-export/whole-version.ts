import { AppError } from '../base/errors.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import type { PinnedTable, SourceTables } from './source-snapshots.ts';

/**
 * Reads of a version of a table; where VACUUM has taken files of it, says so, and from which version on
 * the table is whole.
 *
 * @throws AppError `version_not_found` where files of the version are gone and a later version is whole;
 * other errors as they are.
 */
export async function ofWholeVersion<T>(tables: SourceTables, snapshot: Snapshot, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw (await vacuumed(tables, snapshot, error)) ?? error;
  }
}

async function vacuumed(tables: SourceTables, snapshot: Snapshot, error: unknown): Promise<AppError | undefined> {
  if (!(error instanceof AppError) || error.code !== 'table_corrupt') return undefined;
  const there = await keysOf(snapshot);
  const lost = snapshot.files.filter(({ key }) => !there.has(key)).length;
  if (lost === 0) return undefined;
  const { table, version } = snapshot;
  const whole = await firstWhole(tables, snapshot, there);
  // With no whole version after it, it is no matter of age.
  if (whole === undefined) return undefined;
  const name = table.replace('/', '.');
  return new AppError(
    'version_not_found',
    `${name}@${version} is gone: VACUUM took ${lost} of its ${snapshot.fileCount} files; the first version after it that is whole is ${name}@${whole}`,
    { table, version, firstWhole: whole },
    error,
  );
}

async function keysOf({ store, table }: Snapshot): Promise<Set<string>> {
  const keys = new Set<string>();
  for await (const { key } of store.listFrom(`${table}/`)) keys.add(key);
  return keys;
}

async function firstWhole(
  tables: SourceTables,
  { table, version }: Snapshot,
  there: ReadonlySet<string>,
): Promise<number | undefined> {
  const source = tables.table(table as PinnedTable);
  const newest = (await source.snapshot()).version;
  for (let next = version + 1; next <= newest; next += 1) {
    const { files } = await source.snapshot(next);
    if (files.every(({ key }) => there.has(key))) return next;
  }
  return undefined;
}
