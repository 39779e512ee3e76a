import type { AddCdcFile, AddFile, Metadata } from '../log/actions.ts';
import { duckdbScan } from '../scan/duckdb-scan.ts';
import { sqlName } from '../types/sql-types.ts';
import { keepsRowIds, rowIdPlaces, tellsChanges } from './change-request.ts';
import { usesVectors } from './deleted-rows.ts';
import type { GuardedQuery } from './guarded-query.ts';
import { insertConditions, insertedRows, UNMATCHED } from './merge-inserts.ts';
import {
  joinedSql,
  type MergeDecisions,
  numbered,
  rewritesInOnePass,
  rewrittenRows,
  updatedRows,
} from './merge-updates.ts';
import { writeQuery } from './query-writer.ts';
import type { WriteSession } from './write-session.ts';

/** What a merge wrote. */
export interface WrittenMerge {
  readonly adds: readonly AddFile[];
  readonly cdc: readonly AddCdcFile[];
  readonly sourceRows: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** With the numbers that identity columns gave. */
  readonly metadata: Metadata | undefined;
}

/** Writes the rows of a merge: changed ones, new ones and, without deletion vectors, those that lay beside them. */
export async function writeMerge(session: WriteSession, decisions: MergeDecisions): Promise<WrittenMerge> {
  const { db, snapshot, context } = session;
  const { touched } = decisions;
  const places = rowIdPlaces(snapshot);
  const files = touched.map(({ file }) => file);
  const target = await duckdbScan(db, snapshot, { files, places: ['#file', '#row', ...places] });
  const joined = joinedSql(decisions, target);
  const changed = updatedRows(session, decisions, joined, places);
  const isOnePass = rewritesInOnePass(session, decisions);
  const kept = isOnePass ? rewrittenRows(session, decisions, target, places) : changed;
  const inserted = await insertedRows(session, decisions, places);
  const columns = [...snapshot.schema.fields.map(({ name }) => sqlName(name)), ...places.map(sqlName)].join(', ');
  const relations = [...(kept === undefined ? [] : [kept.sql]), ...inserted.relations];
  const parts = relations.map((relation) => `SELECT ${columns} FROM ${relation}`);
  if (!isOnePass && !usesVectors(snapshot) && touched.length > 0) {
    parts.push(`SELECT ${columns} FROM ${numbered(decisions, target)} t
      ANTI JOIN merge_actions a ON a."#file" = t."#file" AND a."#row" = t."#row"`);
  }
  const { adds } =
    parts.length === 0
      ? { adds: [] }
      : await writeQuery(context, db, snapshot, {
          sql: `(${parts.join(' UNION ALL ')})`,
          keepsRowIds: keepsRowIds(snapshot),
        });
  const cdc = tellsChanges(snapshot) ? await writeChanges(session, decisions, joined, changed, inserted.relations) : [];
  return { adds, cdc, ...(await countRows(session, decisions)), metadata: inserted.metadata };
}

async function writeChanges(
  { context, db, snapshot }: WriteSession,
  { plan, touched }: MergeDecisions,
  joined: string,
  updated: GuardedQuery | undefined,
  inserted: readonly string[],
): Promise<readonly AddCdcFile[]> {
  const names = snapshot.schema.fields.map(({ name }) => name);
  const columns = names.map(sqlName).join(', ');
  const own = names.map((name) => `t.${sqlName(name)}`).join(', ');
  const clauses = [...plan.matched, ...plan.bySource];
  const deletes = clauses.flatMap(({ set }, at) => (set === undefined ? [at] : []));
  const kind =
    deletes.length === 0
      ? `'update_preimage'`
      : `CASE WHEN a."#action" IN (${deletes.join(', ')}) THEN 'delete' ELSE 'update_preimage' END`;
  const parts = [
    ...(touched.length === 0 ? [] : [`SELECT ${own}, ${kind} AS _change_type FROM ${joined}`]),
    ...(updated === undefined ? [] : [`SELECT ${columns}, 'update_postimage' AS _change_type FROM ${updated.sql}`]),
    ...inserted.map((relation) => `SELECT ${columns}, 'insert' AS _change_type FROM ${relation}`),
  ];
  if (parts.length === 0) return [];
  const { cdc } = await writeQuery(context, db, snapshot, {
    sql: `(${parts.join(' UNION ALL ')})`,
    isChangeData: true,
  });
  return cdc;
}

async function countRows({ db }: WriteSession, { plan }: MergeDecisions) {
  const clauses = [...plan.matched, ...plan.bySource];
  const updates = clauses.flatMap(({ set }, at) => (set === undefined ? [] : [at]));
  const anyInsert = insertConditions(plan).join(' OR ');
  const [row] = await db.rows(
    `SELECT (SELECT count(*) FROM merge_source)::DOUBLE AS source,
       (SELECT count(*) FROM merge_actions WHERE "#action" IN (${updates.length === 0 ? 'NULL' : updates.join(', ')}))::DOUBLE AS updated,
       (SELECT count(*) FROM merge_actions)::DOUBLE AS acted,
       (SELECT count(*) FROM ${UNMATCHED} WHERE ${anyInsert || 'false'})::DOUBLE AS inserted`,
  );
  const [source, updated, acted, inserted] = [row?.source, row?.updated, row?.acted, row?.inserted].map(Number);
  return {
    sourceRows: source ?? 0,
    updated: updated ?? 0,
    deleted: (acted ?? 0) - (updated ?? 0),
    inserted: inserted ?? 0,
  };
}
