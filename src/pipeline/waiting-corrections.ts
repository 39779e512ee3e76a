import type { DuckDb } from '../storage/parquet/duckdb.ts';
import { duckdbScan } from '../storage/scan/duckdb-scan.ts';
import { epochColumns, epochOfRow } from './epoch-of-row.ts';
import type { Lake } from './lake.ts';
import { NUMBER_WAIT_MICROS, planTable, rangeCondition } from './silver-plan.ts';

/** A correction in bronze whose order Redis has counted. */
interface CountedCorrection {
  readonly journalId: string;
  readonly position: number;
  readonly id: string;
  readonly epoch: number;
  /** How many rows corrections of its payment took before it, and how many it takes. */
  readonly revision: number;
  readonly rows: number;
  /** Whether it waits for nothing, or no more. */
  readonly isFree: boolean;
}

/** What silver has of the payments that are corrected. */
interface InSilver {
  readonly events: ReadonlySet<string>;
  /** Rows of corrections, by the payment's id. */
  readonly rows: ReadonlyMap<string, number>;
}

/**
 * The last positions that corrections may go on to: before the first one whose payment, or a correction of it that came
 * before, is another server's and not in silver yet. What is older than {@link NUMBER_WAIT_MICROS} is not waited for.
 *
 * @param through the last position of each journal that may go on otherwise.
 */
export async function withoutWaitingCorrections(
  db: DuckDb,
  lake: Lake,
  through: ReadonlyMap<string, number>,
  nowMicros: number,
): Promise<ReadonlyMap<string, number>> {
  const counted = await countedCorrections(db, lake, through, nowMicros - NUMBER_WAIT_MICROS);
  return counted.every(({ isFree }) => isFree) ? through : heldBack(counted, await inSilver(db, lake), through);
}

/** Journals are held back until all that goes on has its payment and every correction before it. */
function heldBack(
  counted: readonly CountedCorrection[],
  silver: InSilver,
  through: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const held = new Map(through);
  const goesOn = ({ journalId, position }: CountedCorrection): boolean => position <= (held.get(journalId) ?? 0);
  const isBefore = (a: CountedCorrection, b: CountedCorrection): boolean =>
    a.epoch < b.epoch || (a.epoch === b.epoch && a.revision < b.revision);
  const ofPayment = new Map<string, CountedCorrection[]>();
  for (const one of counted) ofPayment.set(one.id, [...(ofPayment.get(one.id) ?? []), one]);
  const waits = (one: CountedCorrection): boolean => {
    if (one.isFree) return false;
    if (!silver.events.has(one.id)) return true;
    const before = (ofPayment.get(one.id) ?? []).filter((other) => isBefore(other, one) && goesOn(other));
    const rows = before.reduce((sum, other) => sum + other.rows, silver.rows.get(one.id) ?? 0);
    return rows < one.revision;
  };
  for (;;) {
    const first = counted.find((one) => goesOn(one) && waits(one));
    if (first === undefined) return held;
    held.set(first.journalId, first.position - 1);
  }
}

async function countedCorrections(
  db: DuckDb,
  lake: Lake,
  through: ReadonlyMap<string, number>,
  oldMicros: number,
): Promise<CountedCorrection[]> {
  const plan = await planTable(lake, 'corrections', through);
  if (plan.files.length === 0) return [];
  const prefixes = ['retracted_', 'replaced_'];
  const rowCount = prefixes.map((prefix) => `(${epochOfRow([prefix])} > 0)::INTEGER`).join(' + ');
  const places = ['journal_id', 'journal_position', 'known_time', 'end_to_end_id', 'revision', 'is_applied'];
  const scan = await duckdbScan(db, plan.bronze, {
    files: plan.files,
    columns: [...places, ...epochColumns(prefixes)],
  });
  // An embedded store's corrections are counted as well, for those of Redis that follow them; they wait for nothing, and
  // neither does one that found nothing to do.
  await db.run(`CREATE OR REPLACE TEMP TABLE counted AS
    SELECT journal_id, journal_position::DOUBLE AS position, end_to_end_id AS id, ${epochOfRow(prefixes)}::DOUBLE AS epoch,
      coalesce(revision, 0)::DOUBLE AS revision, ${rowCount} AS rows,
      (revision IS NULL OR epoch_us(known_time) <= ${oldMicros} OR ${rowCount} = 0) AS is_free
    FROM ${scan} WHERE is_applied AND ${rangeCondition(plan.ranges)} ORDER BY journal_id, position`);
  const rows = await db.rows('SELECT * FROM counted');
  return rows.map((row) => ({
    journalId: String(row.journal_id),
    position: Number(row.position),
    id: String(row.id),
    epoch: Number(row.epoch),
    revision: Number(row.revision),
    rows: Number(row.rows),
    isFree: row.is_free === true,
  }));
}

async function inSilver(db: DuckDb, lake: Lake): Promise<InSilver> {
  const payments = await lake.table('silver/transactions').snapshot();
  const corrections = await lake.table('silver/corrections').snapshot();
  const events = await db.rows(`SELECT DISTINCT end_to_end_id AS id
    FROM ${await duckdbScan(db, payments, { columns: ['end_to_end_id', 'is_event'] })}
    WHERE is_event AND end_to_end_id IN (SELECT id FROM counted)`);
  const rows = await db.rows(`SELECT end_to_end_id AS id, count(*)::DOUBLE AS rows
    FROM ${await duckdbScan(db, corrections, { columns: ['end_to_end_id', 'effect'] })}
    WHERE effect <> 'IGNORED' AND end_to_end_id IN (SELECT id FROM counted) GROUP BY ALL`);
  return {
    events: new Set(events.map(({ id }) => String(id))),
    rows: new Map(rows.map(({ id, rows: count }) => [String(id), Number(count)])),
  };
}
