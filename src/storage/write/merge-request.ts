import type { ChangeRequest } from './change-request.ts';
import type { RowSource } from './row-source.ts';

/** What a MERGE does, by the clauses of Spark's. */
export interface MergeRequest extends ChangeRequest {
  readonly source: RowSource;
  /** When a row of the table and one of the source belong together: a condition of `target.…` and `source.…`. */
  readonly on: string;
  /** The names of the table and the source in conditions and values. */
  readonly targetAlias?: string;
  readonly sourceAlias?: string;
  /** For a row of the table that has one of the source: the first whose condition is true. */
  readonly whenMatched?: readonly MatchedClause[];
  /** For a row of the source that has none of the table: the first whose condition is true. */
  readonly whenNotMatched?: readonly InsertClause[];
  /** For a row of the table that has none of the source: the first whose condition is true. */
  readonly whenNotMatchedBySource?: readonly MatchedClause[];
}

/** What becomes of a row of the table. */
export interface MatchedClause {
  readonly condition?: string;
  /** `delete`; `update` with all columns of the source; or new values by column. */
  readonly action: 'delete' | 'update' | { readonly set: Readonly<Record<string, string>> };
}

/** What is added for a row of the source. */
export interface InsertClause {
  readonly condition?: string;
  /** All columns of the source, or values by column; the others get their defaults. */
  readonly values?: Readonly<Record<string, string>>;
}
