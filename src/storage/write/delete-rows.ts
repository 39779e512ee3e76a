import type { RowSet } from '../deletion-vectors/row-set.ts';
import { expressionSql, type Formula } from '../expression/expressions.ts';
import { columnPathSql } from '../scan/column-path.ts';
import { duckdbScan } from '../scan/duckdb-scan.ts';
import { type JudgedFile, judgeFiles } from '../scan/prune-snapshot.ts';
import type { DataFile } from '../scan/snapshot.ts';
import { type CommitOutcome, checkTakesRemoves, commitWork } from '../transaction/commit-loop.ts';
import { removeOf, type TransactionContext, type Work } from '../transaction/work.ts';
import {
  type ChangeRequest,
  commonWork,
  conditionOf,
  keepsRowIds,
  readsOf,
  rowIdPlaces,
  tellsChanges,
} from './change-request.ts';
import { deleteByVectors, usesVectors } from './deleted-rows.ts';
import { matchedRows } from './matched-rows.ts';
import { writeQuery } from './query-writer.ts';
import { discardFiles, type WriteSession, withSession } from './write-session.ts';

/** Which rows to delete. */
export interface DeleteRequest extends ChangeRequest {
  /** A condition; rows for which it is true go. All rows without it. */
  readonly where?: string;
}

/**
 * Deletes rows: files of which all rows go are not read, of others rows are taken out by deletion
 * vectors, where the table has them, else the file is written anew without them.
 *
 * @throws AppError invalid_request for the condition, table_unsupported for an append-only table.
 */
export function deleteRows(context: TransactionContext, request: DeleteRequest): Promise<CommitOutcome> {
  return withSession(context, request, async (session) => {
    const { snapshot } = session;
    checkTakesRemoves(snapshot);
    const condition = request.where === undefined ? undefined : conditionOf(snapshot, request.where, context.nowMs());
    const judged: JudgedFile[] =
      condition === undefined
        ? snapshot.files.map((file) => ({ file, verdict: 'all' }))
        : judgeFiles(snapshot, condition);
    const whole = judged.filter(({ verdict }) => verdict === 'all').map(({ file }) => file);
    const partly = judged.filter(({ verdict }) => verdict === 'some').map(({ file }) => file);
    const matches = condition === undefined ? new Map() : await matchesOf(session, partly, condition);
    if (whole.length === 0 && matches.size === 0) return { kind: 'nothing', version: snapshot.version };
    const change = await deletion(session, whole, matches, condition);
    const files = judged.map(({ file }) => file);
    const rows = [...matches.values()].reduce((sum, set) => sum + set.cardinality, rowsOf(whole));
    const outcome = await commitWork(context, snapshot, {
      operation: 'DELETE',
      parameters: { predicate: JSON.stringify(request.where === undefined ? [] : [request.where]) },
      metrics: {
        numRemovedFiles: String(change.removes?.length ?? 0),
        numAddedFiles: String(change.adds?.length ?? 0),
        numDeletedRows: String(rows),
      },
      ...commonWork(request),
      reads: readsOf(snapshot, files, request, condition),
      ...change,
      keepsRowIds: keepsRowIds(snapshot),
    });
    if (outcome.kind === 'committed') return { ...outcome, files: change.adds?.length ?? 0, rows };
    if (!usesVectors(snapshot)) await discardFiles(context, [...(change.adds ?? []), ...(change.cdc ?? [])]);
    return outcome;
  });
}

async function matchesOf(
  { db, snapshot }: WriteSession,
  files: readonly DataFile[],
  condition: Formula,
): Promise<Map<DataFile, RowSet>> {
  if (files.length === 0) return new Map();
  const columns = [...new Set(condition.columns.map(({ path }) => path[0] ?? ''))];
  const scan = await duckdbScan(db, snapshot, { files, columns, places: ['#file', '#row'] });
  const sql = `SELECT "#file", "#row" FROM ${scan} WHERE ${expressionSql(condition, columnPathSql)}`;
  const rows = await matchedRows(db, sql);
  return new Map([...rows].map(([file, set]) => [files[file] as DataFile, set] as const));
}

async function deletion(
  session: WriteSession,
  whole: readonly DataFile[],
  matches: ReadonlyMap<DataFile, RowSet>,
  condition: Formula | undefined,
): Promise<Pick<Work, 'adds' | 'removes' | 'cdc'>> {
  const { context, snapshot, db } = session;
  const nowMs = context.nowMs();
  const gone = whole.map(({ add }) => removeOf(add, nowMs, true));
  if (matches.size === 0 || condition === undefined) return { removes: gone };
  if (usesVectors(snapshot)) {
    const { adds, removes } = await deleteByVectors(session, matches);
    return { adds, removes: [...gone, ...removes] };
  }
  const files = [...matches.keys()];
  const passes = expressionSql(condition, columnPathSql);
  const scan = await duckdbScan(db, snapshot, { files, places: rowIdPlaces(snapshot) });
  const kept = await writeQuery(context, db, snapshot, {
    sql: `(SELECT * FROM ${scan} WHERE (${passes}) IS NOT TRUE)`,
    keepsRowIds: keepsRowIds(snapshot),
  });
  const removes = [...gone, ...files.map(({ add }) => removeOf(add, nowMs, true))];
  if (!tellsChanges(snapshot)) return { adds: kept.adds, removes };
  // A commit with change files is read by them alone, so they hold the rows of whole files too.
  const all = await duckdbScan(db, snapshot, { files: [...whole, ...files] });
  const { cdc } = await writeQuery(context, db, snapshot, {
    sql: `(SELECT *, 'delete' AS _change_type FROM ${all} WHERE ${passes})`,
    isChangeData: true,
  });
  return { adds: kept.adds, removes, cdc };
}

function rowsOf(files: readonly DataFile[]): number {
  return files.reduce(
    (sum, { add, statistics }) => sum + (statistics()?.numRecords ?? 0) - (add.deletionVector?.cardinality ?? 0),
    0,
  );
}
