import { AppError } from '../../base/errors.ts';
import type { ExactJson } from '../../base/exact-json.ts';
import type { Formula } from '../expression/expressions.ts';
import type { AddFile } from '../log/actions.ts';
import { checkWritable } from '../log/table-features.ts';
import { duckdbScan } from '../scan/duckdb-scan.ts';
import { judgeFiles } from '../scan/prune-snapshot.ts';
import type { DataFile, Snapshot } from '../scan/snapshot.ts';
import { commitWork } from '../transaction/commit-loop.ts';
import { READ_NOTHING, removeOf, type TransactionContext } from '../transaction/work.ts';
import { conditionOf, keepsRowIds, rowIdPlaces } from '../write/change-request.ts';
import { targetFileBytes, writeQuery } from '../write/query-writer.ts';
import { discardFiles, type WriteSession, withDuckDb } from '../write/write-session.ts';
import { type ColumnPath, clusteringColumns, orderedSql } from './clustering-order.ts';
import { type Bin, commitGroups, packFiles, wholePartitions } from './optimize-plan.ts';

/** What to optimize, and how. */
export interface OptimizeRequest {
  /** A condition on partition columns; the whole table without it. */
  readonly where?: string;
  /** Columns by which rows are ordered, so that files have narrow bounds. A clustered table has its own. */
  readonly zOrderBy?: readonly string[];
  /** Whether a clustered table's files are ordered anew even where they are already. */
  readonly full?: boolean;
  /** Bytes of a file; as the table asks for without it. */
  readonly fileBytes?: number;
  /** Told after each commit. */
  readonly onProgress?: (progress: { readonly done: number; readonly bins: number }) => void;
}

/** What OPTIMIZE did. */
export interface OptimizeFigures {
  readonly version: number;
  readonly commits: number;
  readonly filesRemoved: number;
  readonly filesAdded: number;
  readonly bytesRemoved: number;
  readonly bytesAdded: number;
  /** Groups of files that another writer changed meanwhile: they are left as they are. */
  readonly conflicts: number;
}

/** Bytes of a commit: a killed run has done all but one. */
const GROUP_FILES = 4;

/**
 * Writes small files together, or all of them in an order: rows do not change, so that it conflicts
 * with no append, and a conflict with a delete costs one group. Each group of files is a commit.
 *
 * @throws AppError invalid_request for a condition that is not of the partition, table_unsupported.
 */
export async function optimizeTable(
  context: TransactionContext,
  request: OptimizeRequest = {},
): Promise<OptimizeFigures> {
  const snapshot = await context.snapshot();
  checkWritable(snapshot.table, snapshot.protocol, snapshot.metadata);
  const clustered = clusteringColumns(snapshot);
  if (clustered.length > 0 && (request.zOrderBy !== undefined || request.where !== undefined)) {
    throw new AppError(
      'invalid_request',
      `The table ${snapshot.table} is clustered: it takes no zOrderBy and no where`,
    );
  }
  const columns = request.zOrderBy?.map((name) => [name]) ?? clustered;
  const fileBytes = request.fileBytes ?? targetFileBytes(snapshot);
  const ordering = { columns, isClustered: clustered.length > 0, fileBytes };
  const bins = planBins(snapshot, request, { ...ordering, nowMs: context.nowMs() });
  const { onProgress } = request;
  return await rewriteBins(context, snapshot, bins, {
    ...ordering,
    operation: 'OPTIMIZE',
    parameters: { predicate: '[]', zOrderBy: JSON.stringify(request.zOrderBy ?? []), auto: 'false' },
    ...(onProgress === undefined ? {} : { onProgress }),
  });
}

/** How files are written anew, and what history calls it. */
export interface Rewrite extends Ordering, Pick<OptimizeRequest, 'onProgress'> {
  readonly operation: 'OPTIMIZE' | 'REORG';
  readonly parameters: Readonly<Record<string, ExactJson>>;
}

/** Writes the files of each bin anew, some bins a commit; a group that another writer changed is left as it is. */
export async function rewriteBins(
  context: TransactionContext,
  snapshot: Snapshot,
  bins: readonly Bin[],
  rewrite: Rewrite,
): Promise<OptimizeFigures> {
  const figures = {
    version: snapshot.version,
    commits: 0,
    filesRemoved: 0,
    filesAdded: 0,
    bytesRemoved: 0,
    bytesAdded: 0,
    conflicts: 0,
  };
  let done = 0;
  for (const group of commitGroups(bins, GROUP_FILES * rewrite.fileBytes)) {
    const outcome = await withDuckDb((db) => rewriteGroup({ context, db, snapshot }, group, rewrite));
    done += group.length;
    if (outcome === undefined) figures.conflicts += 1;
    else {
      const removed = group.flatMap(({ files }) => files);
      figures.version = outcome.version;
      figures.commits += 1;
      figures.filesRemoved += removed.length;
      figures.filesAdded += outcome.adds.length;
      figures.bytesRemoved += removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      figures.bytesAdded += outcome.adds.reduce((sum, { size }) => sum + Number(size), 0);
    }
    rewrite.onProgress?.({ done, bins: bins.length });
  }
  return figures;
}

interface Ordering {
  readonly columns: readonly ColumnPath[];
  readonly isClustered: boolean;
  readonly fileBytes: number;
}

function planBins(
  snapshot: Snapshot,
  request: OptimizeRequest,
  ordering: Ordering & { readonly nowMs: number },
): Bin[] {
  const wanted = filesOf(snapshot, request.where, ordering.nowMs);
  if (ordering.columns.length === 0) return packFiles(wanted, ordering.fileBytes);
  const isDone = (file: DataFile): boolean =>
    request.full !== true && file.add.deletionVector === undefined && isOrdered(file, ordering);
  if (!ordering.isClustered) return wholePartitions(wanted).filter(({ files }) => !files.every(isDone));
  // Files that are clustered and large stay; the others are clustered among themselves.
  const loose = wanted.filter((file) => !isDone(file) || file.sizeBytes < ordering.fileBytes / 2);
  return loose.some((file) => !isDone(file)) ? wholePartitions(loose) : [];
}

/** Whether a file was written in the wanted order: its tags, or its provider, say so. */
function isOrdered({ add }: DataFile, { columns, isClustered }: Ordering): boolean {
  return isClustered ? add.clusteringProvider === PROVIDER : add.tags?.[ORDER_TAG] === orderTag(columns);
}

/** What other engines call clustering by the domain `delta.clustering`. */
const PROVIDER = 'liquid';
const ORDER_TAG = 'ZCUBE_ZORDER_BY';

function orderTag(columns: readonly ColumnPath[]): string {
  return JSON.stringify(columns.map((path) => path.join('.')));
}

function filesOf(snapshot: Snapshot, where: string | undefined, nowMs: number): DataFile[] {
  if (where === undefined) return [...snapshot.files];
  const condition = conditionOf(snapshot, where, nowMs);
  checkOfPartition(snapshot, condition);
  return judgeFiles(snapshot, condition).map(({ file }) => file);
}

function checkOfPartition({ partitionColumns, table }: Snapshot, condition: Formula): void {
  const other = condition.columns.find(({ path }) => path.length !== 1 || !partitionColumns.includes(path[0] ?? ''));
  if (other === undefined) return;
  throw new AppError(
    'invalid_request',
    `OPTIMIZE takes whole partitions of ${table}: ${other.path.join('.')} is no partition column`,
  );
}

async function rewriteGroup(
  session: WriteSession,
  group: readonly Bin[],
  { operation, parameters, ...ordering }: Rewrite,
): Promise<{ readonly version: number; readonly adds: readonly AddFile[] } | undefined> {
  const { context, db, snapshot } = session;
  const adds: AddFile[] = [];
  const tags =
    ordering.isClustered || ordering.columns.length === 0 ? undefined : { [ORDER_TAG]: orderTag(ordering.columns) };
  for (const { files, partition } of group) {
    const scan = await duckdbScan(db, snapshot, { files, places: rowIdPlaces(snapshot) });
    const written = await writeQuery(context, db, snapshot, {
      sql: ordering.columns.length === 0 ? scan : orderedSql(snapshot, scan, ordering.columns),
      keepsRowIds: keepsRowIds(snapshot),
      dataChange: false,
      partition,
      fileBytes: ordering.fileBytes,
      ...(tags === undefined ? {} : { tags }),
      ...(ordering.isClustered ? { clusteringProvider: PROVIDER } : {}),
    });
    adds.push(...written.adds);
  }
  const files = group.flatMap((bin) => bin.files);
  const outcome = await commitWork(context, snapshot, {
    operation,
    parameters,
    metrics: {
      numRemovedFiles: String(files.length),
      numRemovedBytes: String(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
      numAddedFiles: String(adds.length),
      numAddedBytes: String(adds.reduce((sum, { size }) => sum + Number(size), 0)),
    },
    reads: { ...READ_NOTHING, files: new Set(files.map(({ key }) => key)) },
    adds,
    removes: files.map(({ add }) => removeOf(add, context.nowMs(), false)),
    keepsRowIds: keepsRowIds(snapshot),
  });
  if (outcome.kind === 'committed') return { version: outcome.version, adds };
  await discardFiles(context, adds);
  return undefined;
}
