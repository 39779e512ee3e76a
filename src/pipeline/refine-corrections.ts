import { PAYMENT_COLUMNS } from '../domain/payment-row.ts';
import type { DuckDb } from '../storage/parquet/duckdb.ts';
import { duckdbScan } from '../storage/scan/duckdb-scan.ts';
import type { Row } from '../storage/types/cell.ts';
import { type DeltaType, isPrimitive } from '../storage/types/delta-type.ts';
import { journalAppId } from './bronze-writer.ts';
import { refineCorrection } from './correction-rows.ts';
import { epochColumns, epochOfRow } from './epoch-of-row.ts';
import { requireCommitted, type TableFigures } from './job.ts';
import type { Lake } from './lake.ts';
import { quarantineRows, type RefusedRow } from './quarantine.ts';
import { bronzePositions, planTable, rangeCondition, silverPositionsOf, type TablePlan } from './silver-plan.ts';
import { withoutWaitingCorrections } from './waiting-corrections.ts';

/** What a row of silver.corrections says of the payment: all columns of a payment, and the keys of its accounts. */
const PAYMENT_PART: readonly string[] = [
  ...PAYMENT_COLUMNS.map(({ name }) => name).filter((name) => name !== 'end_to_end_id'),
  'payer_account',
  'payee_account',
];

/** Names the payment as it was among the columns of a correction. */
const WAS = 'was_';

/**
 * Brings corrections to silver, each as the rows of what it did. Comes after the payments: a retraction's row holds the
 * payment as it was, which is its event in silver.transactions, or what a correction before it made of it.
 *
 * One commit that carries the positions of the journals, as of the other tables; nothing is left out as a duplicate, for
 * each correction took numbers of its own.
 *
 * @returns figures in corrections, not in rows of silver.
 */
export async function refineCorrections(db: DuckDb, lake: Lake, nowMicros: number): Promise<TableFigures> {
  const through = await withoutWaitingCorrections(db, lake, await positionsWithPayments(lake), nowMicros);
  const plan = await planTable(lake, 'corrections', through);
  const versions: Record<string, number> = { 'silver/corrections': plan.silver.version };
  const counts = { read: 0, written: 0, quarantined: 0 };
  const reasons: Record<string, number> = {};
  if (plan.ranges.length === 0) return { ...counts, reasons, versions };
  const refused: RefusedRow[] = [];
  const rows = async function* (): AsyncIterable<Row> {
    yield* silverRows(db, lake, plan, refused, counts);
    for (const { code } of refused) reasons[code] = (reasons[code] ?? 0) + 1;
    counts.quarantined = refused.length;
    // Quarantine first: once silver's commit stands, these rows are never looked at again.
    if (refused.length > 0) {
      versions['quarantine/corrections'] = await quarantineRows(db, lake, 'corrections', plan, refused);
    }
  };
  const outcome = await lake.table('silver/corrections').append({
    rows: rows(),
    txn: plan.transactions,
    basedOn: plan.silver,
    readsRows: true,
    allowEmpty: true,
    operation: 'MERGE',
    commitMetadata: { job: 'bronze-to-silver', 'bronze/corrections': plan.bronze.version },
  });
  versions['silver/corrections'] = requireCommitted(outcome);
  return { ...counts, reasons, versions };
}

/**
 * Names the journals that silver.corrections does not name yet, as far as their payments are in silver. Comes before
 * payments go on: whoever reads both tables then sees whether payments came before their corrections. Silver of a program
 * that knew no corrections names none, and misses none.
 */
export async function nameJournals(lake: Lake): Promise<void> {
  const silver = await lake.table('silver/corrections').snapshot();
  const named = await silverPositionsOf(lake, 'corrections');
  const payments = await silverPositionsOf(lake, 'transactions');
  const unnamed = [...(await bronzePositions(lake)).keys()].filter((journalId) => !named.has(journalId));
  if (unnamed.length === 0) return;
  const outcome = await lake.table('silver/corrections').append({
    rows: [],
    txn: unnamed.map((journalId) => ({
      appId: journalAppId(journalId, 'corrections'),
      version: payments.get(journalId) ?? 0,
    })),
    basedOn: silver,
    readsRows: true,
    allowEmpty: true,
    operation: 'MERGE',
  });
  requireCommitted(outcome);
}

/** How far each journal is in bronze, but no further than its payments are in silver. */
async function positionsWithPayments(lake: Lake): Promise<ReadonlyMap<string, number>> {
  const inBronze = await bronzePositions(lake);
  const payments = await silverPositionsOf(lake, 'transactions');
  return new Map([...inBronze].map(([journal, position]) => [journal, Math.min(position, payments.get(journal) ?? 0)]));
}

async function* silverRows(
  db: DuckDb,
  lake: Lake,
  plan: TablePlan,
  refused: RefusedRow[],
  counts: { read: number; written: number },
): AsyncIterable<Row> {
  if (plan.files.length === 0) return;
  let id: unknown;
  let was: Row | undefined;
  for await (const chunk of db.stream(await correctionsSql(db, lake, plan))) {
    for (const bronze of chunk.rows()) {
      counts.read += 1;
      // Rows come payment by payment, in the order of their corrections.
      if (bronze.end_to_end_id !== id) {
        id = bronze.end_to_end_id;
        was = bronze.was_amount_centavos === null ? undefined : paymentPart(bronze);
      }
      const refined = refineCorrection(bronze, was);
      if (refined.kind === 'refused') {
        const { code, reason } = refined;
        refused.push({ journalId: String(bronze.journal_id), position: Number(bronze.journal_position), code, reason });
        continue;
      }
      counts.written += 1;
      was = refined.becomes ?? was;
      yield* refined.rows;
    }
  }
}

function paymentPart(bronze: Row): Row {
  return Object.fromEntries(PAYMENT_PART.map((name) => [name, bronze[`${WAS}${name}`]]));
}

/** A query of the corrections of the plan, each beside its payment as it was before the first of them. */
async function correctionsSql(db: DuckDb, lake: Lake, plan: TablePlan): Promise<string> {
  const unused = ['raw', 'schema_version', 'ingest_date', 'ingest_hour'];
  const fields = plan.bronze.schema.fields.filter(({ name }) => !unused.includes(name));
  const corrections = await duckdbScan(db, plan.bronze, { files: plan.files, columns: fields.map(({ name }) => name) });
  await db.run(`CREATE OR REPLACE TEMP TABLE corrections AS
    SELECT ${fields.map(({ name }) => name).join(', ')}, ${epochOfRow(['retracted_', 'replaced_'])} AS epoch
    FROM ${corrections} WHERE ${rangeCondition(plan.ranges)}`);
  const place = ['end_to_end_id', 'known_time', 'journal_position'];
  const payments = await lake.table('silver/transactions').snapshot();
  const events = await duckdbScan(db, payments, { columns: [...place, 'is_event', ...PAYMENT_PART] });
  const replaced = await duckdbScan(db, plan.silver, {
    columns: [...place, 'effect', 'revision', ...epochColumns(), ...PAYMENT_PART],
  });
  const part = [...place, ...PAYMENT_PART].join(', ');
  // The first event of a payment is the one that counts; of its replacements it is the last. Epochs come first: an import
  // may learn later what it says was known earlier.
  await db.run(`CREATE OR REPLACE TEMP TABLE payments AS
    SELECT * FROM (
      SELECT 0 AS sign, 0 AS epoch, 0 AS turn, ${part} FROM ${events} WHERE is_event AND end_to_end_id IN (SELECT end_to_end_id FROM corrections)
      UNION ALL
      SELECT 1 AS sign, ${epochOfRow()} AS epoch, coalesce(revision, -1) AS turn, ${part} FROM ${replaced}
      WHERE effect = 'REPLACED' AND end_to_end_id IN (SELECT end_to_end_id FROM corrections))
    QUALIFY row_number() OVER (PARTITION BY end_to_end_id
      ORDER BY sign DESC, epoch DESC, turn DESC, (2 * sign - 1) * epoch_us(known_time) DESC, (2 * sign - 1) * journal_position DESC) = 1`);
  const own = fields.map(({ name, type }) => `${asNumber(`c.${name}`, type)} AS ${name}`);
  const typeOf = new Map(payments.schema.fields.map(({ name, type }) => [name, type]));
  const before = PAYMENT_PART.map((name) => `${asNumber(`p.${name}`, typeOf.get(name) ?? 'string')} AS ${WAS}${name}`);
  return `SELECT ${[...own, ...before].join(', ')} FROM corrections c LEFT JOIN payments p USING (end_to_end_id)
    ORDER BY c.end_to_end_id, c.epoch, coalesce(c.revision, -1), c.known_time, c.journal_id, c.journal_position`;
}

/** Integers and times as doubles, exact up to 2^53. */
function asNumber(value: string, type: DeltaType): string {
  if (isPrimitive(type) && type === 'timestamp') return `epoch_us(${value})::DOUBLE`;
  return isPrimitive(type) && type === 'long' ? `${value}::DOUBLE` : value;
}
