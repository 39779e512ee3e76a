import { namePlaces } from '../base/name-places.ts';
import { firstTexts, type TextColumn } from '../base/text-column.ts';
import { byKeyedKind, byKind, ENTITY_KINDS } from '../domain/entity-keys.ts';
import { EVENT } from '../domain/recorded-event.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import type { EpochOpening } from '../features/replay/epoch-book.ts';
import type { ReplayLabels, ReplayPayments, ReplayRecords } from '../features/replay/replay-input.ts';
import { paymentsWithCorrections } from '../governance/correction-records.ts';
import { type ColumnRead, type LakeColumns, lakeColumns } from '../governance/lake-columns.ts';
import { paymentRecordColumns, recordedLabels, recordedPayments } from '../governance/silver-records.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import {
  CORRECTIONS,
  isCorrectionOf,
  type ReadVersions,
  type SourceSnapshots,
  type SourceTables,
  type SourceVersions,
  sourceSnapshots,
  versionsOfSnapshots,
} from './source-snapshots.ts';
import type { UserRows } from './user-rows.ts';
import { ofWholeVersion } from './whole-version.ts';

/** Silver at one version of each table, in memory and in columns. */
export interface SilverSource {
  readonly versions: ReadVersions;
  readonly snapshots: SourceSnapshots;
  /** Rows of silver.transactions, and behind them those of the user's own file. */
  readonly payments: ReplayPayments;
  /** The same rows with what corrections made of payments: what a replay reads. Columns beside go over all of them. */
  readonly records: ReplayPayments;
  readonly sides: TextColumn<string>;
  readonly sourceIds: TextColumn;
  /** 1 where the row came from an import. */
  readonly isImport: Uint8Array;
  /** 1 where an import assumed when it was known. */
  readonly knownAssumed: Uint8Array;
  /** A column of texts of the payments that was asked for. */
  readonly texts: (column: string) => TextColumn;
  readonly decisions: LakeColumns;
  /** Row of a payment's decision by the row of the payment; −1 where it has none. */
  readonly decisionOf: Int32Array;
  readonly labels: ReplayLabels;
  readonly epochs: readonly EpochOpening[];
  /**
   * Rows of the user's own file, which lie from `first` on; null where there are none. `isUnknown` is 1 where one names a
   * payment of which silver has neither a side nor a label.
   */
  readonly userRows: { readonly first: number; readonly rows: UserRows; readonly isUnknown: Uint8Array } | null;
}

const ENTITY_COLUMNS = ENTITY_KINDS.flatMap((entity) => [`${entity}_epoch`, `${entity}_seq`]);

/** What to read beside what every recomputation needs. */
export interface SilverColumns {
  /** Columns of decisions beside their keys and the numbers that they saw. */
  readonly decisions: readonly string[];
  /** Columns of texts of silver.transactions. */
  readonly payments?: readonly string[];
  /** Reads decisions, where more is done with them. @param read which rows; all unless told. */
  readonly reading?: (read?: ColumnRead) => ColumnRead;
}

/**
 * Reads what a recomputation needs: about 0.25 KB a payment.
 *
 * @param read which rows of each table but that of epochs; all unless told.
 * @throws AppError as storage: `table_not_found`, `version_not_found`, `table_corrupt`.
 */
export async function readSilver(
  tables: SourceTables,
  set: FeatureSet,
  wanted: SourceVersions,
  columns: SilverColumns,
  read?: ColumnRead,
): Promise<SilverSource> {
  const snapshots = await sourceSnapshots(tables, wanted);
  const {
    'silver/decisions': decided,
    'silver/labels': labelled,
    'silver/epochs': opened,
    [CORRECTIONS]: corrections,
  } = snapshots;
  const paid = await paymentColumns(tables, snapshots, read, [
    ...paymentRecordColumns(set.columns),
    'known_assumed',
    'source',
    'source_id',
    ...(columns.payments ?? []),
  ]);
  const ofDecisions = ['end_to_end_id', 'side', ...ENTITY_COLUMNS, ...columns.decisions];
  const decisions = await ofWholeVersion(tables, decided, () =>
    lakeColumns(decided, ofDecisions, columns.reading?.(read) ?? read),
  );
  const records = recordedPayments(paid, set.columns);
  const payments = withoutCorrections(records);
  const sides = paid.requiredTexts('side');
  return {
    versions: {
      ...versionsOfSnapshots(snapshots),
      ...(corrections === null || records.count === payments.count ? {} : { [CORRECTIONS]: corrections.version }),
    },
    snapshots,
    payments,
    records,
    sides,
    sourceIds: paid.texts('source_id'),
    isImport: isText(paid.texts('source'), 'import'),
    knownAssumed: paid.flags('known_assumed'),
    texts: (column) => paid.texts(column),
    decisions,
    decisionOf: joinDecisions(records, sides, decisions),
    labels: await ofWholeVersion(tables, labelled, () => recordedLabels(labelled, read)),
    userRows: null,
    epochs: await ofWholeVersion(tables, opened, () => readEpochs(opened)),
  };
}

/** Columns of the payments, and behind them of what corrections made of them. */
async function paymentColumns(
  tables: SourceTables,
  snapshots: SourceSnapshots,
  read: ColumnRead | undefined,
  names: readonly string[],
): Promise<LakeColumns> {
  const { 'silver/transactions': transactions, [CORRECTIONS]: corrections } = snapshots;
  if (corrections === null || corrections.fileCount === 0) {
    return ofWholeVersion(tables, transactions, () => lakeColumns(transactions, names, read));
  }
  const both = paymentsWithCorrections(corrections, isCorrectionOf(snapshots), read);
  const expected = read === undefined ? (transactions.rowCount ?? 0) + (corrections.rowCount ?? 0) : 0;
  return ofWholeVersion(tables, transactions, () => lakeColumns(transactions, names, both, expected));
}

/** The rows before those of corrections, which come last. The columns are the same memory. */
function withoutCorrections(records: ReplayPayments): ReplayPayments {
  let count = records.count;
  while (count > 0 && isOfCorrection(records.isEvent[count - 1] as number)) count -= 1;
  if (count === records.count) return records;
  const { ids, times, keys, isEvent, numbers, places } = records;
  return {
    ...records,
    count,
    ids: firstTexts(ids, count),
    times: times.subarray(0, count),
    keys: byKeyedKind((kind) => firstTexts(keys[kind], count)),
    isEvent: isEvent.subarray(0, count),
    numbers: byKind((kind) => ({
      epochs: numbers[kind].epochs.subarray(0, count),
      seqs: numbers[kind].seqs.subarray(0, count),
    })),
    places: {
      journals: firstTexts(places.journals, count),
      positions: places.positions.subarray(0, count),
      knownTimes: places.knownTimes.subarray(0, count),
    },
  };
}

function isOfCorrection(event: number): boolean {
  return event === EVENT.retraction || event === EVENT.replacement;
}

/** What a replay reads of a source. */
export function replayRecords({ records, labels, epochs }: SilverSource): ReplayRecords {
  return { payments: records, labels, epochs };
}

/** 1 where a text is the one. Row by row: `from` would first list the texts of all rows. */
function isText(texts: TextColumn, wanted: string): Uint8Array {
  const is = new Uint8Array(texts.length);
  for (let row = 0; row < is.length; row += 1) is[row] = texts.at(row) === wanted ? 1 : 0;
  return is;
}

async function readEpochs(snapshot: Snapshot): Promise<EpochOpening[]> {
  const columns = await lakeColumns(snapshot, ['epoch', 'offsets']);
  const epochs = columns.numbers('epoch');
  return Array.from(columns.requiredTexts('offsets'), (offsets, row) => ({
    epoch: epochs[row] as number,
    offsets: JSON.parse(offsets) as Record<string, number>,
  }));
}

/** The row of each payment's decision; −1 where it has none. Names are hashed: as texts they are 130 bytes a decision. */
function joinDecisions(
  { ids, isEvent }: ReplayPayments,
  sides: TextColumn<string>,
  decisions: LakeColumns,
): Int32Array {
  const decided = namePlaces(decisions.count);
  const [decidedIds, decidedSides] = [decisions.requiredTexts('end_to_end_id'), decisions.requiredTexts('side')];
  for (let row = 0; row < decisions.count; row += 1) {
    // Of two decisions of one side the last counts.
    decided.put(`${decidedIds.at(row)} ${decidedSides.at(row)}`, row);
  }
  const rows = new Int32Array(ids.length).fill(-1);
  for (let row = 0; decisions.count > 0 && row < rows.length; row += 1) {
    if (isOfCorrection(isEvent[row] as number)) break;
    rows[row] = decided.find(`${ids.at(row)} ${sides.at(row)}`);
  }
  return rows;
}
