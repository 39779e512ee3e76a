import { FEATURE_STATUS_NAMES } from '../../src/features/feature-status.ts';
import type { DuckDb } from '../../src/storage/parquet/duckdb.ts';
import { firstRow } from './lake-sets.ts';

/** What two files have in common that hold features of payments, each value with its status. */
export interface FilesCompared {
  readonly rows: number;
  readonly values: number;
  /** How many differ, in a bit of the value or in the status, by feature; a feature of which none does is left out. */
  readonly differing: Readonly<Record<string, number>>;
}

/** The columns of one query: more of them hold more in memory at once. */
const FEATURES_AT_ONCE = 24;

/**
 * Compares features by (end_to_end_id, side), whatever order the rows are in.
 *
 * @param own Parquet of an export, with doubles and packed statuses. @param spark Parquet of `sentinela.spark`, with
 * statuses; both are paths or globs. @throws where one has a row that the other has not, or one twice.
 */
export async function equalFiles(
  db: DuckDb,
  features: readonly string[],
  own: string,
  spark: string,
): Promise<FilesCompared> {
  const count = async (file: string): Promise<number> =>
    Number((await firstRow(db, `SELECT count(DISTINCT (end_to_end_id, side)) AS n FROM '${file}'`)).n);
  const [rows, rowsOfSpark] = [await count(own), await count(spark)];
  const differing: [string, number][] = [];
  for (let from = 0; from < features.length; from += FEATURES_AT_ONCE) {
    const some = features.slice(from, from + FEATURES_AT_ONCE);
    const { n, ...found } = await firstRow(db, differingSql(some, from, own, spark));
    if (Number(n) !== rows || rows !== rowsOfSpark) {
      throw new Error(`an export has ${rows} payments and Spark ${rowsOfSpark}; both have ${n} rows in common`);
    }
    for (const [name, values] of Object.entries(found)) if (Number(values) > 0) differing.push([name, Number(values)]);
  }
  return { rows, values: rows * features.length, differing: Object.fromEntries(differing) };
}

/** Rows in common, and in how many of them each feature differs. @param from the place of the first feature in the set. */
function differingSql(features: readonly string[], from: number, own: string, spark: string): string {
  const statuses = `substr(hex(feature_status), ${2 * from + 1}, ${2 * features.length}) AS statuses`;
  const names = features.map((name) => `"${name}"`);
  const sparkNames = features.flatMap((name) => [`"${name}"`, `"${name}__status"`]);
  const counts = features.map((name, at) => `count(*) FILTER (${differs(name, at)}) AS "${name}"`);
  return `SELECT count(*) AS n, ${counts.join(', ')}
    FROM (SELECT end_to_end_id, side, ${statuses}, ${names.join(', ')} FROM '${own}') AS o
    JOIN (SELECT end_to_end_id, side, ${sparkNames.join(', ')} FROM '${spark}') AS s USING (end_to_end_id, side)`;
}

/** Doubles are equal where both are absent or all bits are: SQL takes −0 for 0. @param at the place of its status. */
function differs(name: string, at: number): string {
  const codes = FEATURE_STATUS_NAMES.map((status, number) => `WHEN '${status}' THEN '0${number}'`).join(' ');
  const status = `substr(o.statuses, ${2 * at + 1}, 2) IS DISTINCT FROM CASE s."${name}__status" ${codes} END`;
  const [own, spark] = [`o."${name}"`, `s."${name}"`];
  return `${own} IS DISTINCT FROM ${spark} OR signbit(${own}) IS DISTINCT FROM signbit(${spark}) OR ${status}`;
}
