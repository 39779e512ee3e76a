import type { FeatureOutput } from '../features/feature-output.ts';
import { type ReplayedVectors, type ReplayPorts, replayPieces } from '../features/replay/replay.ts';
import type { ReadSequence } from '../features/replay/replay-input.ts';
import type { IdColumn } from './entity-columns.ts';
import { idsOf } from './entity-ids.ts';
import type { ExportColumn } from './export-columns.ts';
import { type ExportOptions, labelPolicyOf } from './export-options.ts';
import { type GroupName, groupReader } from './group-split.ts';
import { labelOf, type RowLabel } from './label-policy.ts';
import { sampleWeight } from './negative-sampling.ts';
import { observedOutcomes, outcomeWeights } from './observed-outcome.ts';
import { rowCells } from './row-cells.ts';
import { labelsByPayment } from './row-labels.ts';
import { type ServedComparison, type ServedReport, servedComparison } from './served-comparison.ts';
import type { ServedSpill } from './served-spill.ts';
import { servedBy } from './served-vectors.ts';
import { readsOf } from './silver-reads.ts';
import { replayRecords, type SilverSource } from './silver-source.ts';
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
  /** Rows without a label, since they name a payment that the lake does not know. */
  readonly unknownPayments: number;
  /** How what was served compares with what is recomputed, once every row was asked for; null where that is not exported. */
  served(): ServedReport | null;
  /** Rows of the payments, in the order of the export. */
  readonly order: Int32Array;
  /** The rows, once; a piece is used up when the next one is asked for. */
  pieces(): AsyncGenerator<ExportPiece>;
}

/** Some rows of an export. */
export interface ExportPiece {
  readonly count: number;
  /** Rows are to be asked for in their order. */
  row(at: number): ExportRow;
}

/** What rows are made with. */
export interface RowPorts extends ReplayPorts {
  /** What decisions held, where that is exported. */
  readonly served: ServedSpill | null;
}

/** Decisions' columns that rows carry, or are weighed by. */
export const DECISION_COLUMNS: readonly string[] = ['decision', 'policy_version', 'degraded', 'rule_id'];

/**
 * Computes the rows of an export, their features piece by piece.
 *
 * @param isWanted whether a row of the payments is exported at all.
 * @param nameOf what an id is written as. @param ports what features are computed with.
 */
export function exportRows(
  source: SilverSource,
  options: ExportOptions,
  columns: readonly ExportColumn[],
  isWanted: (row: number) => boolean,
  nameOf: (column: IdColumn, id: string) => string,
  ports: RowPorts,
): ExportRows {
  const asked = orderedRows(source, isWanted);
  const order = ports.served === null ? asked : asked.filter(servedBy(source, options.set));
  const notServed = asked.length - order.length;
  const served = ports.served === null ? null : servedReader(source, options, ports.served);
  const readRow = rowReader(source, options, columns, nameOf);
  return {
    count: order.length,
    order,
    knownAssumed: order.reduce((count, row) => count + (source.knownAssumed[row] as number), 0),
    unknownPayments: order.filter(unknownReader(source.userRows)).length,
    served: () => served?.comparison.report(notServed) ?? null,
    async *pieces() {
      let first = 0;
      for await (const vectors of replayPieces(options.set, replayRecords(source), readsFor(source)(order), ports)) {
        const [from, recomputed] = [first, vectorReader(vectors)];
        first += vectors.count;
        yield {
          count: vectors.count,
          row(at) {
            const row = order[from + at] as number;
            if (served === null) return readRow(row, () => recomputed(at));
            served.compare(row, recomputed(at));
            return readRow(row, () => served.vectorOf(row));
          },
        };
      }
    },
  };
}

/** A row is asked for its vector by all who count it, and by its file. */
function vectorReader(vectors: ReplayedVectors): (at: number) => FeatureOutput {
  let last = -1;
  let vector: FeatureOutput | undefined;
  return (at) => {
    if (at === last && vector !== undefined) return vector;
    last = at;
    vector = vectors.vector(at);
    return vector;
  };
}

/** Makes the rows of an export of those of the payments. */
function rowReader(
  source: SilverSource,
  options: ExportOptions,
  columns: readonly ExportColumn[],
  nameOf: (column: IdColumn, id: string) => string,
): (row: number, vector: () => FeatureOutput) => ExportRow {
  const { payments, sides } = source;
  const { sample = null } = options;
  const splitOf = splitReader(source, options);
  const labelAt = labelReader(source, options);
  const observed = observedOutcomes(source);
  const weightOf = options.weighsControl === true ? outcomeWeights(source) : () => 1;
  const cellsOf = rowCells(source, columns, nameOf);
  return (row, vector) => {
    const isObserved = observed[row] === 1;
    const split = splitOf(row);
    const label = labelAt(row, split, isObserved);
    const id = payments.ids.at(row) ?? '';
    const weight = sampleWeight(sample, split, label.label, id, sides.at(row) ?? '') * weightOf(id);
    const facts = { row, isObserved, split, label, weight };
    return { split, label, isObserved, weight, cells: () => cellsOf(facts), vector };
  };
}

interface ServedReader {
  readonly comparison: ServedComparison;
  /** @param row of the payments. */
  compare(row: number, recomputed: FeatureOutput): void;
  vectorOf(row: number): FeatureOutput;
}

function servedReader({ decisionOf }: SilverSource, { set }: ExportOptions, served: ServedSpill): ServedReader {
  const vectorOf = (row: number): FeatureOutput => served.vector(decisionOf[row] as number);
  const comparison = servedComparison(set);
  return { comparison, vectorOf, compare: (row, recomputed) => comparison.see(vectorOf(row), recomputed) };
}

/** What rows see: what was recorded, or of rows of the user's own file what was known. */
export function readsFor(source: SilverSource): (rows: Int32Array) => ReadSequence {
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
    groupOf = (row) => read(ids.at(row) ?? null, payments.ids.at(row) ?? '');
  }
  return (row) => rowSplit(payments.times[row] as number, horizonMicros, split, groupOf(row));
}

/** Whether a row's label would be that of a payment of which the lake knows nothing: it may well have been fraud. */
function unknownReader(userRows: SilverSource['userRows']): (row: number) => boolean {
  if (userRows === null || userRows.rows.labels !== null) return () => false;
  return (row) => userRows.isUnknown[row - userRows.first] === 1;
}

type LabelReader = (row: number, split: RowSplit, isObserved: boolean) => RowLabel;

function labelReader({ payments, labels, userRows }: SilverSource, options: ExportOptions): LabelReader {
  const policy = labelPolicyOf(options);
  const time = options.split ?? null;
  const eventsOf = labelsByPayment(labels);
  const given = userRows?.rows.labels ?? null;
  const isUnknown = unknownReader(userRows);
  return (row, split, isObserved) => {
    if (userRows !== null && (given !== null || userRows.rows.ids[row - userRows.first] === null)) {
      return { label: given?.[row - userRows.first] ?? null, state: null, knownTimeMicros: null };
    }
    if (isUnknown(row)) return { label: null, state: null, knownTimeMicros: null, isUnknown: true };
    const before = split === 'crossed' ? policy.asOfMicros : labelsBefore(split, policy.asOfMicros, time);
    return labelOf(eventsOf(payments.ids.at(row) ?? ''), payments.times[row] as number, policy, before, isObserved);
  };
}

/** The order is total: (event time, known time, endToEndId, side), of a user's own file (event time, known time, row). */
function orderedRows({ payments, sides, userRows }: SilverSource, isWanted: (row: number) => boolean): Int32Array {
  const { times, ids, places } = payments;
  const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  const compareKeys = (a: number, b: number): number =>
    compareTexts(ids.at(a) ?? '', ids.at(b) ?? '') || compareTexts(sides.at(a) ?? '', sides.at(b) ?? '');
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
