import type { EntityKind } from '../domain/entity-keys.ts';
import type { LabelState } from '../domain/label.ts';
import type { PaymentRow } from '../domain/payment-row.ts';

/** A span of time as definitions write it: a whole number of seconds, minutes, hours or days. */
export type Duration = `${number}${'s' | 'm' | 'h' | 'd'}`;

/** A column of the payment's row. Whether it is of a type that a feature can use is checked when the set is compiled. */
export type Column = keyof PaymentRow;

/** What every definition says. */
interface Described {
  /** snake_case, unique in its set; the name of the exported column. */
  readonly name: string;
  /** One sentence for people. */
  readonly description: string;
}

/** What has a value of its own for an entity that was never seen; without one it is absent. */
interface Defaulted {
  readonly default?: number;
}

/** Aggregates of windows; `docs` of each is `aggregates` in the features' page. */
export const WINDOW_AGGREGATES = ['count', 'sum', 'mean', 'max', 'min', 'stddev', 'distinct_counterparties'] as const;
/** An aggregate of a window. */
export type WindowAggregate = (typeof WINDOW_AGGREGATES)[number];

/**
 * An aggregate over an entity's earlier payments in `(t − window, t]`, the payment being scored
 * excluded. With a `hop` the window begins at `⌊(t − window)/hop⌋·hop` and is exact beyond the
 * bound of events that an entity keeps.
 */
export interface WindowFeature extends Described, Defaulted {
  readonly kind: 'window';
  readonly entity: EntityKind;
  readonly aggregate: WindowAggregate;
  /** What is summed, averaged or compared; `count` and `distinct_counterparties` name none. */
  readonly column?: Column;
  readonly window: Duration;
  readonly hop?: Duration;
}

/** Over all of an entity's earlier payments: how many, and the time since the first and the last, in `unit`s. */
export interface HistoryFeature extends Described, Defaulted {
  readonly kind: 'history';
  readonly entity: EntityKind;
  readonly aggregate: 'count' | 'time_since_first' | 'time_since_last';
  readonly unit?: Duration;
}

/**
 * Over the payee's labels known by now: payments whose latest state is `state` (and, with a
 * window, whose state changed in it), or the time since the newest of them, in `unit`s.
 */
export interface LabelFeature extends Described, Defaulted {
  readonly kind: 'label';
  readonly aggregate: 'count' | 'time_since_last';
  readonly state: LabelState;
  readonly window?: Duration;
  readonly unit?: Duration;
}

/** What a request feature reads of the payment. */
export type RequestExpression =
  /** The column's number as it is. */
  | { readonly op: 'number'; readonly column: Column }
  /** 1 or 0. */
  | { readonly op: 'flag'; readonly column: Column }
  /** Event time − timestamp in `unit`s, or whole civil days since a date. A date of 1970-01-01 says that there is no data: null. */
  | { readonly op: 'age'; readonly column: Column; readonly unit: Duration }
  /** A fixed number for each text; another text is null. */
  | { readonly op: 'code'; readonly column: Column; readonly codes: Readonly<Record<string, number>> }
  /** 1 where all the columns are missing, else 0. */
  | { readonly op: 'missing'; readonly columns: readonly Column[] }
  /** 1 where both texts are there and equal, 0 where they differ. */
  | { readonly op: 'same'; readonly columns: readonly [Column, Column] }
  /** 1 where the amount is a whole multiple of so many centavos, else 0. */
  | { readonly op: 'multiple'; readonly column: Column; readonly of: number }
  /** Of the acceptance in America/Sao_Paulo: hour 0–23, weekday 1–7 from Monday, night 20–06, weekend. */
  | { readonly op: 'civil'; readonly part: 'hour' | 'weekday' | 'night' | 'weekend' };

/** Read off the payment alone. */
export interface RequestFeature extends Described {
  readonly kind: 'request';
  readonly value: RequestExpression;
}

/** Arithmetic over other features; a missing operand makes it missing, with the operand's status. */
export type DerivedExpression =
  /** a ÷ b; null where b is 0. */
  | { readonly op: 'ratio'; readonly of: readonly [string, string] }
  /** a − b. */
  | { readonly op: 'difference'; readonly of: readonly [string, string] }
  /** (a − mean) ÷ deviation; null where the deviation is 0. */
  | { readonly op: 'z_score'; readonly of: readonly [string, string, string] }
  /** 1 where a feature has no value, else 0; never missing itself. */
  | { readonly op: 'absent'; readonly of: readonly [string] }
  /** 1 where a feature's entity was never seen, 0 where it was; missing where the store did not answer. */
  | { readonly op: 'never_seen'; readonly of: readonly [string] }
  /** 1 where a feature is above a number, else 0. */
  | { readonly op: 'above'; readonly of: readonly [string]; readonly than: number };

/** Computed from other features of the set. */
export interface DerivedFeature extends Described {
  readonly kind: 'derived';
  readonly value: DerivedExpression;
}

/** A feature, as data: from it come the online update and read, the replay, the schema and the version. */
export type FeatureDefinition = WindowFeature | HistoryFeature | LabelFeature | RequestFeature | DerivedFeature;

/** A named set of features and what they ask of a store. */
export interface FeatureSetDefinition {
  readonly name: string;
  readonly description: string;
  /** Payment events, and label events, that an entity keeps: the set's bound, not the store's. */
  readonly bound: number;
  /** How far behind an entity's newest event a payment may be and still read windows. */
  readonly allowedLateness: Duration;
  readonly features: readonly FeatureDefinition[];
}

/** A definition with its type checked where it is written. */
export function defineFeatureSet(definition: FeatureSetDefinition): FeatureSetDefinition {
  return definition;
}
