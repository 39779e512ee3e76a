import { expressionSql, type Formula } from '../expression/expressions.ts';
import type { AddCdcFile, AddFile, Metadata } from '../log/actions.ts';
import { duckdbScan } from '../scan/duckdb-scan.ts';
import type { PlaceColumn } from '../scan/read-options.ts';
import type { DataFile } from '../scan/snapshot.ts';
import { sqlName } from '../types/sql-types.ts';
import { keepsRowIds, rowIdPlaces, tellsChanges } from './change-request.ts';
import { usesVectors } from './deleted-rows.ts';
import { type GuardedQuery, guardedQuery } from './guarded-query.ts';
import { identityAt, withHighWaterMarks } from './identity-values.ts';
import type { MergePlan } from './merge-plan.ts';
import { sideSql } from './merge-sides.ts';
import { writeQuery } from './query-writer.ts';
import type { TableRules } from './table-rules.ts';
import type { WriteSession } from './write-session.ts';

/** What a merge writes from: its decisions are in `merge_actions` and `merge_pairs`. */
export interface MergeDecisions {
  readonly plan: MergePlan;
  readonly rules: TableRules;
  /** Files that were joined; `#file` is an index of them. */
  readonly files: readonly DataFile[];
  /** Those of them in which a row changes. */
  readonly touched: readonly DataFile[];
}

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
  const places = rowIdPlaces(snapshot);
  const target = await duckdbScan(db, snapshot, { files: decisions.touched, places: ['#file', '#row', ...places] });
  const joined = joinedSql(decisions, target);
  const isOnePass = rewritesInOnePass(session, decisions);
  const updated = isOnePass
    ? rewrittenRows(session, decisions, target, places)
    : updatedRows(session, decisions, joined, places);
  const inserted = insertedRows(session, decisions, places);
  const counts = await countRows(session, decisions);
  const columns = [...snapshot.schema.fields.map(({ name }) => sqlName(name)), ...places.map(sqlName)].join(', ');
  const parts = [...(updated === undefined ? [] : [updated]), ...inserted].map(
    ({ sql }) => `SELECT ${columns} FROM ${sql}`,
  );
  if (!isOnePass && !usesVectors(snapshot) && decisions.touched.length > 0) {
    parts.push(`SELECT ${columns} FROM ${numbered(decisions, target)} t
      ANTI JOIN merge_actions a ON a."#file" = t."#file" AND a."#row" = t."#row"`);
  }
  const explain = (error: unknown): unknown =>
    [updated, ...inserted].reduce(
      (told, query) => (told === error && query !== undefined ? query.explain(error) : told),
      error,
    );
  try {
    const { adds } =
      parts.length === 0
        ? { adds: [] }
        : await writeQuery(context, db, snapshot, {
            sql: `(${parts.join(' UNION ALL ')})`,
            keepsRowIds: keepsRowIds(snapshot),
          });
    const changed = isOnePass ? updatedRows(session, decisions, joined, places) : updated;
    const cdc = tellsChanges(snapshot) ? await writeChanges(session, decisions, joined, changed, inserted) : [];
    return { adds, cdc, ...counts, metadata: await numbersGiven(session, decisions, inserted) };
  } catch (error) {
    throw explain(error);
  }
}

/** The scan of touched files, whose `#file` counts them, with the numbers that the decisions count by. */
function numbered({ files, touched }: MergeDecisions, target: string): string {
  const numbers = touched.map((file) => files.indexOf(file));
  return `(SELECT * REPLACE (list_extract([${numbers.join(', ')}]::BIGINT[], "#file" + 1) AS "#file") FROM ${target})`;
}

/** Rows of the table with a clause, joined to their rows of the source. */
function joinedSql(decisions: MergeDecisions, target: string): string {
  return `${numbered(decisions, target)} t
    JOIN merge_actions a ON a."#file" = t."#file" AND a."#row" = t."#row"
    LEFT JOIN merge_source s ON s."#source" = a."#source"`;
}

/**
 * Whether changed rows and those beside them are written by one scan: with constraints or generated
 * columns only changed rows are held to them, so that there are two.
 */
function rewritesInOnePass({ snapshot }: WriteSession, { rules, touched }: MergeDecisions): boolean {
  return !usesVectors(snapshot) && touched.length > 0 && rules.checks.length === 0 && rules.generated.size === 0;
}

/** Every row of touched files that stays, changed or not. */
function rewrittenRows(
  session: WriteSession,
  decisions: MergeDecisions,
  target: string,
  places: readonly PlaceColumn[],
): GuardedQuery {
  const { values, given, updates } = updatedValues(session, decisions);
  const kept = places.map((place) =>
    place === '#row_version'
      ? `CASE WHEN a."#action" IS NULL THEN t."#row_version" END AS "#row_version"`
      : `t.${sqlName(place)}`,
  );
  const isKept = [...updates.map(({ at }) => `a."#action" = ${at}`), 'a."#action" IS NULL'].join(' OR ');
  const relation = `(SELECT ${[...values, ...kept].join(', ')} FROM ${numbered(decisions, target)} t
    LEFT JOIN merge_actions a ON a."#file" = t."#file" AND a."#row" = t."#row"
    LEFT JOIN merge_source s ON s."#source" = a."#source" WHERE ${isKept})`;
  return guardedQuery(session.snapshot, { ...decisions.rules, identities: new Map() }, relation, given, places);
}

/** Rows that a clause changes. */
function updatedRows(
  session: WriteSession,
  decisions: MergeDecisions,
  joined: string,
  places: readonly PlaceColumn[],
): GuardedQuery | undefined {
  const { values, given, updates } = updatedValues(session, decisions);
  if (updates.length === 0 || decisions.touched.length === 0) return undefined;
  const kept = places.map((place) =>
    place === '#row_version' ? 'NULL::BIGINT AS "#row_version"' : `t.${sqlName(place)}`,
  );
  const isUpdate = `a."#action" IN (${updates.map(({ at }) => at).join(', ')})`;
  const relation = `(SELECT ${[...values, ...kept].join(', ')} FROM ${joined} WHERE ${isUpdate})`;
  return guardedQuery(session.snapshot, { ...decisions.rules, identities: new Map() }, relation, given, places);
}

/** Each column's value after the clause that a row has, by `a."#action"`; its own without one. */
function updatedValues({ snapshot }: WriteSession, { plan, rules }: MergeDecisions) {
  const clauses = [...plan.matched, ...plan.bySource];
  const updates = clauses.flatMap(({ set }, at) => (set === undefined ? [] : [{ set, at }]));
  const side = sideSql(plan);
  const given = new Set<string>();
  const values = snapshot.schema.fields.flatMap(({ name }) => {
    // A generated column follows the columns that it is made from, unless every clause sets it.
    if (rules.generated.has(name) && !updates.every(({ set }) => set.has(name))) return [];
    given.add(name);
    const branches = updates.flatMap(({ set, at }) => {
      const formula = set.get(name);
      return formula === undefined ? [] : [`WHEN ${at} THEN ${expressionSql(formula, side)}`];
    });
    const own = `t.${sqlName(name)}`;
    const value = branches.length === 0 ? own : `CASE a."#action" ${branches.join(' ')} ELSE ${own} END`;
    return [`${value} AS ${sqlName(name)}`];
  });
  return { values, given, updates };
}

function insertedRows(
  { snapshot }: WriteSession,
  { plan, rules }: MergeDecisions,
  places: readonly PlaceColumn[],
): GuardedQuery[] {
  const side = sideSql(plan);
  const alone = 'merge_source s ANTI JOIN merge_pairs p ON p."#source" = s."#source"';
  const conditions = plan.notMatched.map(({ condition }) =>
    condition === undefined ? 'true' : `(${expressionSql(condition, side)}) IS TRUE`,
  );
  return plan.notMatched.map(({ values }, at) => {
    const before = conditions.slice(0, at).map((condition) => `NOT (${condition})`);
    const sql = insertValues(values, side);
    const nulls = places.map((place) => `NULL::BIGINT AS ${sqlName(place)}`);
    const where = [...before, conditions[at]].join(' AND ');
    const list = [...sql, ...nulls];
    const relation = `(SELECT ${list.length === 0 ? '1 AS one' : list.join(', ')} FROM ${alone} WHERE ${where})`;
    return guardedQuery(snapshot, rules, relation, new Set(values.keys()), places);
  });
}

function insertValues(values: ReadonlyMap<string, Formula>, side: ReturnType<typeof sideSql>): string[] {
  return [...values].map(([name, formula]) => `${expressionSql(formula, side)} AS ${sqlName(name)}`);
}

async function writeChanges(
  { context, db, snapshot }: WriteSession,
  { plan, touched }: MergeDecisions,
  joined: string,
  updated: GuardedQuery | undefined,
  inserted: readonly GuardedQuery[],
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
    ...inserted.map(({ sql }) => `SELECT ${columns}, 'insert' AS _change_type FROM ${sql}`),
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
  const side = sideSql(plan);
  const anyInsert = plan.notMatched
    .map(({ condition }) => (condition === undefined ? 'true' : `(${expressionSql(condition, side)}) IS TRUE`))
    .join(' OR ');
  const [row] = await db.rows(
    `SELECT (SELECT count(*) FROM merge_source)::DOUBLE AS source,
       (SELECT count(*) FROM merge_actions WHERE "#action" IN (${updates.length === 0 ? 'NULL' : updates.join(', ')}))::DOUBLE AS updated,
       (SELECT count(*) FROM merge_actions)::DOUBLE AS acted,
       (SELECT count(*) FROM merge_source s ANTI JOIN merge_pairs p ON p."#source" = s."#source" WHERE ${anyInsert || 'false'})::DOUBLE AS inserted`,
  );
  const [source, updated, acted, inserted] = [row?.source, row?.updated, row?.acted, row?.inserted].map(Number);
  return {
    sourceRows: source ?? 0,
    updated: updated ?? 0,
    deleted: (acted ?? 0) - (updated ?? 0),
    inserted: inserted ?? 0,
  };
}

async function numbersGiven(
  { db, snapshot }: WriteSession,
  { rules }: MergeDecisions,
  inserted: readonly GuardedQuery[],
): Promise<Metadata | undefined> {
  const marks = new Map<string, bigint>();
  for (const { sql, numbered: columns } of inserted) {
    if (columns.length === 0) continue;
    const [row] = await db.rows(`SELECT count(*)::BIGINT AS rows FROM ${sql}`);
    const rows = BigInt(String(row?.rows ?? 0));
    for (const column of columns) {
      const rule = rules.identities.get(column);
      if (rule !== undefined && rows > 0n) marks.set(column, identityAt(rule, rows - 1n));
    }
  }
  return marks.size === 0 ? undefined : withHighWaterMarks(snapshot.metadata, marks);
}
