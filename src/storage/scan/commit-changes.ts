import { AppError } from '../../base/errors.ts';
import { isJsonObject } from '../../base/exact-json.ts';
import { RowSet } from '../deletion-vectors/row-set.ts';
import type { Action, AddFile, CommitInfo, FileIdentity, RemoveFile } from '../log/actions.ts';
import { commitInfoOf } from '../log/read-commit.ts';
import type { RowChoice, TableShape } from './read-options.ts';
import { deletedRows, rowChoices } from './row-choices.ts';
import { type DataFile, dataFileOf } from './snapshot.ts';

/*
 * What a commit changed (PROTOCOL.md, "Reader Requirements for AddCDCFile"): its change files say it
 * where it has some; else rows of added files came and rows of removed ones went. Of a file that goes
 * and comes back with another deletion vector, the vectors' difference changed: RESTORE shrinks them.
 */

/** Rows of files that changed in one way. */
export interface ChangedRows {
  /** `recorded`: the files say it themselves, in `_change_type`. */
  readonly kind: 'insert' | 'delete' | 'recorded';
  readonly files: readonly DataFile[];
  readonly rows: ReadonlyMap<DataFile, RowChoice>;
}

/**
 * The changes of a commit, deletes first.
 *
 * @throws AppError table_corrupt for a broken vector, table_unsupported for a remove that does not say of which partition.
 */
export async function changesOf(
  table: TableShape,
  keyOf: (path: string) => string,
  version: number,
  actions: readonly Action[],
): Promise<ChangedRows[]> {
  const recorded = actions.flatMap((action) => ('cdc' in action ? [action.cdc] : []));
  if (recorded.length > 0) {
    const files = recorded.map((cdc) => fileOf({ ...cdc, modificationTime: 0 }, keyOf));
    return [{ kind: 'recorded', files, rows: new Map() }];
  }
  if (changedNothing(commitInfoOf(actions))) return [];
  const adds = filesByKey(
    actions.flatMap((action) => ('add' in action && action.add.dataChange ? [action.add] : [])),
    keyOf,
  );
  const removes = filesByKey(
    actions.flatMap((action) =>
      'remove' in action && action.remove.dataChange ? [asAdd(table, version, action.remove)] : [],
    ),
    keyOf,
  );
  const inserted = await wholeFiles(table, adds, removes);
  const deleted = await wholeFiles(table, removes, adds);
  for (const [key, added] of adds) {
    const removed = removes.get(key);
    if (removed === undefined) continue;
    const [before, after] = [await vectorOf(table, removed), await vectorOf(table, added)];
    addRows(deleted, removed, after.difference(before));
    addRows(inserted, added, before.difference(after));
  }
  const parts = [
    { kind: 'delete', ...deleted },
    { kind: 'insert', ...inserted },
  ] as const;
  return parts.filter(({ files }) => files.length > 0);
}

interface Draft {
  readonly files: DataFile[];
  readonly rows: Map<DataFile, RowChoice>;
}

/** Files of one side that the other has not, without the rows that were deleted already. */
async function wholeFiles(
  table: TableShape,
  side: ReadonlyMap<string, DataFile>,
  other: ReadonlyMap<string, DataFile>,
): Promise<Draft> {
  const files = [...side].flatMap(([key, file]) => (other.has(key) ? [] : [file]));
  return { files, rows: await rowChoices(table, files) };
}

function addRows({ files, rows }: Draft, file: DataFile, set: RowSet): void {
  if (set.cardinality === 0) return;
  files.push(file);
  rows.set(file, { kind: 'only', set });
}

async function vectorOf(table: TableShape, { add }: DataFile): Promise<RowSet> {
  return add.deletionVector === undefined ? RowSet.EMPTY : await deletedRows(table, add.deletionVector);
}

function filesByKey(adds: readonly AddFile[], keyOf: (path: string) => string): Map<string, DataFile> {
  return new Map(adds.map((add) => [keyOf(add.path), fileOf(add, keyOf)]));
}

function fileOf(add: Omit<AddFile, 'dataChange'> & FileIdentity, keyOf: (path: string) => string): DataFile {
  return dataFileOf({ ...add, dataChange: true }, keyOf);
}

function asAdd({ table, partitionColumns }: TableShape, version: number, remove: RemoveFile): AddFile {
  const { path, deletionVector, partitionValues, size = 0, stats } = remove;
  if (partitionValues === undefined && partitionColumns.length > 0) {
    throw new AppError(
      'table_unsupported',
      `The commit ${version} of ${table} removes files without saying of which partition, so that its changes cannot be told`,
      { table, version },
    );
  }
  return {
    path,
    partitionValues: partitionValues ?? {},
    size,
    modificationTime: 0,
    dataChange: true,
    ...(stats === undefined ? {} : { stats }),
    ...(deletionVector === undefined ? {} : { deletionVector }),
  };
}

const MERGE_COUNTS = ['numTargetRowsInserted', 'numTargetRowsUpdated', 'numTargetRowsDeleted'] as const;

/** Whether it is a MERGE that found nothing to do and wrote rows anew all the same: Spark does, without change files. */
function changedNothing(info: CommitInfo | undefined): boolean {
  const metrics = info?.operationMetrics;
  if (info?.operation !== 'MERGE' || !isJsonObject(metrics)) return false;
  return MERGE_COUNTS.every((name) => metrics[name] === '0');
}
