import { prepareReplay, type ReplayedVectors } from '../features/replay.ts';
import { DEFAULT_HORIZON_MICROS, type ExportOptions } from './export-options.ts';
import { type LabelEvent, type LabelPolicy, labelOf, type RowLabel } from './label-policy.ts';
import { observedOutcomes } from './observed-outcome.ts';
import { labelsByPayment } from './row-labels.ts';
import { readsOf } from './silver-reads.ts';
import type { SilverSource } from './silver-source.ts';
import { labelsBefore, type SplitName, splitOf, type TimeSplit } from './time-split.ts';

/** One row of an export. */
export interface ExportRow {
  readonly split: SplitName;
  readonly label: RowLabel;
  /** Whether the payment went through, so that fraud could show. */
  readonly isObserved: boolean;
  /** Every column but the features, in the order of the columns. */
  readonly cells: readonly unknown[];
  /** NaN where absent. The array is the same for every call. */
  readonly features: Float64Array;
}

/** The rows of an export in their order, those of the embargo too. */
export interface ExportRows {
  readonly count: number;
  /** Rows whose known time an import assumed. */
  readonly knownAssumed: number;
  /** Rows are to be asked for in their order. */
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

/** Rows whose features are computed at once: 70 MB with the shipped set. */
const REPLAY_ROWS = 131_072;

/** Computes the rows of an export, their features piece by piece. */
export function exportRows(source: SilverSource, options: ExportOptions): ExportRows {
  const order = orderedRows(source);
  const { payments, labels, epochs } = source;
  const replayed = prepareReplay(options.set, { payments, labels, epochs });
  let vectors: ReplayedVectors | undefined;
  let piece = -1;
  const featuresAt = (at: number): Float64Array => {
    const wanted = Math.floor(at / REPLAY_ROWS);
    if (vectors === undefined || wanted !== piece) {
      piece = wanted;
      vectors = undefined;
      vectors = replayed(readsOf(source, order.subarray(piece * REPLAY_ROWS, (piece + 1) * REPLAY_ROWS)));
    }
    return vectors.vector(at - piece * REPLAY_ROWS).values;
  };
  const policy = labelPolicyOf(options);
  const split = options.split ?? null;
  const eventsOf = labelsByPayment(labels);
  const observed = observedOutcomes(source);
  const cellsOf = cellReader(source);
  return {
    count: order.length,
    knownAssumed: source.knownAssumed.reduce((count, assumed) => count + assumed, 0),
    row(at) {
      const row = order[at] as number;
      const isObserved = observed[row] === 1;
      const name = splitOf(payments.times[row] as number, policy.horizonMicros, split);
      const label = rowLabel(
        payments.times[row] as number,
        name,
        split,
        policy,
        eventsOf(payments.ids[row] ?? ''),
        isObserved,
      );
      const cells = cellsOf(row, isObserved, label, name);
      return { split: name, label, isObserved, cells, features: featuresAt(at) };
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

type CellReader = (row: number, isObserved: boolean, label: RowLabel, split: SplitName) => unknown[];

function cellReader({ payments, sides, sourceIds, decisions, decisionOf }: SilverSource): CellReader {
  const decided = decisions.texts('decision');
  const policies = decisions.texts('policy_version');
  const degraded = textLists(decisions);
  return (row, isObserved, { label, state, knownTimeMicros }, split) => {
    const decision = decisionOf[row] as number;
    return [
      payments.ids[row],
      sides[row],
      payments.times[row],
      payments.places.knownTimes[row],
      sourceIds[row] ?? null,
      decided[decision] ?? null,
      policies[decision] ?? null,
      decision < 0 ? null : degraded(decision),
      isObserved,
      label,
      state,
      knownTimeMicros,
      split,
    ];
  };
}

function textLists(decisions: SilverSource['decisions']): (row: number) => readonly (string | null)[] {
  const lists = decisions.data('degraded');
  if (lists.kind !== 'list' || lists.child.kind !== 'string')
    throw new Error('assertion failed: degraded is a list of texts');
  const { offsets, child } = lists;
  return (row) => child.values.slice(offsets[row], offsets[row + 1]);
}
