import type { EntityKind } from '../../domain/entity-keys.ts';
import type { LabelState } from '../../domain/label.ts';
import type { PaymentRow } from '../../domain/payment-row.ts';
import type { ColumnName } from '../expression/derived-columns.ts';

/** A span of time as definitions write it: a whole number of seconds, minutes, hours or days. */
export type Duration = `${number}${'s' | 'm' | 'h' | 'd'}`;

/** A column of the payment's row. Whether it is of a type that a feature can use is checked when the set is compiled. */
export type Column = keyof PaymentRow;

/** A column that windows can aggregate: the payment's own, or one that is made from them. */
export type EventColumn = ColumnName;

/** What a feature's values are: 0 or 1, whole numbers, any numbers. */
export type FeatureType = 'boolean' | 'long' | 'double';

/** What every definition says. */
interface Described {
  /** snake_case, unique in its set; the name of the exported column. */
  readonly name: string;
  /** One sentence for people. */
  readonly description: string;
  /** Whom to ask. */
  readonly owner?: string;
  readonly tags?: readonly string[];
  /** Whether its value tells of a person, for masking. */
  readonly personal?: boolean;
  /** What its values are. The narrowest that they are of unless told; a wider one may be said, for who reads them. */
  readonly type?: FeatureType;
}

/** What has a value of its own for an entity that was never seen; without one it is absent. */
interface Defaulted {
  readonly default?: number;
}

/** Aggregates of windows; `docs/features.md` says the exact meaning of each. */
export const WINDOW_AGGREGATES = [
  'count',
  'sum',
  'mean',
  'variance',
  'stddev',
  'min',
  'max',
  'first',
  'last',
  'nth_last',
  'time_since_first',
  'time_since_last',
  'distinct',
  'distinct_approx',
  'top',
  'is_top',
  'quantile',
  'quantile_approx',
  'decayed_sum',
  'decayed_count',
  'streak',
] as const;
/** An aggregate of a window. */
export type WindowAggregate = (typeof WINDOW_AGGREGATES)[number];

/** How far back a window reaches: a span, all time, or the civil day or month of the payment in America/Sao_Paulo. */
export type WindowLength = Duration | 'all' | 'civil_day' | 'civil_month';

/**
 * An aggregate over an entity's payments in `(t − offset − window, t − offset]` of event time. With a
 * `hop` the window begins at `⌊(t − window)/hop⌋·hop` and is exact beyond the bound of events that an
 * entity keeps.
 */
export interface WindowFeature extends Described, Defaulted {
  readonly kind: 'window';
  /** Where its events come from; there is no other. */
  readonly source?: 'silver.transactions';
  readonly entity: EntityKind;
  readonly aggregate: WindowAggregate;
  /** What is aggregated; counts, times and streaks name none. Integers, booleans, instants, and for `distinct`, `top` and `is_top` texts. */
  readonly column?: EventColumn;
  /** A condition over an event's columns, in the language of expressions; events where it is not true do not count. */
  readonly filter?: string;
  readonly window: WindowLength;
  /** How long before the payment the window ends. */
  readonly offset?: Duration;
  readonly hop?: Duration;
  /** Whether the payment that is scored counts; excluded unless told. */
  readonly current?: 'exclude' | 'include';
  /** Of `time_since_…`: what the time is counted in. */
  readonly unit?: Duration;
  /** Of `nth_last`: 1 is the last. */
  readonly n?: number;
  /** Of `quantile…`: numerator and denominator, such as [1, 2]; the value of rank ⌈n·num/den⌉. */
  readonly quantile?: readonly [number, number];
  /** Of `decayed_…`: after this long an event counts half. A hop is needed: an event's age is in whole hops. */
  readonly halfLife?: Duration;
  /** Of `streak`: what the newest events must all be, a condition as `filter`. */
  readonly while?: string;
  /** Of `streak`: counted up to here; the set's bound unless told. */
  readonly most?: number;
  /** Of `last` and `nth_last`: a value of an older event is `expired`. */
  readonly timeToLive?: Duration;
}

/** How old a payment is before no label of it is awaited any more, unless a definition tells: MED's 80 days and a margin. */
export const DEFAULT_MATURITY: Duration = '91d';

/**
 * Over the payee's labels known by now: payments whose latest state is one of `states`.
 * `count` counts them, `time_since_last` is the time since the newest change, `rate` is their share
 * among the payee's payments. A window is on the label's event time, or on its payment's.
 */
export interface LabelFeature extends Described, Defaulted {
  readonly kind: 'label';
  /** Where its states come from; there is no other. */
  readonly source?: 'silver.labels';
  readonly aggregate: 'count' | 'rate' | 'time_since_last';
  readonly states: readonly LabelState[];
  /** All time unless told. */
  readonly window?: Duration;
  readonly offset?: Duration;
  /** Which time the window is of; the label's unless told. A rate is on the payment's. */
  readonly on?: 'label' | 'payment';
  /** Of `rate`: all payments of the window, or only those older than `maturity`. */
  readonly denominator?: 'all' | 'matured';
  /** 91 days unless told. */
  readonly maturity?: Duration;
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
export type FeatureDefinition = WindowFeature | LabelFeature | ExpressionFeature;

/** A named set of features and what they ask of a store. */
export interface FeatureSetDefinition {
  readonly name: string;
  readonly description: string;
  /**
   * Payment events, and label events, that an entity keeps: the set's bound, not the store's. `none` keeps all that
   * a window can reach, on disk where they are many; Redis takes no such set.
   */
  readonly bound: number | 'none';
  /** How far behind an entity's newest event a payment may be and still read windows. */
  readonly allowedLateness: Duration;
  readonly features: readonly FeatureDefinition[];
}

/** A definition with its type checked where it is written. */
export function defineFeatureSet(definition: FeatureSetDefinition): FeatureSetDefinition {
  return definition;
}
