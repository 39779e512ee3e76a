import { expressionSql } from '../expression/expressions.ts';
import type { PlaceColumn } from '../scan/read-options.ts';
import type { DataFile } from '../scan/snapshot.ts';
import { sqlName } from '../types/sql-types.ts';
import { usesVectors } from './deleted-rows.ts';
import { type GuardedQuery, guardedQuery } from './guarded-query.ts';
import type { MergePlan } from './merge-plan.ts';
import { sideSql } from './merge-sides.ts';
import type { TableRules } from './table-rules.ts';
import type { WriteSession } from './write-session.ts';

/** What a merge writes from: its decisions are in `merge_actions` and `merge_pairs`. */
export interface MergeDecisions {
  readonly plan: MergePlan;
  readonly rules: TableRules;
  /** Files in which a row changes, with the numbers that the decisions have for them. */
  readonly touched: readonly TouchedFile[];
}

/** A file in which a merge changes rows. */
export interface TouchedFile {
  readonly file: DataFile;
  /** Its `#file` in `merge_actions`. */
  readonly number: number;
}

/** The scan of touched files, whose `#file` counts them, with the numbers that the decisions count by. */
export function numbered({ touched }: MergeDecisions, target: string): string {
  const numbers = touched.map(({ number }) => number);
  return `(SELECT * REPLACE (list_extract([${numbers.join(', ')}]::BIGINT[], "#file" + 1) AS "#file") FROM ${target})`;
}

/** Rows of the table with a clause, joined to their rows of the source. */
export function joinedSql(decisions: MergeDecisions, target: string): string {
  return `${numbered(decisions, target)} t
    JOIN merge_actions a ON a."#file" = t."#file" AND a."#row" = t."#row"
    LEFT JOIN merge_source s ON s."#source" = a."#source"`;
}

/**
 * Whether changed rows and those beside them are written by one scan: with constraints or generated
 * columns only changed rows are held to them, so that there are two.
 */
export function rewritesInOnePass({ snapshot }: WriteSession, { rules, touched }: MergeDecisions): boolean {
  return !usesVectors(snapshot) && touched.length > 0 && rules.checks.length === 0 && rules.generated.size === 0;
}

/** Every row of touched files that stays, changed or not. */
export function rewrittenRows(
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
  return guardedQuery(session.snapshot, { ...decisions.rules, identities: new Map() }, relation, given, {
    through: places,
  });
}

/** Rows that a clause changes. */
export function updatedRows(
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
  return guardedQuery(session.snapshot, { ...decisions.rules, identities: new Map() }, relation, given, {
    through: places,
  });
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
