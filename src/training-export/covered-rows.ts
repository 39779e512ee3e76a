import { AppError } from '../base/errors.ts';
import { namePlaces } from '../base/name-places.ts';
import { lakeColumns } from '../governance/lake-columns.ts';
import type { SilverSource } from './silver-source.ts';
import type { ReadVersions, SourceTables } from './source-snapshots.ts';
import { ofWholeVersion } from './whole-version.ts';

/** The rows that an export covers before it is extended: those of versions, before an instant. */
export interface CoveredRows {
  readonly versions: ReadVersions;
  /** Infinity where it had no bound. */
  readonly toMicros: number;
}

const PLACE_COLUMNS: readonly string[] = [
  'end_to_end_id',
  'side',
  'event_time',
  'known_time',
  'journal_id',
  'journal_position',
];

/**
 * Tells which rows of the payments were covered. Each covered row, and each label, must still be
 * there as it was: the files that hold them are not made again.
 *
 * @throws AppError `export_mismatch` where one is gone or another, `version_not_found`.
 */
export async function coveredRows(
  source: SilverSource,
  tables: SourceTables,
  { versions, toMicros }: CoveredRows,
): Promise<(row: number) => boolean> {
  const { payments, sides, labels } = source;
  const table = 'silver/transactions';
  const before = await tables.table(table).snapshot(versions[table]);
  const columns = await ofWholeVersion(tables, before, () => lakeColumns(before, PLACE_COLUMNS));
  const [ids, oldSides, journals] = [
    columns.requiredTexts('end_to_end_id'),
    columns.requiredTexts('side'),
    columns.requiredTexts('journal_id'),
  ];
  const [times, known, positions] = [
    columns.numbers('event_time'),
    columns.numbers('known_time'),
    columns.numbers('journal_position'),
  ];
  const covered = namePlaces(columns.count);
  for (let row = 0; row < columns.count; row += 1) {
    if ((times[row] as number) < toMicros) covered.put(`${ids.at(row)} ${oldSides.at(row)}`, row);
  }
  const isCovered = new Uint8Array(payments.count);
  let same = 0;
  const { places } = payments;
  for (let row = 0; row < payments.count; row += 1) {
    const was = covered.find(`${payments.ids.at(row)} ${sides.at(row)}`);
    if (was < 0) continue;
    isCovered[row] = 1;
    const isSame =
      times[was] === payments.times[row] &&
      known[was] === places.knownTimes[row] &&
      positions[was] === places.positions[row] &&
      journals.at(was) === places.journals.at(row);
    if (isSame) same += 1;
  }
  checkSame('silver.transactions', covered.count - same);
  checkSame('silver.labels', await lostLabels(tables, versions['silver/labels'], labels.places));
  return (row) => isCovered[row] === 1;
}

async function lostLabels(
  tables: SourceTables,
  version: number,
  { journals, positions }: SilverSource['labels']['places'],
): Promise<number> {
  const before = await tables.table('silver/labels').snapshot(version);
  const columns = await ofWholeVersion(tables, before, () => lakeColumns(before, ['journal_id', 'journal_position']));
  const there = namePlaces(journals.length);
  for (let row = 0; row < journals.length; row += 1) there.put(`${journals.at(row)} ${positions[row]}`, row);
  const [old, names] = [columns.numbers('journal_position'), columns.requiredTexts('journal_id')];
  let lost = 0;
  for (let row = 0; row < columns.count; row += 1) {
    if (there.find(`${names.at(row)} ${old[row]}`) < 0) lost += 1;
  }
  return lost;
}

function checkSame(table: string, changed: number): void {
  if (changed === 0) return;
  throw new AppError(
    'export_mismatch',
    `${changed} rows of ${table} that the export was made of are gone or other ones now: make the export anew`,
    { table, changed },
  );
}
