import { assert } from '../base/assert.ts';
import { bigIntToDouble } from '../base/to-double.ts';
import { dateOfDays } from '../domain/instant.ts';
import type { DuckDb } from '../storage/parquet/duckdb.ts';
import { duckdbScan } from '../storage/scan/duckdb-scan.ts';
import type { CellRow, Row } from '../storage/types/cell.ts';
import { type JobPorts, requireCommitted, runJob, sourceId } from './job.ts';
import type { Lake } from './lake.ts';

/** A table of months, made from one of days. */
interface MonthlyTable {
  readonly name: 'gold/monthly_payments' | 'gold/fraud_monthly';
  readonly daily: 'gold/daily_payments' | 'gold/fraud_daily';
  /** Columns that rows of a month have one of each. */
  readonly keys: readonly string[];
  /** Columns that are summed over the month's days. */
  readonly sums: readonly string[];
  /** @param sums by name, of a month. */
  toRow(sums: CellRow): Row;
}

const MONTHLY_TABLES: readonly MonthlyTable[] = [
  {
    name: 'gold/monthly_payments',
    daily: 'gold/daily_payments',
    keys: ['month', 'side'],
    sums: ['payment_count', 'total_centavos'],
    toRow: withMean,
  },
  {
    name: 'gold/fraud_monthly',
    daily: 'gold/fraud_daily',
    keys: ['month'],
    sums: ['payment_count', 'contested_count', 'agreed_count', 'agreed_centavos'],
    toRow: (sums) => sums,
  },
];

/** What became of the tables of months. */
export interface MonthlyFigures {
  readonly written: number;
  readonly versions: Readonly<Record<string, number>>;
}

/**
 * Brings the tables of months up to those of days, which count each payment on one day. Days are so few (two rows each)
 * that all months are summed anew; only those that came out otherwise are written, in one commit a table.
 *
 * @throws AppError commit_conflict, disk_full, storage_failed.
 */
export async function dailyToMonthly(ports: JobPorts): Promise<MonthlyFigures> {
  const versions: Record<string, number> = {};
  let written = 0;
  for (const table of MONTHLY_TABLES) {
    const figures = await runJob(ports, (db) => refreshMonths(db, ports.lake, table));
    versions[table.name] = figures.version;
    written += figures.written;
  }
  return { written, versions };
}

async function refreshMonths(
  db: DuckDb,
  lake: Lake,
  table: MonthlyTable,
): Promise<{ readonly written: number; readonly version: number }> {
  const target = lake.table(table.name);
  const snapshot = await target.snapshot();
  const daily = await lake.table(table.daily).snapshot();
  if (snapshot.transactionVersion(sourceId(daily)) === daily.version) return { written: 0, version: snapshot.version };
  const columns = [...table.keys, ...table.sums];
  const summed = await db.rows(`
    SELECT ${daysOf("date_trunc('month', day)")} AS month, ${[...table.keys.slice(1), ...table.sums.map(sumOf)].join(', ')}
    FROM ${await duckdbScan(db, daily)} GROUP BY ALL ORDER BY ALL`);
  const there = await db.rows(`
    SELECT ${daysOf('month')} AS month, ${columns.slice(1).join(', ')} FROM ${await duckdbScan(db, snapshot)} ORDER BY ALL`);
  const before = byMonth(there, columns);
  const now = byMonth(summed, columns);
  const months = [...new Set([...before.keys(), ...now.keys()])].filter(
    (month) => before.get(month) !== now.get(month),
  );
  if (months.length === 0) return { written: 0, version: snapshot.version };
  const changed = new Set(months);
  const rows = summed.filter(({ month }) => changed.has(Number(month))).map(table.toRow);
  const outcome = await target.replacePartitions({
    partitions: months.map((month) => ({ month: dateOfDays(month) })),
    rows,
    txn: [{ appId: sourceId(daily), version: daily.version }],
    basedOn: snapshot,
    allowEmpty: true,
    operation: 'WRITE',
    commitMetadata: { job: 'silver-to-gold', [table.daily]: daily.version },
  });
  const version = requireCommitted(outcome);
  return { written: outcome.kind === 'committed' ? rows.length : 0, version };
}

/** A row of payments from its count and its sum: one division, and it last. */
export function withMean(sums: CellRow): Row {
  const { payment_count: count, total_centavos: total } = sums;
  assert(typeof count === 'bigint' && typeof total === 'bigint', 'a sum of integers is a bigint');
  return { ...sums, mean_centavos: bigIntToDouble(total) / Number(count) };
}

const sumOf = (column: string): string => `sum(${column})::BIGINT AS ${column}`;

/** SQL: a date as days since 1970. */
const daysOf = (date: string): string => `(${date}::DATE - DATE '1970-01-01')::INTEGER`;

/** What is said of each month, as a text that two equal ones share. */
function byMonth(rows: readonly CellRow[], columns: readonly string[]): ReadonlyMap<number, string> {
  const months = new Map<number, string>();
  for (const row of rows) {
    const month = Number(row.month);
    months.set(month, `${months.get(month) ?? ''}${columns.map((column) => String(row[column])).join('|')}\n`);
  }
  return months;
}
