import type { FeatureOutput } from '../features/feature-output.ts';
import { prepareReplay, type ReplayedVectors } from '../features/replay.ts';
import type { ReplayReads } from '../features/replay-input.ts';
import type { IdColumn } from './entity-columns.ts';
import { idsOf } from './entity-ids.ts';
import type { ExportColumn } from './export-columns.ts';
import { type ExportOptions, labelPolicyOf } from './export-options.ts';
import { type GroupName, groupReader } from './group-split.ts';
import { labelOf, type RowLabel } from './label-policy.ts';
import { sampleWeight } from './negative-sampling.ts';
import { observedOutcomes } from './observed-outcome.ts';
import { rowCells } from './row-cells.ts';
import { labelsByPayment } from './row-labels.ts';
import { type ServedComparison, type ServedReport, servedComparison } from './served-comparison.ts';
import { servedBy, servedVectors } from './served-vectors.ts';
import { readsOf } from './silver-reads.ts';
import type { SilverSource } from './silver-source.ts';
import { type RowSplit, rowSplit } from './split-plan.ts';
import { labelsBefore } from './time-split.ts';
import { readsKnownAt } from './user-reads.ts';

/** One row of an export. */
export interface ExportRow {
  readonly split: RowSplit;
  readonly label: RowLabel;
  /** Whether the payment went through, so that fraud could show. */
  readonly isObserved: boolean;
  /** 0 where the row is left out for another one that stands for it. */
  readonly weight: number;
  /** Every column but the features, in the order of the columns. */
  cells(): readonly unknown[];
  /** Features, NaN where absent, with their statuses. The object is the same for every row. */
  vector(): FeatureOutput;
}

/** The rows of an export in their order, those that go into no file too. */
export interface ExportRows {
  readonly count: number;
  /** Rows whose known time an import assumed. */
  readonly knownAssumed: number;
  /** How what was served compares with what is recomputed, once every row was asked for; null where that is not exported. */
  served(): ServedReport | null;
  /** Rows of the payments, in the order of the export. */
  readonly order: Int32Array;
  /** Rows are to be asked for in their order. */
  row(at: number): ExportRow;
}

/** Decisions' columns that rows carry. */
export const DECISION_COLUMNS: readonly string[] = ['decision', 'policy_version', 'degraded'];

/** Rows whose features are computed at once: 70 MB with the shipped set. */
const REPLAY_ROWS = 131_072;

/**
 * Computes the rows of an export, their features piece by piece.
 *
 * @param isWanted whether a row of the payments is exported at all.
 * @param nameOf what an id is written as.
 */
export function exportRows(
  source: SilverSource,
  options: ExportOptions,
  columns: readonly ExportColumn[],
  isWanted: (row: number) => boolean,
  nameOf: (column: IdColumn, id: string) => string,
): ExportRows {
  const { payments, sides } = source;
  const isServed = options.fromDecisions === true ? servedBy(source, options.set) : () => true;
  const asked = orderedRows(source, isWanted);
  const order = asked.filter(isServed);
  const recomputedAt = vectorReader(source, options, order);
  const served = options.fromDecisions === true ? servedReader(source, options, order, recomputedAt) : null;
  const splitOf = splitReader(source, options);
  const labelAt = labelReader(source, options);
  const observed = observedOutcomes(source);
  const cellsOf = rowCells(source, columns, nameOf);
  return {
    count: order.length,
    order,
    knownAssumed: order.reduce((count, row) => count + (source.knownAssumed[row] as number), 0),
    served: () => served?.comparison.report(asked.length - order.length) ?? null,
    row(at) {
      served?.compare(at);
      const vectorAt = served?.vectorAt ?? recomputedAt;
      const row = order[at] as number;
      const isObserved = observed[row] === 1;
      const split = splitOf(row);
      const label = labelAt(row, split, isObserved);
      const weight = sampleWeight(
        options.sample ?? null,
        split,
        label.label,
        payments.ids[row] ?? '',
        sides[row] ?? '',
      );
      const facts = { row, isObserved, split, label, weight };
      return { split, label, isObserved, weight, cells: () => cellsOf(facts), vector: () => vectorAt(at) };
    },
  };
}

function vectorReader(source: SilverSource, { set }: ExportOptions, order: Int32Array): (at: number) => FeatureOutput {
  const { payments, labels, epochs } = source;
  const seenBy = readsFor(source);
  const replayed = prepareReplay(set, { payments, labels, epochs });
  let vectors: ReplayedVectors | undefined;
  let piece = -1;
  let last = -1;
  let vector: FeatureOutput | undefined;
  return (at) => {
    // A row is asked for its vector by all who count it, and by its file.
    if (at === last && vector !== undefined) return vector;
    last = at;
    const wanted = Math.floor(at / REPLAY_ROWS);
    if (vectors === undefined || wanted !== piece) {
      piece = wanted;
      vectors = undefined;
      vectors = replayed(seenBy(order.subarray(piece * REPLAY_ROWS, (piece + 1) * REPLAY_ROWS)));
    }
    vector = vectors.vector(at - piece * REPLAY_ROWS);
    return vector;
  };
}

interface ServedReader {
  readonly comparison: ServedComparison;
  compare(at: number): void;
  vectorAt(at: number): FeatureOutput;
}

function servedReader(
  { decisions, decisionOf }: SilverSource,
  { set }: ExportOptions,
  order: Int32Array,
  recomputedAt: (at: number) => FeatureOutput,
): ServedReader {
  const vectors = servedVectors(decisions, set.names.length);
  const vectorAt = (at: number): FeatureOutput => vectors(decisionOf[order[at] as number] as number);
  const comparison = servedComparison(set);
  return { comparison, vectorAt, compare: (at) => comparison.see(vectorAt(at), recomputedAt(at)) };
}

/** What rows see: what was recorded, or of rows of the user's own file what was known. */
export function readsFor(source: SilverSource): (rows: Int32Array) => ReplayReads {
  return source.userRows === null ? (rows) => readsOf(source, rows) : readsKnownAt(source);
}

function splitReader(source: SilverSource, options: ExportOptions): (row: number) => RowSplit {
  const { payments } = source;
  const { horizonMicros } = labelPolicyOf(options);
  const { split = null, group } = options;
  let groupOf: (row: number) => GroupName | null = () => null;
  if (group !== undefined) {
    const ids = idsOf(source, group.entity);
    const read = groupReader(group);
    groupOf = (row) => read(ids[row] ?? null, payments.ids[row] ?? '');
  }
  return (row) => rowSplit(payments.times[row] as number, horizonMicros, split, groupOf(row));
}

type LabelReader = (row: number, split: RowSplit, isObserved: boolean) => RowLabel;

function labelReader({ payments, labels, userRows }: SilverSource, options: ExportOptions): LabelReader {
  const policy = labelPolicyOf(options);
  const time = options.split ?? null;
  const eventsOf = labelsByPayment(labels);
  const given = userRows?.rows.labels ?? null;
  return (row, split, isObserved) => {
    if (userRows !== null && (given !== null || userRows.rows.ids[row - userRows.first] === null)) {
      return { label: given?.[row - userRows.first] ?? null, state: null, knownTimeMicros: null };
    }
    const before = split === 'crossed' ? policy.asOfMicros : labelsBefore(split, policy.asOfMicros, time);
    return labelOf(eventsOf(payments.ids[row] ?? ''), payments.times[row] as number, policy, before, isObserved);
  };
}

/** The order is total: (event time, known time, endToEndId, side), of a user's own file (event time, known time, row). */
function orderedRows({ payments, sides, userRows }: SilverSource, isWanted: (row: number) => boolean): Int32Array {
  const { times, ids, places } = payments;
  const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  const compareKeys = (a: number, b: number): number =>
    compareTexts(ids[a] ?? '', ids[b] ?? '') || compareTexts(sides[a] ?? '', sides[b] ?? '');
  const compareTied = userRows === null ? compareKeys : (a: number, b: number): number => a - b;
  return Int32Array.from({ length: payments.count }, (_, row) => row)
    .filter(isWanted)
    .sort(
      (a, b) =>
        (times[a] as number) - (times[b] as number) ||
        (places.knownTimes[a] as number) - (places.knownTimes[b] as number) ||
        compareTied(a, b),
    );
}
