import { AppError } from '../../base/errors.ts';
import { bindExpression, expressionSql, type Formula, parseExpression } from '../expression/expressions.ts';
import { columnPathSql } from '../scan/column-path.ts';
import { duckdbScan } from '../scan/duckdb-scan.ts';
import { judgeFiles } from '../scan/prune-snapshot.ts';
import type { DataFile, Snapshot } from '../scan/snapshot.ts';
import { type CommitOutcome, checkTakesRemoves, commitWork } from '../transaction/commit-loop.ts';
import { removeOf, type TransactionContext } from '../transaction/work.ts';
import { findField } from '../types/delta-type.ts';
import { sqlName } from '../types/sql-types.ts';
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
import { guardedQuery } from './guarded-query.ts';
import { matchedRows } from './matched-rows.ts';
import { writeQuery } from './query-writer.ts';
import { type TableRules, tableRules } from './table-rules.ts';
import { discardFiles, type WriteSession, withSession } from './write-session.ts';

/** Which rows to change, and how. */
export interface UpdateRequest extends ChangeRequest {
  /** New values by column: expressions of the old row. */
  readonly set: Readonly<Record<string, string>>;
  /** A condition; rows for which it is true change. All rows without it. */
  readonly where?: string;
}

/**
 * Changes rows: they are written to new files and taken out of the old ones by deletion vectors, where
 * the table has them, else the files are written anew.
 *
 * @throws AppError invalid_request, constraint_violated, table_unsupported.
 */
export function updateRows(context: TransactionContext, request: UpdateRequest): Promise<CommitOutcome> {
  return withSession(context, request, async (session) => {
    const { snapshot, db } = session;
    checkTakesRemoves(snapshot);
    const nowMs = context.nowMs();
    const rules = tableRules(snapshot, BigInt(nowMs) * 1000n);
    const assignments = assignmentsOf(snapshot, request.set, rules, nowMs);
    const where = conditionOf(snapshot, request.where ?? 'true', nowMs);
    const candidates = judgeFiles(snapshot, where).map(({ file }) => file);
    const columns = [...new Set(where.columns.map(({ path }) => path[0] ?? ''))];
    const scan = await duckdbScan(db, snapshot, { files: candidates, columns, places: ['#file', '#row'] });
    const passes = expressionSql(where, columnPathSql);
    const rows = await matchedRows(db, `SELECT "#file", "#row" FROM ${scan} WHERE ${passes}`);
    if (rows.size === 0) return { kind: 'nothing', version: snapshot.version };
    const matches = new Map([...rows].map(([at, set]) => [candidates[at] as DataFile, set] as const));
    const change = await rewrite(session, [...matches.keys()], { assignments, rules, passes });
    const vectors = usesVectors(snapshot) ? await deleteByVectors(session, matches) : undefined;
    const removes = vectors?.removes ?? [...matches.keys()].map(({ add }) => removeOf(add, nowMs, true));
    const updated = [...matches.values()].reduce((sum, { cardinality }) => sum + cardinality, 0);
    const outcome = await commitWork(context, snapshot, {
      operation: 'UPDATE',
      parameters: { predicate: JSON.stringify(request.where === undefined ? [] : [request.where]) },
      metrics: {
        numRemovedFiles: String(removes.length),
        numAddedFiles: String(change.adds.length),
        numUpdatedRows: String(updated),
      },
      ...commonWork(request),
      reads: readsOf(snapshot, candidates, request, request.where === undefined ? undefined : where),
      adds: [...(vectors?.adds ?? []), ...change.adds],
      removes,
      cdc: change.cdc,
      keepsRowIds: keepsRowIds(snapshot),
    });
    if (outcome.kind === 'committed') return { ...outcome, files: change.adds.length, rows: updated };
    await discardFiles(context, [...change.adds, ...change.cdc]);
    return outcome;
  });
}

/** The values of a SET, each of its column's type. @throws AppError invalid_request. */
function assignmentsOf(
  { schema }: Snapshot,
  set: UpdateRequest['set'],
  rules: TableRules,
  nowMs: number,
): Map<string, Formula> {
  const assignments = new Map<string, Formula>();
  for (const [column, text] of Object.entries(set)) {
    const target = findField(schema, column);
    if (target === undefined) throw new AppError('invalid_request', `There is no column ${column} to set`, { column });
    if (rules.identities.has(target.name)) {
      throw new AppError('invalid_request', `The identity column ${target.name} cannot be set`, { column });
    }
    const now = BigInt(nowMs) * 1000n;
    assignments.set(target.name, bindExpression(parseExpression(text), schema, target.type, { now }));
  }
  if (assignments.size === 0) throw new AppError('invalid_request', 'An update sets no column');
  return assignments;
}

interface Rewrite {
  readonly assignments: ReadonlyMap<string, Formula>;
  readonly rules: TableRules;
  /** The condition in SQL. */
  readonly passes: string;
}

async function rewrite(session: WriteSession, files: readonly DataFile[], { assignments, rules, passes }: Rewrite) {
  const { context, db, snapshot } = session;
  const places = rowIdPlaces(snapshot);
  const scan = await duckdbScan(db, snapshot, { files, places });
  const values = snapshot.schema.fields.map(({ name }) => {
    const formula = assignments.get(name);
    return formula === undefined ? sqlName(name) : `${expressionSql(formula, columnPathSql)} AS ${sqlName(name)}`;
  });
  // A changed row keeps its id; its version is that of this commit.
  const kept = places.map((place) => (place === '#row_version' ? `NULL::BIGINT AS "#row_version"` : sqlName(place)));
  const changed = `(SELECT ${[...values, ...kept].join(', ')} FROM ${scan} WHERE ${passes})`;
  const given = new Set(
    snapshot.schema.fields
      .map(({ name }) => name)
      .filter((name) => !rules.generated.has(name) || assignments.has(name)),
  );
  const guarded = guardedQuery(snapshot, { ...rules, identities: new Map() }, changed, given, { through: places });
  const untouched = `SELECT * FROM ${scan} WHERE (${passes}) IS NOT TRUE`;
  const sql = usesVectors(snapshot) ? guarded.sql : `(SELECT * FROM ${guarded.sql} UNION ALL ${untouched})`;
  const { adds } = await writeQuery(context, db, snapshot, { sql, keepsRowIds: keepsRowIds(snapshot) });
  if (!tellsChanges(snapshot)) return { adds, cdc: [] };
  const columns = snapshot.schema.fields.map(({ name }) => sqlName(name)).join(', ');
  const { cdc } = await writeQuery(context, db, snapshot, {
    sql: `(SELECT ${columns}, 'update_preimage' AS _change_type FROM ${scan} WHERE ${passes}
      UNION ALL SELECT ${columns}, 'update_postimage' FROM ${guarded.sql})`,
    isChangeData: true,
  });
  return { adds, cdc };
}
