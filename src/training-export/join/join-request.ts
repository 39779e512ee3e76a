/** A column of a source. */
export interface SourceColumn {
  readonly name: string;
  /** DuckDB's name of its type. */
  readonly type: string;
}

/** A file or table that takes part in a join, as SQL reads it. */
export interface JoinSource {
  /** What errors call it: the file that the user named. */
  readonly name: string;
  /** Its rows as a table expression of DuckDB, their order kept where it has one. */
  readonly sql: string;
  readonly columns: readonly SourceColumn[];
}

/** Rows that values are joined to: each has its keys, and the instant at which it is taken. */
export interface JoinedRows extends JoinSource {
  /** Column of the instant up to which values count. */
  readonly time: string;
  /** Column of the instant up to which values were known; null where that is the same. */
  readonly knownTime: string | null;
}

/** Ready values of one kind of entity: features that were computed elsewhere. */
export interface ValueView extends JoinSource {
  /** Columns of the entity, called so in the rows as well. */
  readonly keys: readonly string[];
  /** Columns to join, in their order; null for all that are neither key nor time. */
  readonly wanted: readonly string[] | null;
  readonly time: string;
  /** Column of the instant at which a value was known; null for one that was known when it happened. */
  readonly knownTime: string | null;
  /** How old a value may be, in microseconds; null for any age. */
  readonly ttlMicros: number | null;
}

/** What a join is asked for. */
export interface JoinRequest {
  readonly rows: JoinedRows;
  readonly views: readonly ValueView[];
  /** Whether the instant of the value that was found stands behind each view's columns. */
  readonly withTimes: boolean;
}

/** What a join of one view found. */
export interface ViewFound {
  readonly name: string;
  readonly values: number;
  /** Rows that have a value, one that is too old, none. */
  readonly found: number;
  readonly expired: number;
  readonly missing: number;
  /** Entities whose values were not known in the order in which they happened. */
  readonly unordered: number;
}

/** What a join wrote. */
export interface JoinFound {
  readonly rows: number;
  readonly columns: readonly string[];
  readonly views: readonly ViewFound[];
}

/** Names of the join's own columns begin so: no file's do, or it is refused. */
export const OWN_PREFIX = '#';
