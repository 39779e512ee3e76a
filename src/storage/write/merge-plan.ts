import { AppError } from '../../base/errors.ts';
import { bindExpression, bindPredicate, type Formula, parseExpression } from '../expression/expressions.ts';
import type { Relation } from '../expression/resolve-column.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { findField, type StructType } from '../types/delta-type.ts';
import type { InsertClause, MatchedClause, MergeRequest } from './merge-request.ts';
import type { TableRules } from './table-rules.ts';

/** A MERGE whose texts are bound to the table and the source. */
export interface MergePlan {
  readonly target: string;
  readonly source: string;
  readonly on: Formula;
  readonly matched: readonly BoundClause[];
  readonly notMatched: readonly BoundInsert[];
  readonly bySource: readonly BoundClause[];
}

/** A clause for rows of the table. */
export interface BoundClause {
  readonly condition: Formula | undefined;
  /** New values by column; undefined for a delete. */
  readonly set: ReadonlyMap<string, Formula> | undefined;
}

/** A clause for rows of the source. */
export interface BoundInsert {
  readonly condition: Formula | undefined;
  readonly values: ReadonlyMap<string, Formula>;
}

/** Binds a MERGE. @throws AppError invalid_request. */
export function mergePlan(
  snapshot: Snapshot,
  request: MergeRequest,
  sourceSchema: StructType,
  rules: TableRules,
  nowMs: number,
): MergePlan {
  const { targetAlias = 'target', sourceAlias = 'source' } = request;
  const target: Relation = { alias: targetAlias, schema: snapshot.schema };
  const source: Relation = { alias: sourceAlias, schema: sourceSchema };
  const binder = new Binder(snapshot, rules, BigInt(nowMs) * 1000n);
  const both = [target, source];
  return {
    target: targetAlias,
    source: sourceAlias,
    on: binder.predicate(request.on, both),
    matched: (request.whenMatched ?? []).map((clause) => binder.clause(clause, both, source)),
    notMatched: (request.whenNotMatched ?? []).map((clause) => binder.insert(clause, source)),
    bySource: (request.whenNotMatchedBySource ?? []).map((clause) => binder.clause(clause, [target], undefined)),
  };
}

class Binder {
  readonly #snapshot: Snapshot;
  readonly #rules: TableRules;
  readonly #now: bigint;

  constructor(snapshot: Snapshot, rules: TableRules, now: bigint) {
    this.#snapshot = snapshot;
    this.#rules = rules;
    this.#now = now;
  }

  predicate(text: string, scope: readonly Relation[]): Formula {
    return bindPredicate(parseExpression(text), scope, { now: this.#now });
  }

  clause({ condition, action }: MatchedClause, scope: readonly Relation[], source: Relation | undefined): BoundClause {
    const bound = condition === undefined ? undefined : this.predicate(condition, scope);
    if (action === 'delete') return { condition: bound, set: undefined };
    if (action !== 'update') return { condition: bound, set: this.#values(action.set, scope) };
    if (source === undefined)
      throw new AppError('invalid_request', 'Without a row of the source there is nothing to update from');
    return { condition: bound, set: this.#values(this.#allOf(source), scope) };
  }

  insert({ condition, values }: InsertClause, source: Relation): BoundInsert {
    return {
      condition: condition === undefined ? undefined : this.predicate(condition, [source]),
      values: this.#values(values ?? this.#allOf(source), [source]),
    };
  }

  /** The table's columns that the source has, each from the source; those that the table computes are left out. */
  #allOf({ alias, schema }: Relation): Record<string, string> {
    const values: Record<string, string> = {};
    for (const { name } of this.#snapshot.schema.fields) {
      const found = findField(schema, name);
      if (found !== undefined && !this.#rules.identities.has(name))
        values[name] = `${quoted(alias)}.${quoted(found.name)}`;
    }
    return values;
  }

  #values(texts: Readonly<Record<string, string>>, scope: readonly Relation[]): Map<string, Formula> {
    const values = new Map<string, Formula>();
    for (const [column, text] of Object.entries(texts)) {
      const target = findField(this.#snapshot.schema, column);
      if (target === undefined) throw new AppError('invalid_request', `The table has no column ${column}`, { column });
      values.set(target.name, bindExpression(parseExpression(text), scope, target.type, { now: this.#now }));
    }
    return values;
  }
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
