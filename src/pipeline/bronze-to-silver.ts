import type { DuckDb } from '../storage/parquet/duckdb.ts';
import { duckdbScan } from '../storage/scan/duckdb-scan.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import type { Row } from '../storage/types/cell.ts';
import { isPrimitive } from '../storage/types/delta-type.ts';
import { NUMBER_COLUMNS, numbersTold } from './event-numbers.ts';
import { type JobFigures, type JobPorts, requireCommitted, runJob, type TableFigures } from './job.ts';
import type { Lake } from './lake.ts';
import { quarantineRows, type RefusedRow } from './quarantine.ts';
import { nameJournals, refineCorrections } from './refine-corrections.ts';
import {
  bronzePositions,
  planTable,
  type RefinedTable,
  rangeCondition,
  type TablePlan,
  withoutWaitingEvents,
} from './silver-plan.ts';
import { type RefineRow, refineDecision, refineEpoch, refineLabel, refinePayment } from './silver-rows.ts';

/** How a table of bronze becomes one of silver. */
interface Refinement {
  readonly table: Exclude<RefinedTable, 'corrections'>;
  readonly refine: RefineRow;
  /** Columns that make two rows the same; none: every row is kept. */
  readonly key: readonly string[];
  /** A SQL condition of rows that are kept whatever their key. */
  readonly alwaysKept: string;
  readonly hasQuarantine: boolean;
}

const REFINEMENTS: readonly Refinement[] = [
  { table: 'epochs', refine: refineEpoch, key: [], alwaysKept: 'true', hasQuarantine: false },
  {
    table: 'transactions',
    refine: refinePayment(),
    key: ['end_to_end_id', 'side'],
    alwaysKept: 'payment IS NULL',
    hasQuarantine: true,
  },
  {
    table: 'decisions',
    refine: refineDecision,
    key: ['end_to_end_id', 'side'],
    alwaysKept: 'false',
    hasQuarantine: false,
  },
  {
    table: 'labels',
    refine: refineLabel,
    key: ['end_to_end_id', 'state', 'event_time'],
    // What took a number is part of a payee's state, twice or not.
    alwaysKept: 'payee_seq IS NOT NULL OR label IS NULL',
    hasQuarantine: true,
  },
];

/**
 * Brings what is new in bronze to silver: typed, deduplicated, enriched and checked; what breaks the
 * contract goes to quarantine.
 *
 * Each table is one commit that carries the positions of the journals, so the job may be killed at
 * any point and run again, or twice at once: every row arrives once. Duplicates are found by DuckDB,
 * over keys only; rows pass through JavaScript one by one.
 *
 * @throws AppError commit_conflict, disk_full, storage_failed.
 */
export async function bronzeToSilver(ports: JobPorts): Promise<JobFigures> {
  const startMicros = ports.clock.nowMicros();
  const total = { read: 0, written: 0, duplicates: 0, quarantined: 0 };
  const reasons: Record<string, number> = {};
  const versions: Record<string, number> = {};
  await runJob(ports, () => nameJournals(ports.lake));
  const steps = [
    ...REFINEMENTS.map((refinement) => (db: DuckDb) => refineTable(db, ports, refinement)),
    // A retraction's row holds its payment: payments come first.
    (db: DuckDb) => refineCorrections(db, ports.lake, ports.clock.nowMicros()),
  ];
  for (const step of steps) {
    const figures = await runJob(ports, step);
    total.read += figures.read;
    total.written += figures.written;
    total.quarantined += figures.quarantined;
    total.duplicates += figures.read - figures.written - figures.quarantined;
    for (const [code, count] of Object.entries(figures.reasons)) reasons[code] = (reasons[code] ?? 0) + count;
    Object.assign(versions, figures.versions);
  }
  return { ...total, reasons, versions, elapsedMs: Math.round((ports.clock.nowMicros() - startMicros) / 1000) };
}

async function refineTable(db: DuckDb, { lake, clock }: JobPorts, refinement: Refinement): Promise<TableFigures> {
  const { table } = refinement;
  const inBronze = await bronzePositions(lake);
  const through =
    table === 'transactions' ? await withoutWaitingEvents(db, lake, inBronze, clock.nowMicros()) : inBronze;
  const plan = await planTable(lake, table, through);
  const versions: Record<string, number> = { [`silver/${table}`]: plan.silver.version };
  const counts = { read: 0, written: 0, quarantined: 0 };
  const reasons: Record<string, number> = {};
  if (plan.ranges.length === 0) return { ...counts, reasons, versions };
  counts.read = await markFresh(db, refinement, plan);
  const refused: RefusedRow[] = [];
  const rows = refinedRows(db, lake, refinement, plan, refused, counts);
  const finish = async (): Promise<void> => {
    for (const { code } of refused) reasons[code] = (reasons[code] ?? 0) + 1;
    counts.quarantined = refused.length;
    // Quarantine first: once silver's commit stands, these rows are never looked at again.
    if (refinement.hasQuarantine && refused.length > 0) {
      versions[`quarantine/${table}`] = await quarantineRows(
        db,
        lake,
        table === 'labels' ? 'labels' : 'transactions',
        plan,
        refused,
      );
    }
  };
  const outcome = await lake.table(`silver/${table}`).append({
    rows: followedBy(rows, finish),
    txn: plan.transactions,
    basedOn: plan.silver,
    readsRows: true,
    allowEmpty: true,
    operation: 'MERGE',
    commitMetadata: { job: 'bronze-to-silver', [`bronze/${table}`]: plan.bronze.version },
  });
  versions[`silver/${table}`] = requireCommitted(outcome);
  return { ...counts, reasons, versions };
}

async function* followedBy(rows: AsyncIterable<Row>, finish: () => Promise<void>): AsyncIterable<Row> {
  yield* rows;
  await finish();
}

/**
 * Makes the table `fresh`: of the rows in the plan's ranges those that silver has not, with their
 * rank among the rows of one key in the order in which they were known.
 *
 * @returns how many rows the ranges hold.
 */
async function markFresh(db: DuckDb, { key, alwaysKept }: Refinement, plan: TablePlan): Promise<number> {
  const needed = ['journal_id', 'journal_position', 'known_time', ...key, ...columnsIn(alwaysKept, plan.bronze)];
  const scan = await duckdbScan(db, plan.bronze, { files: plan.files, columns: [...new Set(needed)] });
  const keys = key.join(', ');
  await db.run(`CREATE OR REPLACE TEMP TABLE in_range AS
    SELECT journal_id, journal_position, known_time, (${alwaysKept}) AS is_kept${key.map((name) => `, ${name}`).join('')}
    FROM ${scan} WHERE ${rangeCondition(plan.ranges)}`);
  const [count] = await db.rows('SELECT count(*)::DOUBLE AS read FROM in_range');
  const known =
    key.length === 0
      ? 'false'
      : `EXISTS (SELECT 1 FROM ${await duckdbScan(db, plan.silver, { columns: key })} s
      WHERE ${key.map((name) => `s.${name} = r.${name}`).join(' AND ')})`;
  const window =
    key.length === 0 ? '' : `OVER (PARTITION BY is_kept, ${keys} ORDER BY known_time, journal_id, journal_position)`;
  const rank = key.length === 0 ? '1' : `row_number() ${window}`;
  const copies = key.length === 0 ? '1' : `count(*) OVER (PARTITION BY is_kept, ${keys})`;
  await db.run(`CREATE OR REPLACE TEMP TABLE fresh AS
    SELECT journal_id, journal_position, CASE WHEN is_kept THEN 1 ELSE ${rank} END AS rank,
      CASE WHEN is_kept THEN 1 ELSE ${copies} END AS copies
    FROM in_range r WHERE is_kept OR NOT ${known}`);
  await db.run('DROP TABLE in_range');
  return typeof count?.read === 'number' ? count.read : 0;
}

/** Columns of a table that a condition names. */
function columnsIn(condition: string, snapshot: Snapshot): string[] {
  const words = new Set(condition.split(/\W+/));
  return snapshot.schema.fields.map(({ name }) => name).filter((name) => words.has(name));
}

/**
 * The rows of silver. Rows whose key comes once go straight through, in the order of the files;
 * those whose key comes more often follow, key by key, and the first of each that the contract takes
 * is kept.
 */
async function* refinedRows(
  db: DuckDb,
  lake: Lake,
  refinement: Refinement,
  plan: TablePlan,
  refused: RefusedRow[],
  counts: { written: number },
): AsyncIterable<Row> {
  const source = await sourceSql(db, lake, refinement, plan);
  // One thread keeps the order of the files through the join, so that silver is in the journal's order.
  await db.run('SET threads = 1');
  const refineOne = (bronze: Row): Row | undefined => {
    const refined = refinement.refine(bronze);
    if (refined.kind === 'row') {
      counts.written += 1;
      return refined.row;
    }
    const { code, reason } = refined;
    refused.push({ journalId: String(bronze.journal_id), position: Number(bronze.journal_position), code, reason });
    return undefined;
  };
  for await (const chunk of db.stream(`${source} WHERE f.copies = 1`)) {
    for (const bronze of chunk.rows()) {
      const row = refineOne(bronze);
      if (row !== undefined) yield row;
    }
  }
  if (refinement.key.length === 0) return;
  const keys = refinement.key.map((name) => `b.${name}`);
  let taken = '';
  for await (const chunk of db.stream(`${source} WHERE f.copies > 1 ORDER BY ${keys.join(', ')}, f.rank`)) {
    for (const bronze of chunk.rows()) {
      const key = JSON.stringify(refinement.key.map((name) => String(bronze[name])));
      if (key === taken) continue;
      const row = refineOne(bronze);
      if (row === undefined) continue;
      taken = key;
      yield row;
    }
  }
}

/** A query of the fresh rows of bronze, integers and times as doubles (exact up to 2^53). */
async function sourceSql(db: DuckDb, lake: Lake, { table }: Refinement, plan: TablePlan): Promise<string> {
  const unused = ['raw', 'schema_version', 'content_type', 'ingest_date', 'ingest_hour', 'line'];
  const fields = plan.bronze.schema.fields.filter(({ name }) => !unused.includes(name));
  const scan = await duckdbScan(db, plan.bronze, { files: plan.files, columns: fields.map(({ name }) => name) });
  const hasNumbers = table === 'transactions';
  if (hasNumbers) await numbersTold(db, lake, await keysInRange(db, plan));
  const columns = fields.map(({ name, type }) => {
    let value = `b.${name}`;
    if (hasNumbers && NUMBER_COLUMNS.includes(name)) value = `coalesce(${value}, n.${name})`;
    // An event whose number never came was presented all the same.
    if (hasNumbers && name === 'is_event') value = `coalesce(${value}, n.is_event, true)`;
    if (isPrimitive(type) && type === 'timestamp') value = `epoch_us(${value})::DOUBLE`;
    if (isPrimitive(type) && type === 'long') value = `${value}::DOUBLE`;
    return `${value} AS ${name}`;
  });
  const join = hasNumbers ? 'LEFT JOIN numbers n ON n.end_to_end_id = b.end_to_end_id AND n.side = b.side' : '';
  return `SELECT ${columns.join(', ')} FROM ${scan} b
    JOIN fresh f ON f.journal_id = b.journal_id AND f.journal_position = b.journal_position ${join}`;
}

/** A subquery: the payments and sides of the plan's rows. */
async function keysInRange(db: DuckDb, plan: TablePlan): Promise<string> {
  const columns = ['end_to_end_id', 'side', 'journal_id', 'journal_position'];
  const scan = await duckdbScan(db, plan.bronze, { files: plan.files, columns });
  return `(SELECT end_to_end_id, side FROM ${scan} WHERE ${rangeCondition(plan.ranges)})`;
}
