import { assert } from '../base/assert.ts';
import { ENTITY_KINDS, KEY_COLUMNS, type KeyedKind } from '../domain/entity-keys.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import type { ColumnRead } from '../governance/lake-columns.ts';
import type { DuckDb } from '../storage/parquet/duckdb.ts';
import { queryColumns } from '../storage/scan/column-read.ts';
import { duckdbScan } from '../storage/scan/duckdb-scan.ts';
import type { DataFile } from '../storage/scan/snapshot.ts';
import type { CellRow } from '../storage/types/cell.ts';
import { sqlName, sqlText } from '../storage/types/sql-types.ts';
import { compareServed, type SkewReport } from './compare-served.ts';
import { CORRECTIONS, type SourceSnapshots, type SourceTables, type SourceVersions } from './source-snapshots.ts';

/** How decisions are drawn, and how much may be read for them. */
export interface SkewDraw {
  /** Share of the decisions, 0 to 1, by a hash of the payment's id and the seed: both sides of a payment together. */
  readonly share: number;
  readonly seed: string;
  readonly mostDecisions: number;
  /** Events of all entities of the drawn decisions; a decision that would need more is left out. */
  readonly mostEvents: number;
}

/** What the comparison of a sample found. */
export interface SampledSkew {
  readonly report: SkewReport;
  /** Decisions that were drawn, and not compared for the events of their entities. */
  readonly leftOut: number;
}

/** Resolution of the share. */
const SHARES = 1_000_000;

/**
 * Compares some decisions with what is recomputed. A replay needs all that ever happened to the entities of its reads and
 * nothing else, so only these events are read, and every payment that has one of them whole: which of its two events
 * counts is told by both. Joins are DuckDB's, within its memory.
 *
 * @param snapshots of silver, which agree with each other; @param files of its decisions that are drawn from.
 * @throws AppError as {@link compareServed}.
 */
export async function compareSample(
  db: DuckDb,
  tables: SourceTables,
  snapshots: SourceSnapshots,
  files: readonly DataFile[],
  set: FeatureSet,
  draw: SkewDraw,
): Promise<SampledSkew> {
  const keys = keyColumnsOf(set);
  await drawDecisions(db, snapshots, files, set, draw, keys);
  const leftOut = await leaveOut(db, snapshots, draw.mostEvents, keys);
  await findTouched(db, snapshots, keys);
  const wanted: SourceVersions = Object.fromEntries(
    Object.entries(snapshots).flatMap(([table, snapshot]) => (snapshot === null ? [] : [[table, snapshot.version]])),
  );
  return { report: await compareServed(tables, set, wanted, sampleReader(db, keys)), leftOut };
}

/** Columns of the keys of entities that the set has a feature of; a pair's events are among its payer's. */
function keyColumnsOf({ kinds }: FeatureSet): string[] {
  const used = ENTITY_KINDS.filter((kind) => kinds[kind].outputs.length + kinds[kind].labelOutputs.length > 0);
  const keyed = used.map((kind): KeyedKind => (kind === 'pair' ? 'payer' : kind));
  return [...new Set(keyed)].map((kind) => KEY_COLUMNS[kind]);
}

async function drawDecisions(
  db: DuckDb,
  snapshots: SourceSnapshots,
  files: readonly DataFile[],
  { name, version }: FeatureSet,
  { share, seed, mostDecisions }: SkewDraw,
  keys: readonly string[],
): Promise<void> {
  const ids = ['end_to_end_id', 'side'];
  const decisions = await duckdbScan(db, snapshots['silver/decisions'], {
    files,
    columns: [...ids, 'feature_set', 'feature_set_version'],
  });
  const payments = await duckdbScan(db, snapshots['silver/transactions'], { columns: [...ids, ...keys] });
  const draw = `hash(end_to_end_id || ${sqlText(seed)})`;
  await db.run(`CREATE OR REPLACE TEMP TABLE drawn AS
    SELECT end_to_end_id, side, ${draw} AS draw FROM ${decisions}
    WHERE feature_set = ${sqlText(name)} AND feature_set_version = ${sqlText(version)}
      AND ${draw} % ${SHARES} < ${Math.round(share * SHARES)}
    ORDER BY draw, side LIMIT ${mostDecisions}`);
  await db.run(`CREATE OR REPLACE TEMP TABLE asked AS
    SELECT (row_number() OVER (ORDER BY draw, side))::INTEGER AS place, payments.*
    FROM ${payments} AS payments JOIN drawn USING (end_to_end_id, side)`);
}

/** Takes decisions in the order in which they were drawn, for as long as the events of their entities fit. */
async function leaveOut(
  db: DuckDb,
  snapshots: SourceSnapshots,
  mostEvents: number,
  keys: readonly string[],
): Promise<number> {
  const eventsOf = new Map<string, number>();
  for (const column of keys) {
    const scan = await duckdbScan(db, snapshots['silver/transactions'], { columns: [column] });
    const counted = await db.rows(`SELECT ${sqlName(column)} AS key, count(*)::INTEGER AS events FROM ${scan}
      WHERE ${sqlName(column)} IN (SELECT ${sqlName(column)} FROM asked) GROUP BY ALL`);
    for (const { key, events } of counted) eventsOf.set(entityOf(column, String(key)), Number(events));
  }
  const taken = new Set<string>();
  const left: number[] = [];
  let sum = 0;
  for (const row of await db.rows('SELECT * FROM asked ORDER BY place')) {
    const fresh = entitiesOf(row, keys).filter((entity) => !taken.has(entity));
    const events = fresh.reduce((total, entity) => total + (eventsOf.get(entity) ?? 0), 0);
    if (sum + events > mostEvents) {
      left.push(Number(row.place));
      continue;
    }
    sum += events;
    for (const entity of fresh) taken.add(entity);
  }
  if (left.length > 0) await db.run(`DELETE FROM asked WHERE place IN (${left.join(', ')})`);
  return left.length;
}

function entitiesOf(row: CellRow, keys: readonly string[]): string[] {
  const named = keys.filter((column) => row[column] !== null);
  return [...new Set(named.map((column) => entityOf(column, String(row[column]))))];
}

function entityOf(column: string, key: string): string {
  return `${column} ${key}`;
}

async function findTouched(db: DuckDb, snapshots: SourceSnapshots, keys: readonly string[]): Promise<void> {
  const ofEntities = keys.map(
    (column) => `${sqlName(column)} IN (SELECT ${sqlName(column)} FROM asked WHERE ${sqlName(column)} IS NOT NULL)`,
  );
  const isTouched = ['end_to_end_id IN (SELECT end_to_end_id FROM asked)', ...ofEntities].join(' OR ');
  // A correction may have brought a payment to an entity that its first record does not name.
  const tables = [snapshots['silver/transactions'], snapshots[CORRECTIONS]].filter((snapshot) => snapshot !== null);
  const scans = tables.map((snapshot) => duckdbScan(db, snapshot, { columns: ['end_to_end_id', ...keys] }));
  const touched = (await Promise.all(scans)).map((scan) => `SELECT end_to_end_id FROM ${scan} WHERE ${isTouched}`);
  await db.run(`CREATE OR REPLACE TEMP TABLE touched AS ${touched.join(' UNION ')}`);
}

function sampleReader(db: DuckDb, keys: readonly string[]): ColumnRead {
  const ofPayees = 'payee_account IN (SELECT payee_account FROM asked WHERE payee_account IS NOT NULL)';
  const sampled: Readonly<Record<string, string>> = {
    'silver/transactions': 'end_to_end_id IN (SELECT end_to_end_id FROM touched)',
    [CORRECTIONS]: 'end_to_end_id IN (SELECT end_to_end_id FROM touched)',
    'silver/decisions': '(end_to_end_id, side) IN (SELECT (end_to_end_id, side) FROM asked)',
    'silver/labels': keys.includes('payee_account') ? ofPayees : 'false',
  };
  return async function* (snapshot, names) {
    const condition = sampled[snapshot.table];
    assert(condition !== undefined, 'a table of the sample');
    const scan = await duckdbScan(db, snapshot, { columns: names });
    const columns = names.map(sqlName).join(', ');
    yield await queryColumns(db, snapshot, names, `SELECT ${columns} FROM ${scan} WHERE ${condition}`);
  };
}
