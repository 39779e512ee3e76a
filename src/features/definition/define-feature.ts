import type { PaymentRow } from '../../domain/payment-row.ts';
import type { DerivedColumns } from '../expression/derived-columns.ts';
import type {
  EventColumn,
  ExpressionFeature,
  FeatureDefinition,
  LabelFeature,
  WindowAggregate,
  WindowFeature,
} from './definition.ts';

type Columns = PaymentRow & DerivedColumns;
/** Columns of whole numbers, booleans, instants and dates. */
type NumberColumn = { [K in EventColumn]: Columns[K] extends number | boolean | null ? K : never }[EventColumn];

/** Aggregates that take no column, any column or none, and any column. The others take numbers. */
type WithoutColumn = 'time_since_first' | 'time_since_last' | 'decayed_count' | 'streak';
type WithAnyColumn = 'distinct' | 'distinct_approx' | 'is_top';
type Numeric = Exclude<WindowAggregate, WithoutColumn | WithAnyColumn | 'count'>;

type Window = Omit<WindowFeature, 'aggregate' | 'column'>;
/** A window whose column is one that its aggregate can take. */
export type TypedWindow =
  | (Window & { readonly aggregate: 'count'; readonly column?: EventColumn })
  | (Window & { readonly aggregate: WithoutColumn; readonly column?: never })
  | (Window & { readonly aggregate: WithAnyColumn; readonly column: EventColumn })
  | (Window & { readonly aggregate: Numeric; readonly column: NumberColumn });

/** A feature, its column and aggregate checked where it is written: a wrong one does not compile. */
export function defineFeature(feature: TypedWindow | LabelFeature | ExpressionFeature): FeatureDefinition {
  return feature;
}
