import { expressionSql } from '../expression/expressions.ts';
import type { Metadata } from '../log/actions.ts';
import type { PlaceColumn } from '../scan/read-options.ts';
import { sqlName } from '../types/sql-types.ts';
import { guardedQuery, settledRows } from './guarded-query.ts';
import { marksAfter, withHighWaterMarks } from './identity-values.ts';
import type { MergePlan } from './merge-plan.ts';
import { sideSql } from './merge-sides.ts';
import type { MergeDecisions } from './merge-updates.ts';
import type { WriteSession } from './write-session.ts';

/** Rows that a merge adds. */
export interface InsertedRows {
  /** Relations of the table's columns and the places, one a clause. */
  readonly relations: readonly string[];
  /** With the numbers that identity columns gave; undefined where they gave none. */
  readonly metadata: Metadata | undefined;
}

/** The rows of the source without one of the table, as the first clause for them has it. */
export async function insertedRows(
  { db, snapshot }: WriteSession,
  { plan, rules }: MergeDecisions,
  places: readonly PlaceColumn[],
): Promise<InsertedRows> {
  const relations: string[] = [];
  const columns = new Set<string>();
  let given = 0n;
  for (const [at, { values }] of plan.notMatched.entries()) {
    const relation = clauseRelation(plan, at, places);
    const guarded = guardedQuery(snapshot, rules, relation, new Set(values.keys()), { through: places, given });
    const settled = await settledRows(db, guarded, `merge_inserted_${at}`);
    relations.push(settled);
    if (guarded.numbered.length === 0) continue;
    // The next clause goes on from here.
    const [row] = await db.rows(`SELECT count(*)::BIGINT AS rows FROM ${settled}`);
    given += BigInt(String(row?.rows ?? 0));
    for (const column of guarded.numbered) columns.add(column);
  }
  const marks = marksAfter(rules.identities, columns, given);
  return { relations, metadata: marks.size === 0 ? undefined : withHighWaterMarks(snapshot.metadata, marks) };
}

/** The condition of each clause for rows to add, in SQL of the source's side. */
export function insertConditions(plan: MergePlan): string[] {
  const side = sideSql(plan);
  return plan.notMatched.map(({ condition }) =>
    condition === undefined ? 'true' : `(${expressionSql(condition, side)}) IS TRUE`,
  );
}

function clauseRelation(plan: MergePlan, at: number, places: readonly PlaceColumn[]): string {
  const side = sideSql(plan);
  const conditions = insertConditions(plan);
  const where = [...conditions.slice(0, at).map((condition) => `NOT (${condition})`), conditions[at]].join(' AND ');
  const values = [...(plan.notMatched[at]?.values ?? [])].map(
    ([name, formula]) => `${expressionSql(formula, side)} AS ${sqlName(name)}`,
  );
  const list = [...values, ...places.map((place) => `NULL::BIGINT AS ${sqlName(place)}`)];
  return `(SELECT ${list.length === 0 ? '1 AS one' : list.join(', ')} FROM ${UNMATCHED} WHERE ${where})`;
}

/** Rows of the source that belong to none of the table. */
export const UNMATCHED = 'merge_source s ANTI JOIN merge_pairs p ON p."#source" = s."#source"';
