import { dateOfDays } from '../domain/instant.ts';
import type { DuckDb } from '../storage/parquet/duckdb.ts';
import { duckdbScan } from '../storage/scan/duckdb-scan.ts';
import type { DataFile, Snapshot } from '../storage/scan/snapshot.ts';
import type { DeltaTable } from '../storage/table.ts';
import type { CellRow, Row } from '../storage/types/cell.ts';
import { correctedPayments } from './corrected-payments.ts';
import { dailyToMonthly, withMean } from './daily-to-monthly.ts';
import { type JobFigures, type JobPorts, requireCommitted, runJob, sourceId } from './job.ts';
import type { Lake } from './lake.ts';

/** How a gold table is made. */
interface GoldTable {
  readonly name: 'gold/daily_payments' | 'gold/fraud_daily';
  /** The tables of silver that it is made from. */
  readonly sources: readonly SilverSource[];
  /** A query of the days in the table `days`. */
  query(db: DuckDb, silver: SilverSnapshots): Promise<string>;
  toRow(result: CellRow): Row;
}

type SilverSource = 'transactions' | 'labels' | 'corrections';

/** The versions of silver that gold is made from. */
type SilverSnapshots = Readonly<Record<SilverSource, Snapshot>>;

/**
 * Brings gold up to silver: only the days of new payments, and of payments with new labels or corrections, are
 * made anew, each day as a whole in one commit a table. Payments count as they are known: one that was taken back does not,
 * one that was replaced does as it is now, on the day that it has now. The commit carries the versions of silver
 * that it was made from, so a killed run is done again and a second one finds nothing to do. Months are summed from days.
 *
 * @throws AppError commit_conflict, disk_full, storage_failed.
 */
export async function silverToGold(ports: JobPorts): Promise<JobFigures> {
  const startMicros = ports.clock.nowMicros();
  const versions: Record<string, number> = {};
  let read = 0;
  let written = 0;
  for (const table of GOLD_TABLES) {
    const figures = await runJob(ports, (db) => refresh(db, ports.lake, table));
    versions[table.name] = figures.version;
    read += figures.read;
    written += figures.written;
  }
  const monthly = await dailyToMonthly(ports);
  written += monthly.written;
  Object.assign(versions, monthly.versions);
  const elapsedMs = Math.round((ports.clock.nowMicros() - startMicros) / 1000);
  return { read, written, duplicates: 0, quarantined: 0, reasons: {}, versions, elapsedMs };
}

const GOLD_TABLES: readonly GoldTable[] = [
  {
    name: 'gold/daily_payments',
    sources: ['transactions', 'corrections'],
    // Each side that was presented is of the payment as it is.
    query: async (db, { transactions }) => `
      WITH payments AS (SELECT side, coalesce(c.day, t.day) AS day, coalesce(c.amount_centavos, t.amount_centavos) AS amount_centavos
        FROM ${await duckdbScan(db, transactions, { columns: ['end_to_end_id', 'day', 'side', 'amount_centavos'] })} t
        LEFT JOIN corrected c USING (end_to_end_id) WHERE c.is_gone IS NOT TRUE)
      SELECT (day - DATE '1970-01-01')::INTEGER AS day, side, count(*) AS payment_count, sum(amount_centavos) AS total_centavos
      FROM payments WHERE day IN (SELECT day FROM days) GROUP BY day, side ORDER BY day, side`,
    toRow: withMean,
  },
  {
    name: 'gold/fraud_daily',
    sources: ['transactions', 'labels', 'corrections'],
    // A payment seen from both sides is one payment: its event's row stands for it. By a window, which goes to disk where
    // memory ends: an aggregate would hold 0.5 KB a payment, and of 10 M payments there is no room for it.
    query: async (db, { transactions, labels }) => `
      WITH rows AS ${await paymentScan(db, transactions)},
      wanted AS (
        SELECT end_to_end_id FROM rows WHERE day IN (SELECT day FROM days)
        UNION ALL SELECT end_to_end_id FROM corrected WHERE day IN (SELECT day FROM days)),
      presented AS (
        SELECT end_to_end_id, day, amount_centavos FROM rows WHERE end_to_end_id IN (SELECT end_to_end_id FROM wanted)
        QUALIFY row_number() OVER (PARTITION BY end_to_end_id ORDER BY NOT is_event, known_time, journal_id, journal_position) = 1),
      payments AS (
        SELECT end_to_end_id, coalesce(c.day, p.day) AS day, coalesce(c.amount_centavos, p.amount_centavos) AS amount_centavos
        FROM presented p LEFT JOIN corrected c USING (end_to_end_id) WHERE c.is_gone IS NOT TRUE),
      states AS (
        SELECT end_to_end_id, arg_max(state, (event_time, coalesce(payee_epoch, 0), coalesce(payee_seq, 0), known_time, journal_id, journal_position)) AS state
        FROM ${await duckdbScan(db, labels)} GROUP BY end_to_end_id)
      SELECT (day - DATE '1970-01-01')::INTEGER AS day, count(*) AS payment_count,
        count(*) FILTER (state = 'CONTESTED') AS contested_count,
        count(*) FILTER (state = 'AGREED') AS agreed_count,
        coalesce(sum(amount_centavos) FILTER (state = 'AGREED'), 0) AS agreed_centavos
      FROM payments LEFT JOIN states USING (end_to_end_id)
      WHERE day IN (SELECT day FROM days) GROUP BY day ORDER BY day`,
    toRow: (row) => row,
  },
];

function paymentScan(db: DuckDb, transactions: Snapshot): Promise<string> {
  return duckdbScan(db, transactions, {
    columns: ['end_to_end_id', 'day', 'amount_centavos', 'is_event', 'known_time', 'journal_id', 'journal_position'],
  });
}

interface RefreshFigures {
  readonly read: number;
  readonly written: number;
  readonly version: number;
}

async function refresh(db: DuckDb, lake: Lake, gold: GoldTable): Promise<RefreshFigures> {
  const target = lake.table(gold.name);
  const snapshot = await target.snapshot();
  const silver = {
    transactions: await lake.table('silver/transactions').snapshot(),
    labels: await lake.table('silver/labels').snapshot(),
    // Read after the payments: a correction of a payment that is not there yet finds none.
    corrections: await lake.table('silver/corrections').snapshot(),
  };
  const txn = gold.sources.map((source) => ({ appId: sourceId(silver[source]), version: silver[source].version }));
  if (txn.every(({ appId, version }) => snapshot.transactionVersion(appId) === version)) {
    return { read: 0, written: 0, version: snapshot.version };
  }
  await correctedPayments(db, silver.corrections);
  const days = await changedDays(db, lake, snapshot, silver, gold.sources);
  // Versions of silver without rows (positions that moved) make no version of gold.
  if (days.length === 0) return { read: 0, written: 0, version: snapshot.version };
  const rows = (await db.rows(await gold.query(db, silver))).map(gold.toRow);
  const outcome = await target.replacePartitions({
    partitions: days.map((day) => ({ day: dateOfDays(day) })),
    rows,
    txn,
    basedOn: snapshot,
    allowEmpty: true,
    operation: 'WRITE',
    commitMetadata: {
      job: 'silver-to-gold',
      ...Object.fromEntries(gold.sources.map((source) => [`silver/${source}`, silver[source].version])),
    },
  });
  const read = await countRows(db, silver.transactions);
  const version = requireCommitted(outcome);
  return { read, written: outcome.kind === 'committed' ? rows.length : 0, version };
}

/** The days to make anew, also as the table `days` of DuckDB. */
async function changedDays(
  db: DuckDb,
  lake: Lake,
  gold: Snapshot,
  silver: SilverSnapshots,
  sources: readonly SilverSource[],
): Promise<number[]> {
  const changes: string[] = [];
  let isWhole = false;
  for (const source of sources) {
    const files = await newFiles(
      lake.table(`silver/${source}`),
      silver[source],
      gold.transactionVersion(sourceId(silver[source])),
    );
    if (files === undefined) isWhole = true;
    else
      changes.push(
        `SELECT end_to_end_id FROM ${await duckdbScan(db, silver[source], { files, columns: ['end_to_end_id'] })}`,
      );
  }
  const scan = await duckdbScan(db, silver.transactions, { columns: ['end_to_end_id', 'day'] });
  // By payment, not by row: where a second side has another day, both of its days change, and of a corrected one all that it had.
  const changed = isWhole ? '' : `WHERE end_to_end_id IN (${changes.join(' UNION ALL ')})`;
  await db.run(`CREATE OR REPLACE TEMP TABLE days AS
    SELECT DISTINCT day FROM (SELECT * FROM ${scan} UNION ALL SELECT * FROM correction_days) ${changed}`);
  const rows = await db.rows(`SELECT (day - DATE '1970-01-01')::INTEGER AS day FROM days ORDER BY day`);
  const days = rows.map(({ day }) => Number(day));
  if (!isWhole) return days;
  // Made from nothing, gold keeps no day that silver has not.
  const old = gold.files.map(({ partitionValues }) => partitionValues.day ?? null);
  return [...new Set([...days, ...old.flatMap((text) => (text === null ? [] : [Date.parse(text) / 86_400_000]))])];
}

/** Files of a snapshot that came after a version; undefined where gold is to be made from all that there is. */
async function newFiles(
  table: DeltaTable,
  snapshot: Snapshot,
  since: number | undefined,
): Promise<readonly DataFile[] | undefined> {
  // Gold of a program that knew no corrections has missed none where there are none.
  if (since === undefined && table.path === 'silver/corrections' && snapshot.files.length === 0) return [];
  if (since === undefined || since > snapshot.version) return undefined;
  const added = await table.addedSince(since);
  const keys = new Set(added?.map(({ key }) => key));
  return added === undefined ? undefined : snapshot.files.filter(({ key }) => keys.has(key));
}

async function countRows(db: DuckDb, transactions: Snapshot): Promise<number> {
  const scan = await duckdbScan(db, transactions, { columns: ['day'] });
  const [count] = await db.rows(`SELECT count(*)::DOUBLE AS rows FROM ${scan} WHERE day IN (SELECT day FROM days)`);
  return typeof count?.rows === 'number' ? count.rows : 0;
}
