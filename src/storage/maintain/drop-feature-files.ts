import { AppError } from '../../base/errors.ts';
import { deletionVectorPlace } from '../deletion-vectors/deletion-vector.ts';
import type { RemoveFile } from '../log/actions.ts';
import { actionPathOfKey } from '../log/file-path.ts';
import { columnMappingMode } from '../log/physical-schema.ts';
import { deletedFileRetentionMs } from '../log/table-properties.ts';
import type { DuckDb } from '../parquet/duckdb.ts';
import { findColumn } from '../scan/file-columns.ts';
import { fileSchemas } from '../scan/file-schema.ts';
import type { FileColumn } from '../scan/file-shape.ts';
import { fieldsOfFile } from '../scan/file-types.ts';
import { localPaths, releaseCopies } from '../scan/local-files.ts';
import type { DataFile, Snapshot } from '../scan/snapshot.ts';
import { commitWork } from '../transaction/commit-loop.ts';
import { READ_NOTHING, type TransactionContext } from '../transaction/work.ts';
import { type DeltaType, isNested } from '../types/delta-type.ts';
import { targetFileBytes } from '../write/query-writer.ts';
import { isWider } from '../write/widen-type.ts';
import { withDuckDb } from '../write/write-session.ts';
import type { FeatureTraces } from './drop-feature-traces.ts';
import { rewriteBins } from './optimize.ts';
import { packAll } from './optimize-plan.ts';

/** Rounds in which files with traces are sought and taken out: others may change some of them meanwhile. */
const MAX_ROUNDS = 10;
/** Files whose footers are read at once. */
const FOOTERS = 500;

type FileTraces = NonNullable<FeatureTraces['files']>;

/**
 * Takes a feature's traces out of a table's files: writes files anew, or their actions.
 *
 * @returns whether there were any.
 * @throws AppError commit_conflict where other writers keep changing them.
 */
export async function clearFiles(context: TransactionContext, kind: FileTraces): Promise<boolean> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const snapshot = await context.snapshot();
    const files = await filesWith(snapshot, kind);
    if (files.length === 0) return round > 0;
    if (kind === 'row ids') await forgetRowIds(context, snapshot, files);
    else await rewrite(context, snapshot, files);
  }
  throw new AppError(
    'commit_conflict',
    `Other writers keep changing files of ${context.log.table} that hold what is to be dropped; run it again`,
  );
}

/** Files of a snapshot that hold traces. */
export async function filesWith(snapshot: Snapshot, kind: FileTraces): Promise<readonly DataFile[]> {
  switch (kind) {
    case 'vectors':
      return snapshot.files.filter(({ add }) => add.deletionVector !== undefined);
    case 'row ids':
      return snapshot.files.filter(
        ({ add }) => add.baseRowId !== undefined || add.defaultRowCommitVersion !== undefined,
      );
    case 'narrow types':
      // Types that were never changed are those of all files.
      if (!snapshot.metadata.schemaString.includes('"delta.typeChanges"')) return [];
      return await withDuckDb((db) => narrowFiles(db, snapshot));
  }
}

async function rewrite(context: TransactionContext, snapshot: Snapshot, files: readonly DataFile[]): Promise<void> {
  const fileBytes = targetFileBytes(snapshot);
  await rewriteBins(context, snapshot, packAll(files, fileBytes), {
    columns: [],
    isClustered: false,
    fileBytes,
    operation: 'REORG',
    parameters: { predicate: '[]', applyPurge: 'true' },
  });
}

async function forgetRowIds(
  context: TransactionContext,
  snapshot: Snapshot,
  files: readonly DataFile[],
): Promise<void> {
  await commitWork(context, snapshot, {
    operation: 'ROW TRACKING UNBACKFILL',
    parameters: { batchId: '0' },
    adds: files.map(({ add }) => {
      const { baseRowId: _id, defaultRowCommitVersion: _version, ...kept } = add;
      return { ...kept, dataChange: false };
    }),
    reads: { ...READ_NOTHING, files: new Set(files.map(({ key }) => key)) },
  });
}

/**
 * Commits tombstones of deletion vectors as if they were files: a VACUUM that knows no vectors would take
 * those away that versions within the retention need.
 */
export async function buryVectors(context: TransactionContext): Promise<void> {
  const snapshot = await context.snapshot();
  const nowMs = context.nowMs();
  const sinceMs = nowMs - deletedFileRetentionMs(snapshot.metadata);
  const paths = new Set<string>();
  const buried = new Set<string>();
  for (const { path, deletionVector, deletionTimestamp } of snapshot.state.tombstones()) {
    if (Number(deletionTimestamp ?? 0) <= sinceMs) continue;
    const place = deletionVector === undefined ? undefined : deletionVectorPlace(deletionVector);
    if (deletionVector === undefined) buried.add(path);
    else if (place?.kind === 'relative') paths.add(actionPathOfKey(place.path));
  }
  const removes = [...paths].filter((path) => !buried.has(path)).map((path) => vectorTombstone(path, nowMs));
  if (removes.length === 0) return;
  await commitWork(context, snapshot, { operation: 'Deletion Vector Tombstones', removes, reads: READ_NOTHING });
}

function vectorTombstone(path: string, deletionTimestamp: number): RemoveFile {
  return { path, deletionTimestamp, dataChange: false };
}

async function narrowFiles(db: DuckDb, snapshot: Snapshot): Promise<DataFile[]> {
  const mode = columnMappingMode(snapshot);
  const narrow: DataFile[] = [];
  const { files, schema } = snapshot;
  for (let at = 0; at < files.length; at += FOOTERS) {
    const some = files.slice(at, at + FOOTERS);
    const paths = await localPaths(
      db,
      snapshot.store,
      some.map(({ key }) => key),
    );
    const schemas = await fileSchemas(db, paths);
    some.forEach((file, number) => {
      const columns = schemas.get(paths[number] ?? '')?.columns ?? [];
      if (isNarrower(schema, { name: '', fieldId: undefined, kind: 'struct', leafType: '', children: columns }, mode))
        narrow.push(file);
    });
    await releaseCopies(db);
  }
  return narrow;
}

/** Whether a file holds a part of a type as a narrower one. */
function isNarrower(wanted: DeltaType, actual: FileColumn, mode: ReturnType<typeof columnMappingMode>): boolean {
  if (wanted === 'variant') return false;
  if (!isNested(wanted)) {
    const [held] = actual.kind === 'leaf' ? fieldsOfFile([actual]) : [];
    return held !== undefined && isWider(held.type, wanted);
  }
  const [first, second] = actual.children;
  const isChildNarrower = (type: DeltaType, child: FileColumn | undefined): boolean =>
    child !== undefined && isNarrower(type, child, mode);
  switch (wanted.type) {
    case 'struct':
      return wanted.fields.some((item) => isChildNarrower(item.type, findColumn({ mode }, item, actual.children)));
    case 'array':
      return isChildNarrower(wanted.elementType, first);
    case 'map':
      return isChildNarrower(wanted.keyType, first) || isChildNarrower(wanted.valueType, second);
  }
}
