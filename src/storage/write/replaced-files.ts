import { expressionSql, type Formula } from '../expression/expressions.ts';
import type { AddCdcFile, AddFile } from '../log/actions.ts';
import { columnPathSql } from '../scan/column-path.ts';
import { duckdbScan } from '../scan/duckdb-scan.ts';
import { judgeFiles } from '../scan/prune-snapshot.ts';
import type { DataFile } from '../scan/snapshot.ts';
import { READ_NOTHING, type Reads } from '../transaction/work.ts';
import { sqlName } from '../types/sql-types.ts';
import {
  type ChangeRequest,
  keepsRowIds,
  readsOf,
  rowIdPlaces,
  tellsChanges,
  transactionsOf,
} from './change-request.ts';
import { partitionTest } from './partition-test.ts';
import { writeQuery } from './query-writer.ts';
import type { WriteSession } from './write-session.ts';

/** Which files a write replaces. */
export interface ReplaceMode extends ChangeRequest {
  /**
   * `append` replaces nothing, `overwrite` every row, or those of a condition; `overwrite-partitions` the
   * partitions that the new rows lie in.
   */
  readonly mode: 'append' | 'overwrite' | 'overwrite-partitions';
}

/** What a write takes out, and what it read to know that. */
export interface Replaced {
  readonly files: readonly DataFile[];
  /** Rows of those files that stay. */
  readonly adds: readonly AddFile[];
  readonly cdc: readonly AddCdcFile[];
  readonly reads: Reads;
}

/** What is put in the place of others. */
export interface Replacement {
  readonly adds: readonly AddFile[];
  readonly condition: Formula | undefined;
  /** The relation of the new rows. */
  readonly rows: string;
}

/** The files that a write takes out by its mode, and what of them stays. */
export async function replacedFiles(
  session: WriteSession,
  request: ReplaceMode,
  replacement: Replacement,
): Promise<Replaced> {
  const { snapshot } = session;
  const nothing = { files: [], adds: [], cdc: [] };
  const appIds = new Set(transactionsOf(request.txn).map(({ appId }) => appId));
  if (request.mode === 'append') return { ...nothing, reads: { ...READ_NOTHING, appIds } };
  if (request.mode === 'overwrite-partitions') {
    const isInOne = partitionTest(
      snapshot,
      replacement.adds.map(({ partitionValues }) => partitionValues),
    );
    const files = [...snapshot.filesWhere(isInOne)];
    const isReplaced = ({ partitionValues }: Pick<AddFile, 'partitionValues'>): boolean => isInOne(partitionValues);
    const keys = new Set(files.map(({ key }) => key));
    return { ...nothing, files, reads: { wholeTable: false, predicates: [isReplaced], files: keys, appIds } };
  }
  const { condition } = replacement;
  if (condition === undefined) {
    return { ...nothing, files: snapshot.files, reads: readsOf(snapshot, snapshot.files, request, undefined) };
  }
  const judged = judgeFiles(snapshot, condition);
  const files = judged.map(({ file }) => file);
  const partly = judged.filter(({ verdict }) => verdict === 'some').map(({ file }) => file);
  const rewritten = await rewriteAround(session, condition, files, partly, replacement.rows);
  return { files, ...rewritten, reads: readsOf(snapshot, files, request, condition) };
}

/** Writes the rows of partly replaced files that stay; with a change feed, what was deleted and inserted. */
async function rewriteAround(
  { context, db, snapshot }: WriteSession,
  condition: Formula,
  files: readonly DataFile[],
  partly: readonly DataFile[],
  rows: string,
): Promise<Pick<Replaced, 'adds' | 'cdc'>> {
  // Whole files that come and go are changes that readers find by themselves.
  if (partly.length === 0) return { adds: [], cdc: [] };
  const passes = expressionSql(condition, columnPathSql);
  const scan = await duckdbScan(db, snapshot, { files: partly, places: rowIdPlaces(snapshot) });
  const { adds } = await writeQuery(context, db, snapshot, {
    sql: `(SELECT * FROM ${scan} WHERE (${passes}) IS NOT TRUE)`,
    keepsRowIds: keepsRowIds(snapshot),
  });
  if (!tellsChanges(snapshot)) return { adds, cdc: [] };
  const columns = snapshot.schema.fields.map(({ name }) => sqlName(name)).join(', ');
  const { cdc } = await writeQuery(context, db, snapshot, {
    sql: `(SELECT ${columns}, 'delete' AS _change_type FROM ${await duckdbScan(db, snapshot, { files })} WHERE ${passes}
      UNION ALL SELECT ${columns}, 'insert' FROM ${rows})`,
    isChangeData: true,
  });
  return { adds, cdc };
}
