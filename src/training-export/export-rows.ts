import { replay } from '../features/replay.ts';
import type { FeatureVector } from './canonical-rows.ts';
import { DEFAULT_HORIZON_MICROS, type ExportOptions } from './export-options.ts';
import { type LabelEvent, type LabelPolicy, labelOf, type RowLabel } from './label-policy.ts';
import { observedOutcomes } from './observed-outcome.ts';
import { labelsByPayment } from './row-labels.ts';
import { readsOf } from './silver-reads.ts';
import type { SilverSource } from './silver-source.ts';
import { labelsBefore, type SplitName, splitOf, type TimeSplit } from './time-split.ts';

/** One row of an export. Objects are the same for every call. */
export interface ExportRow {
  readonly split: SplitName;
  /** Every column but the features. */
  readonly cells: Readonly<Record<string, unknown>>;
  /** As the model sees them, or doubles where they are asked for; NaN where absent. */
  readonly features: FeatureVector;
}

/** The rows of an export in their order, those of the embargo too. */
export interface ExportRows {
  readonly count: number;
  /** Rows whose known time an import assumed. */
  readonly knownAssumed: number;
  row(at: number): ExportRow;
}

/** The label policy that options mean. */
export function labelPolicyOf({ horizonMicros, labelsAsOfMicros, countedStates }: ExportOptions): LabelPolicy {
  return {
    horizonMicros: horizonMicros ?? DEFAULT_HORIZON_MICROS,
    asOfMicros: labelsAsOfMicros,
    counted: countedStates ?? ['AGREED'],
  };
}

/** Decisions' columns that rows carry. */
export const DECISION_COLUMNS: readonly string[] = ['decision', 'policy_version', 'degraded'];

/** Computes the rows of an export; all are in memory but their request and derived features. */
export function exportRows(source: SilverSource, options: ExportOptions): ExportRows {
  const order = orderedRows(source);
  const { payments, labels, epochs } = source;
  const vectors = replay(options.set, { payments, labels, epochs, reads: readsOf(source, order) });
  const policy = labelPolicyOf(options);
  const split = options.split ?? null;
  const eventsOf = labelsByPayment(labels);
  const observed = observedOutcomes(source);
  const cellsOf = cellReader(source);
  const { length } = options.set.names;
  const features = options.doubles === true ? new Float64Array(length) : new Float32Array(length);
  return {
    count: order.length,
    knownAssumed: source.knownAssumed.reduce((count, assumed) => count + assumed, 0),
    row(at) {
      const row = order[at] as number;
      features.set(vectors.vector(at).values);
      const name = splitOf(payments.times[row] as number, policy.horizonMicros, split);
      const label = rowLabel(
        payments.times[row] as number,
        name,
        split,
        policy,
        eventsOf(payments.ids[row] ?? ''),
        observed[row] === 1,
      );
      return { split: name, cells: cellsOf(row, observed[row] === 1, label, name), features };
    },
  };
}

function rowLabel(
  t: number,
  name: SplitName,
  split: TimeSplit | null,
  policy: LabelPolicy,
  events: readonly LabelEvent[],
  isObserved: boolean,
): RowLabel {
  return labelOf(events, t, policy, labelsBefore(name, policy.asOfMicros, split), isObserved);
}

/** The order is total: (event time, known time, endToEndId, side). */
function orderedRows({ payments, sides }: SilverSource): Int32Array {
  const { times, ids, places } = payments;
  const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return Int32Array.from({ length: payments.count }, (_, row) => row).sort(
    (a, b) =>
      (times[a] as number) - (times[b] as number) ||
      (places.knownTimes[a] as number) - (places.knownTimes[b] as number) ||
      compareTexts(ids[a] ?? '', ids[b] ?? '') ||
      compareTexts(sides[a] ?? '', sides[b] ?? ''),
  );
}

type CellReader = (row: number, isObserved: boolean, label: RowLabel, split: SplitName) => Record<string, unknown>;

function cellReader({ payments, sides, sourceIds, decisions, decisionOf }: SilverSource): CellReader {
  const decided = decisions.texts('decision');
  const policies = decisions.texts('policy_version');
  const degraded = textLists(decisions);
  return (row, isObserved, { label, state, knownTimeMicros }, split) => {
    const decision = decisionOf[row] as number;
    return {
      end_to_end_id: payments.ids[row],
      side: sides[row],
      event_time: payments.times[row],
      known_time: payments.places.knownTimes[row],
      source_id: sourceIds[row] ?? null,
      decision: decided[decision] ?? null,
      policy_version: policies[decision] ?? null,
      degraded: decision < 0 ? null : degraded(decision),
      outcome_observed: isObserved,
      label,
      label_state: state,
      label_known_time: knownTimeMicros,
      split,
    };
  };
}

function textLists(decisions: SilverSource['decisions']): (row: number) => readonly (string | null)[] {
  const lists = decisions.data('degraded');
  if (lists.kind !== 'list' || lists.child.kind !== 'string')
    throw new Error('assertion failed: degraded is a list of texts');
  const { offsets, child } = lists;
  return (row) => child.values.slice(offsets[row], offsets[row + 1]);
}
