import { AppError } from '../../base/errors.ts';
import type { RowSet } from '../deletion-vectors/row-set.ts';
import type { ColumnReference } from '../expression/bound-expression.ts';
import { expressionSql, type Formula } from '../expression/expressions.ts';
import { duckdbScan } from '../scan/duckdb-scan.ts';
import type { DataFile } from '../scan/snapshot.ts';
import { type CommitOutcome, checkTakesRemoves, commitWork } from '../transaction/commit-loop.ts';
import { removeOf, type TransactionContext } from '../transaction/work.ts';
import { commonWork, keepsRowIds, readsOf } from './change-request.ts';
import { deleteByVectors, usesVectors } from './deleted-rows.ts';
import { matchedRows } from './matched-rows.ts';
import { mergeCandidates } from './merge-candidates.ts';
import { type BoundClause, type MergePlan, mergePlan } from './merge-plan.ts';
import type { MergeRequest } from './merge-request.ts';
import { sideSql } from './merge-sides.ts';
import { writeMerge } from './merge-write.ts';
import { stageRows } from './row-source.ts';
import { tableRules } from './table-rules.ts';
import { discardFiles, type WriteSession, withSession } from './write-session.ts';

/**
 * Merges rows into a table, as Spark's MERGE: which row of the table belongs to which of the source is
 * found by a join in DuckDB over the files that may hold one; what becomes of them is decided by the
 * first clause whose condition is true.
 *
 * @throws AppError invalid_request, also where one row of the table belongs to several of the source,
 * constraint_violated, table_unsupported.
 */
export function mergeRows(context: TransactionContext, request: MergeRequest): Promise<CommitOutcome> {
  return withSession(context, request, async (session) => {
    const { snapshot, db } = session;
    const nowMs = context.nowMs();
    const staged = await stageRows(db, request.source, snapshot.schema);
    const rules = tableRules(snapshot, BigInt(nowMs) * 1000n);
    const plan = mergePlan(snapshot, request, staged.schema, rules, nowMs);
    if (plan.matched.length + plan.bySource.length > 0) checkTakesRemoves(snapshot);
    await db.run(`CREATE TEMP TABLE merge_source AS SELECT *, row_number() OVER () AS "#source" FROM ${staged.sql}`);
    const candidates = await mergeCandidates(session, plan, 'merge_source');
    await decide(session, plan, candidates.files);
    const rowsOf = await matchedRows(db, 'SELECT "#file", "#row" FROM merge_actions ORDER BY "#file", "#row"');
    const files = [...rowsOf.keys()].map((number) => ({ file: candidates.files[number] as DataFile, number }));
    const touched = new Map(files.map(({ file, number }) => [file, rowsOf.get(number) as RowSet] as const));
    const inserts = plan.notMatched.length > 0;
    if (touched.size === 0 && !inserts) return { kind: 'nothing', version: snapshot.version };
    const written = await writeMerge(session, { plan, rules, touched: files });
    if (touched.size === 0 && written.adds.length === 0) return { kind: 'nothing', version: snapshot.version };
    const vectors = usesVectors(snapshot) ? await deleteByVectors(session, touched) : undefined;
    const removes = vectors?.removes ?? [...touched.keys()].map(({ add }) => removeOf(add, nowMs, true));
    const adds = [...(vectors?.adds ?? []), ...written.adds];
    const outcome = await commitWork(context, snapshot, {
      operation: 'MERGE',
      parameters: { predicate: JSON.stringify([request.on]), ...clauseParameters(request) },
      metrics: {
        numSourceRows: String(written.sourceRows),
        numTargetRowsInserted: String(written.inserted),
        numTargetRowsUpdated: String(written.updated),
        numTargetRowsDeleted: String(written.deleted),
        numTargetFilesAdded: String(written.adds.length),
        numTargetFilesRemoved: String(removes.length),
      },
      ...commonWork(request),
      reads: readsOf(snapshot, candidates.files, request, candidates.condition),
      adds,
      removes,
      cdc: written.cdc,
      ...(written.metadata === undefined ? {} : { metadata: written.metadata }),
      keepsRowIds: keepsRowIds(snapshot),
    });
    const rows = written.inserted + written.updated + written.deleted;
    if (outcome.kind === 'committed') return { ...outcome, files: written.adds.length, rows };
    await discardFiles(context, [...written.adds, ...written.cdc]);
    return outcome;
  });
}

/**
 * Makes the table `merge_actions`: for each row of the table that a clause is for, its place, the
 * source's row and the number of the clause; clauses of rows without one of the source count on. And
 * `merge_pairs`: which rows of the source have one of the table.
 */
async function decide({ db, snapshot }: WriteSession, plan: MergePlan, files: readonly DataFile[]): Promise<void> {
  const columns = columnsOf(plan, plan.target);
  const target = await duckdbScan(db, snapshot, { files, columns, places: ['#file', '#row'] });
  const side = sideSql(plan);
  await db.run(
    `CREATE TEMP TABLE merge_pairs AS SELECT t."#file", t."#row", s."#source", ${clauseSql(plan.matched, 0, side)} AS "#action"
     FROM ${target} t JOIN merge_source s ON ${expressionSql(plan.on, side)}`,
  );
  const onlyDeletes =
    plan.matched.length === 1 && plan.matched[0]?.set === undefined && plan.matched[0]?.condition === undefined;
  if (!onlyDeletes) {
    const [twice] = await db.rows(
      `SELECT 1 FROM merge_pairs WHERE "#action" IS NOT NULL GROUP BY "#file", "#row" HAVING count(*) > 1 LIMIT 1`,
    );
    if (twice !== undefined) {
      throw new AppError(
        'invalid_request',
        `A row of ${snapshot.table} belongs to several rows of the source: which of them to take cannot be told`,
        { table: snapshot.table },
      );
    }
  }
  const bySource =
    plan.bySource.length === 0
      ? ''
      : `UNION ALL SELECT * FROM (SELECT t."#file", t."#row", NULL::BIGINT, ${clauseSql(plan.bySource, plan.matched.length, side)} AS a
         FROM ${target} t ANTI JOIN merge_pairs p ON p."#file" = t."#file" AND p."#row" = t."#row") WHERE a IS NOT NULL`;
  await db.run(
    `CREATE TEMP TABLE merge_actions AS SELECT "#file", "#row", min("#source") AS "#source", min("#action") AS "#action"
     FROM merge_pairs WHERE "#action" IS NOT NULL GROUP BY "#file", "#row" ${bySource}`,
  );
}

/** The number of the first clause whose condition is true; null for none. */
function clauseSql(clauses: readonly BoundClause[], from: number, side: (column: ColumnReference) => string): string {
  const branches = clauses.map(({ condition }, at) => {
    const test = condition === undefined ? 'true' : expressionSql(condition, side);
    return `WHEN ${test} THEN ${from + at}`;
  });
  return branches.length === 0 ? 'NULL::INTEGER' : `CASE ${branches.join(' ')} END`;
}

/** Columns of a side that conditions ask for. */
function columnsOf(plan: MergePlan, alias: string): string[] {
  const conditions: (Formula | undefined)[] = [
    plan.on,
    ...plan.matched.map(({ condition }) => condition),
    ...plan.bySource.map(({ condition }) => condition),
  ];
  const names = conditions
    .flatMap((formula) => formula?.columns ?? [])
    .filter(({ relation }) => relation === alias)
    .map(({ path }) => path[0] ?? '');
  return [...new Set(names)];
}

function clauseParameters({ whenMatched = [], whenNotMatched = [], whenNotMatchedBySource = [] }: MergeRequest) {
  const matched = (clauses: typeof whenMatched): string =>
    JSON.stringify(
      clauses.map(({ condition, action }) => ({
        ...(condition === undefined ? {} : { predicate: condition }),
        actionType: action === 'delete' ? 'delete' : 'update',
      })),
    );
  return {
    matchedPredicates: matched(whenMatched),
    notMatchedPredicates: JSON.stringify(
      whenNotMatched.map(({ condition }) => ({
        ...(condition === undefined ? {} : { predicate: condition }),
        actionType: 'insert',
      })),
    ),
    notMatchedBySourcePredicates: matched(whenNotMatchedBySource),
  };
}
