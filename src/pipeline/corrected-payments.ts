import { civilParts, civilZone } from '../base/civil-time.ts';
import type { DuckDb } from '../storage/parquet/duckdb.ts';
import { duckdbScan } from '../storage/scan/duckdb-scan.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import { epochColumns, epochOfRow } from './epoch-of-row.ts';

const HOUR_MICROS = 3_600_000_000;
const SECOND_MICROS = 1_000_000;
/** Since then São Paulo's offsets are whole hours; before, clocks went by its sun, 3:06:28 behind. */
const WHOLE_HOURS_MICROS = Date.UTC(1914, 0, 2) * 1000;
/** Values of one INSERT. */
const INSERT_ROWS = 1000;

/**
 * Makes what silver.corrections says of payments into two tables of DuckDB:
 *
 *   correction_days (end_to_end_id, day)           every civil day that a corrected payment had by a correction, or before it
 *   corrected (end_to_end_id, is_gone, day, amount_centavos)
 *                                                  each corrected payment as it is: taken back, or with its day and amount
 *
 * The last correction counts, by (epoch, what Redis counted, known time, position): an import may say that it knew earlier
 * what it brings later.
 */
export async function correctedPayments(db: DuckDb, corrections: Snapshot): Promise<void> {
  const place = ['known_time', 'journal_id', 'journal_position'];
  const columns = ['end_to_end_id', 'effect', 'event_time', 'amount_centavos', 'revision', ...place, ...epochColumns()];
  await db.run(`CREATE OR REPLACE TEMP TABLE corrections AS
    SELECT end_to_end_id, effect = 'RETRACTED' AS is_gone, amount_centavos, ${hourOf('event_time')} AS hour,
      row_number() OVER (PARTITION BY end_to_end_id
        ORDER BY ${epochOfRow()}, coalesce(revision, -1), ${place.join(', ')}, effect = 'REPLACED') AS ord
    FROM ${await duckdbScan(db, corrections, { columns })} WHERE effect <> 'IGNORED'`);
  await civilDays(db, 'corrections');
  await db.run(`CREATE OR REPLACE TEMP TABLE correction_days AS
    SELECT DISTINCT end_to_end_id, day FROM corrections JOIN civil_days USING (hour)`);
  await db.run(`CREATE OR REPLACE TEMP TABLE corrected AS
    SELECT end_to_end_id, arg_max(is_gone, ord) AS is_gone, arg_max(day, ord) AS day,
      arg_max(amount_centavos, ord) AS amount_centavos
    FROM corrections JOIN civil_days USING (hour) GROUP BY end_to_end_id`);
}

/** Microseconds at which the UTC hour of a time begins, of those before 1914 the second. */
function hourOf(column: string): string {
  const micros = `epoch_us(${column})`;
  const start = (span: number): string => `${micros} - ((${micros} % ${span}) + ${span}) % ${span}`;
  return `CASE WHEN ${micros} < ${WHOLE_HOURS_MICROS} THEN ${start(SECOND_MICROS)} ELSE ${start(HOUR_MICROS)} END`;
}

/**
 * Makes the table `civil_days`: the civil day in São Paulo of each UTC hour in a table, as {@link hourOf} tells it: each is
 * of one day; and the days are ours, as silver's are, for time-zone databases differ.
 */
async function civilDays(db: DuckDb, table: string): Promise<void> {
  const zone = civilZone('America/Sao_Paulo');
  const hours = await db.rows(`SELECT DISTINCT hour::DOUBLE AS hour FROM ${table} ORDER BY hour`);
  await db.run('CREATE OR REPLACE TEMP TABLE civil_days (hour BIGINT, day DATE)');
  for (let at = 0; at < hours.length; at += INSERT_ROWS) {
    const values = hours.slice(at, at + INSERT_ROWS).map(({ hour }) => {
      const micros = Number(hour);
      return `(${micros}, DATE '1970-01-01' + ${civilParts(zone, micros).day})`;
    });
    await db.run(`INSERT INTO civil_days VALUES ${values.join(', ')}`);
  }
}
