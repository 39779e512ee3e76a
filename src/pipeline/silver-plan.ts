import type { DuckDb } from '../storage/parquet/duckdb.ts';
import { duckdbScan } from '../storage/scan/duckdb-scan.ts';
import type { DataFile, Snapshot } from '../storage/scan/snapshot.ts';
import { sqlText } from '../storage/types/sql-types.ts';
import type { Transaction } from '../storage/write/change-request.ts';
import { journalAppId } from './bronze-writer.ts';
import { toldOf } from './event-numbers.ts';
import type { Lake, LakeTableName } from './lake.ts';

/** Rows of one journal that are to go on: positions `(after, through]`. */
export interface JournalRange {
  readonly journalId: string;
  readonly after: number;
  readonly through: number;
}

/** What of a bronze table goes to its silver table. */
export interface TablePlan {
  readonly ranges: readonly JournalRange[];
  readonly bronze: Snapshot;
  /** The files of bronze that hold rows of the ranges. */
  readonly files: readonly DataFile[];
  readonly silver: Snapshot;
  /** How far silver has come with the commit. */
  readonly transactions: readonly Transaction[];
}

/** The tables that go from bronze to silver one to one. */
export type RefinedTable = 'transactions' | 'decisions' | 'labels' | 'epochs' | 'corrections';

/**
 * The positions up to which each journal is wholly in bronze. Read before the other snapshots: the
 * anchor table is committed last, so these hold everything up to there.
 */
export async function bronzePositions(lake: Lake): Promise<ReadonlyMap<string, number>> {
  return positionsIn(await lake.table('bronze/transactions').snapshot(), 'transactions');
}

/** The positions up to which each journal is wholly in silver: what is at or before may leave the journal. */
export async function silverPositions(lake: Lake): Promise<ReadonlyMap<string, number>> {
  const tables: readonly RefinedTable[] = ['transactions', 'decisions', 'labels', 'epochs'];
  const lowest = new Map<string, number>();
  for (const [at, table] of tables.entries()) {
    const positions = await silverPositionsOf(lake, table);
    if (at === 0) for (const [journalId, position] of positions) lowest.set(journalId, position);
    for (const [journalId, position] of lowest) {
      lowest.set(journalId, Math.min(position, positions.get(journalId) ?? 0));
    }
  }
  // A journal that is not named there has no corrections on their way: `nameJournals` comes before its payments go on.
  const corrections = await silverPositionsOf(lake, 'corrections');
  for (const [journalId, position] of lowest) {
    lowest.set(journalId, Math.min(position, corrections.get(journalId) ?? position));
  }
  return lowest;
}

/** The positions up to which each journal is in one table of silver. */
export async function silverPositionsOf(lake: Lake, table: RefinedTable): Promise<ReadonlyMap<string, number>> {
  return positionsIn(await lake.table(`silver/${table}`).snapshot(), table);
}

function positionsIn(snapshot: Snapshot, table: string): Map<string, number> {
  const suffix = `/${table}`;
  const positions = new Map<string, number>();
  for (const appId of snapshot.state.transactions.keys()) {
    const position = snapshot.transactionVersion(appId);
    if (appId.endsWith(suffix) && position !== undefined) positions.set(appId.slice(0, -suffix.length), position);
  }
  return positions;
}

/**
 * Plans one table: for each journal what silver does not have, up to the given positions.
 *
 * @param through the last position of each journal that may go on.
 */
export async function planTable(
  lake: Lake,
  table: RefinedTable,
  through: ReadonlyMap<string, number>,
): Promise<TablePlan> {
  const bronze = await lake.table(`bronze/${table}` satisfies LakeTableName).snapshot();
  const silver = await lake.table(`silver/${table}` satisfies LakeTableName).snapshot();
  const done = positionsIn(silver, table);
  const ranges: JournalRange[] = [];
  for (const [journalId, last] of through) {
    const after = done.get(journalId) ?? 0;
    if (last > after) ranges.push({ journalId, after, through: last });
  }
  const files = bronze.files.filter((file) => ranges.some((range) => mayHold(file, range)));
  const transactions = ranges.map(({ journalId, through: version }) => ({
    appId: journalAppId(journalId, table),
    version,
  }));
  return { ranges, bronze, files, silver, transactions };
}

/** The ranges as a SQL condition. */
export function rangeCondition(ranges: readonly JournalRange[]): string {
  const conditions = ranges.map(
    ({ journalId, after, through }) =>
      `(journal_id = ${sqlText(journalId)} AND journal_position > ${after} AND journal_position <= ${through})`,
  );
  return conditions.length === 0 ? 'false' : `(${conditions.join(' OR ')})`;
}

/** Whether a file's statistics leave room for a row of a range. */
function mayHold(file: DataFile, { journalId, after, through }: JournalRange): boolean {
  const statistics = file.statistics();
  if (statistics === undefined) return true;
  const { minValues, maxValues } = statistics;
  // A journal's id is a UUID, 36 characters: the bounds of its prefix do not exclude it wrongly.
  const { journal_id: firstId, journal_position: first } = minValues;
  const { journal_id: lastId, journal_position: last } = maxValues;
  if (typeof firstId === 'string' && firstId > journalId) return false;
  if (typeof lastId === 'string' && lastId < journalId) return false;
  if (typeof first === 'number' && first > through) return false;
  return !(typeof last === 'number' && last <= after);
}

/**
 * How long an event waits in bronze for the number that its store has given it. Numbers follow
 * within seconds; after a store's outage the server journals them when it is back. An event whose
 * number never comes goes on without one.
 */
export const NUMBER_WAIT_MICROS = 15 * 60 * 1_000_000;

/**
 * The last positions that may go on to silver/transactions: before the first event that waits for
 * its number (with Redis the event is durable first, and its number is learned later).
 */
export async function withoutWaitingEvents(
  db: DuckDb,
  lake: Lake,
  through: ReadonlyMap<string, number>,
  nowMicros: number,
): Promise<ReadonlyMap<string, number>> {
  const plan = await planTable(lake, 'transactions', through);
  const files = plan.files.filter((file) => file.statistics()?.nullCount.is_event !== 0);
  if (files.length === 0) return through;
  const scan = await duckdbScan(db, plan.bronze, {
    files,
    columns: ['journal_id', 'journal_position', 'known_time', 'end_to_end_id', 'side', 'is_event', 'payment'],
  });
  const rows = await db.rows(
    `SELECT journal_id, min(journal_position)::DOUBLE AS first FROM ${scan} t
     WHERE is_event IS NULL AND ${rangeCondition(plan.ranges)}
       AND epoch_us(known_time) > ${nowMicros - NUMBER_WAIT_MICROS}
       -- Without an account, a document, a key or a device there is no entity, and so no number to wait for.
       AND regexp_matches(payment, '"(account|document|pixKey|device)":')
       -- A row without numbers says that there are none: a second side, or an event of an epoch's base.
       AND NOT EXISTS (SELECT 1 FROM ${await toldOf(db, lake)} n WHERE n.end_to_end_id = t.end_to_end_id AND n.side = t.side)
     GROUP BY journal_id`,
  );
  const held = new Map(through);
  for (const { journal_id: journalId, first } of rows) {
    if (typeof journalId === 'string' && typeof first === 'number') held.set(journalId, first - 1);
  }
  return held;
}

/** The files of a bronze table that may hold rows which silver does not have. */
export async function unrefined(
  lake: Lake,
  table: RefinedTable,
): Promise<{ readonly snapshot: Snapshot; readonly files: readonly DataFile[] }> {
  const known = await bronzePositions(lake);
  const everything = new Map([...known.keys()].map((journalId) => [journalId, Number.MAX_SAFE_INTEGER]));
  const { bronze, files } = await planTable(lake, table, everything);
  return { snapshot: bronze, files };
}
