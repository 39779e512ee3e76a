import { AppError } from '../../base/errors.ts';
import type { DuckDb } from '../../storage/parquet/duckdb.ts';
import { sqlName } from '../../storage/types/sql-types.ts';
import { joinKey } from './join-keys.ts';
import type { JoinSource, ValueView } from './join-request.ts';
import { instantSql, readable, refuseRows, sourceColumn } from './join-table.ts';

/*
 * Own columns of the tables of a join:
 *   rows    "#row" from 0, "#t" and "#s": microseconds up to which values count, and up to which they were known
 *   values  "#e" and "#k": microseconds at which one happened and was known; "#at": its place in its entity's order
 *   picks   "#row", "#at": the value of a row
 */

/** A view that was read and checked, ready to be joined. */
export interface ReadView {
  readonly view: ValueView;
  /** Name of its table. */
  readonly table: string;
  /** Columns to join. */
  readonly columns: readonly string[];
  readonly values: number;
  readonly unordered: number;
  /** Keys of the rows, as SQL that equals those of the table in type. */
  readonly rowKeys: readonly string[];
}

/** Table of the rows. */
export const ROWS_TABLE = 'joined_rows';

/**
 * Reads a view into a table, its values in the order of (entity, event time, known time).
 *
 * @param rows what it is joined to.
 * @throws AppError `usage` for columns that are not there and keys of types that never meet, `invalid_file` for values without an instant and for two of
 * one entity with equal instants: which of them counts, nobody could say.
 */
export async function readView(db: DuckDb, view: ValueView, rows: JoinSource, place: number): Promise<ReadView> {
  const time = instantSql(view, view.time);
  const known = view.knownTime === null ? '"#e"' : instantSql(view, view.knownTime);
  const names = new Set([...view.keys, view.time, ...(view.knownTime === null ? [] : [view.knownTime])]);
  const wanted = view.wanted ?? view.columns.map(({ name }) => name).filter((name) => !names.has(name));
  for (const name of wanted) sourceColumn(view, name);
  if (wanted.length === 0) throw new AppError('usage', `${view.name} has no column beside its keys and times`);
  const [raw, table] = [`raw_values_${place}`, `values_${place}`];
  const keys = view.keys.map((name) => joinKey(view, rows, name));
  const parts = [
    ...keys.map(({ own }, at) => `${own} AS ${keyName(at)}`),
    `${time} AS "#e", ${known} AS "#k"`,
    ...wanted.map((name, at) => `${sqlName(name)} AS ${valueName(at)}`),
  ];
  await readable(view.name, () => db.run(`CREATE TEMP TABLE ${raw} AS SELECT ${parts.join(', ')} FROM ${view.sql}`));
  await refuseRows(db, view, { from: raw, where: '"#e" IS NULL', what: `have no instant in ${view.time}` });
  await refuseRows(db, view, { from: raw, where: '"#k" IS NULL', what: `have no instant in ${view.knownTime}` });
  await refuseTwins(db, view, raw);
  const rowKeys = keys.map(({ ofRow }) => ofRow);
  return { view, table, columns: wanted, rowKeys, ...(await ordered(db, view, raw, table)) };
}

/** Puts values in their order where it takes a known time to find a row's. */
async function ordered(
  db: DuckDb,
  { keys, knownTime }: ValueView,
  raw: string,
  table: string,
): Promise<Pick<ReadView, 'values' | 'unordered'>> {
  if (knownTime === null) {
    await db.run(`ALTER TABLE ${raw} RENAME TO ${table}`);
    const [counted] = await db.rows(`SELECT count(*) AS n FROM ${table}`);
    return { values: Number(counted?.n), unordered: 0 };
  }
  const entity = keyNames(keys);
  await db.run(
    `CREATE TEMP TABLE ${table} AS SELECT *, row_number() OVER in_order AS "#at",
       coalesce("#k" < max("#k") OVER (in_order ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), false) AS "#late"
     FROM ${raw} WINDOW in_order AS (PARTITION BY ${entity} ORDER BY "#e", "#k")`,
  );
  await db.run(`DROP TABLE ${raw}`);
  await db.run(`CREATE TEMP TABLE ${table}_unordered AS SELECT DISTINCT ${entity} FROM ${table} WHERE "#late"`);
  const [counted] = await db.rows(
    `SELECT (SELECT count(*) FROM ${table}) AS n, (SELECT count(*) FROM ${table}_unordered) AS unordered`,
  );
  return { values: Number(counted?.n), unordered: Number(counted?.unordered) };
}

async function refuseTwins(db: DuckDb, view: ValueView, raw: string): Promise<void> {
  const entity = keyNames(view.keys);
  const instants = view.knownTime === null ? '"#e"' : '"#e", "#k"';
  const present = view.keys.map((_, at) => `${keyName(at)} IS NOT NULL`).join(' AND ');
  const twins = `SELECT ${entity}, ${instants} FROM ${raw} WHERE ${present} GROUP BY ${entity}, ${instants} HAVING count(*) > 1`;
  const times = view.knownTime === null ? view.time : `${view.time} and ${view.knownTime}`;
  await refuseRows(db, view, {
    from: raw,
    where: `(${entity}, ${instants}) IN (${twins})`,
    what: `have a twin of the same ${view.keys.join(', ')} and ${times}, and which counts is not said`,
  });
}

/**
 * Finds the value of each row: of those of its entity with an event time up to the row's and a known time up to what
 * the row knew, the one that happened last, of these the one that was known last.
 *
 * Where nothing says when values were known, that is one ASOF join. Where it is said, an entity's values nearly always
 * were known in the order in which they happened; then both conditions hold for a prefix of that order, and the shorter
 * one is the answer: two ASOF joins. Only entities with values out of order are looked at value by value.
 */
export async function pickValues(db: DuckDb, read: ReadView): Promise<void> {
  const { view, table, unordered } = read;
  if (view.knownTime === null) return;
  const picks = picksOf(table);
  const equal = equalKeys(read, 'v');
  const lastOf = (instant: string): string =>
    `(SELECT ${keyNames(view.keys)}, ${instant} AS "#i", max("#at") AS "#at" FROM ${table} GROUP BY ALL)`;
  await db.run(
    `CREATE TEMP TABLE ${picks} AS SELECT a."#row", least(a."#at", b."#at") AS "#at" FROM
       (SELECT r."#row", v."#at" FROM ${ROWS_TABLE} r ASOF JOIN ${lastOf('"#e"')} v ON ${equal} AND r."#t" >= v."#i") a JOIN
       (SELECT r."#row", v."#at" FROM ${ROWS_TABLE} r ASOF JOIN ${lastOf('"#k"')} v ON ${equal} AND r."#s" >= v."#i") b
       ON a."#row" = b."#row"`,
  );
  if (unordered > 0) {
    const late = `SELECT r."#row" FROM ${ROWS_TABLE} r SEMI JOIN ${table}_unordered v ON ${equal}`;
    await db.run(`DELETE FROM ${picks} WHERE "#row" IN (${late})`);
    await db.run(
      `INSERT INTO ${picks} SELECT r."#row", max(v."#at") FROM ${ROWS_TABLE} r
         JOIN (SELECT * FROM ${table} v SEMI JOIN ${table}_unordered u USING (${keyNames(view.keys)})) v
         ON ${equal} AND v."#e" <= r."#t" AND v."#k" <= r."#s" GROUP BY r."#row"`,
    );
  }
}

/** The join of a view to the rows `r`, its values as `v`. */
export function joinSql(read: ReadView, alias: string): string {
  const { view, table } = read;
  const equal = equalKeys(read, alias);
  if (view.knownTime === null) {
    return `ASOF LEFT JOIN ${table} ${alias} ON ${equal} AND least(r."#t", r."#s") >= ${alias}."#e"`;
  }
  return `LEFT JOIN ${picksOf(table)} p${alias} ON p${alias}."#row" = r."#row"
          LEFT JOIN ${table} ${alias} ON ${equal} AND ${alias}."#at" = p${alias}."#at"`;
}

/** A view's columns in the result. @param withTime whether the instant of the value is one. */
export function resultColumns({ view, columns }: ReadView, alias: string, withTime: boolean): string[] {
  const shown = (sql: string): string =>
    view.ttlMicros === null ? sql : `CASE WHEN ${freshSql(view, alias)} THEN ${sql} END`;
  return [
    ...columns.map((name, at) => `${shown(`${alias}.${valueName(at)}`)} AS ${sqlName(name)}`),
    ...(withTime ? [`${shown(`make_timestamptz(${alias}."#e")`)} AS ${sqlName(timeName(view))}`] : []),
  ];
}

/** Name of the column with the instant of a view's value. */
export function timeName({ keys }: ValueView): string {
  return `${keys.join('_')}_value_time`;
}

/** Whether a row has a value: 2 it has, 1 it has one that is too old, 0 none. */
export function foundSql({ view }: ReadView, alias: string): string {
  return `CASE WHEN ${alias}."#e" IS NULL THEN 0 WHEN ${freshSql(view, alias)} THEN 2 ELSE 1 END`;
}

/** Whether a value is no older than it may be. */
function freshSql({ ttlMicros }: ValueView, alias: string): string {
  return ttlMicros === null ? 'true' : `r."#t" - ${alias}."#e" <= ${ttlMicros}`;
}

function equalKeys({ rowKeys }: ReadView, alias: string): string {
  return rowKeys.map((key, at) => `${key} = ${alias}.${keyName(at)}`).join(' AND ');
}

function picksOf(table: string): string {
  return `picks_of_${table}`;
}

function keyNames(keys: readonly string[]): string {
  return keys.map((_, at) => keyName(at)).join(', ');
}

function keyName(at: number): string {
  return sqlName(`#key${at}`);
}

function valueName(at: number): string {
  return sqlName(`#value${at}`);
}
