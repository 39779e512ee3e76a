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

/**
 * Computed from the payment's columns and from other features of the set, in the expression language
 * (`docs/expressions.md`). A missing operand makes it missing, with the operand's status; a boolean is 1 or 0.
 */
export interface ExpressionFeature extends Described {
  readonly kind: 'expression';
  /** `amount / payer_mean_30d`. */
  readonly expression: string;
}

/** A feature, as data: from it come the online update and read, the replay, the schema and the version. */
export type FeatureDefinition = WindowFeature | HistoryFeature | LabelFeature | ExpressionFeature;

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
