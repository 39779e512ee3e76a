import { AppError } from '../base/errors.ts';
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
  const covered = new Map<string, string>();
  for (let row = 0; row < columns.count; row += 1) {
    if ((times[row] as number) >= toMicros) continue;
    covered.set(
      `${ids.at(row)} ${oldSides.at(row)}`,
      [times[row], known[row], journals.at(row), positions[row]].join(' '),
    );
  }
  const isCovered = new Uint8Array(payments.count);
  let same = 0;
  const { places } = payments;
  for (let row = 0; row < payments.count; row += 1) {
    const was = covered.get(`${payments.ids.at(row)} ${sides.at(row)}`);
    if (was === undefined) continue;
    isCovered[row] = 1;
    const is = [payments.times[row], places.knownTimes[row], places.journals.at(row), places.positions[row]].join(' ');
    if (was === is) same += 1;
  }
  checkSame('silver.transactions', covered.size - same);
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
  const there = new Set(Array.from(journals, (journal, row) => `${journal} ${positions[row]}`));
  const old = columns.numbers('journal_position');
  const names = Array.from(columns.requiredTexts('journal_id'), (journal, row) => `${journal} ${old[row]}`);
  return names.filter((name) => !there.has(name)).length;
}

function checkSame(table: string, changed: number): void {
  if (changed === 0) return;
  throw new AppError(
    'export_mismatch',
    `${changed} rows of ${table} that the export was made of are gone or other ones now: make the export anew`,
    { table, changed },
  );
}
