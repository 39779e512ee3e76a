import { expect } from 'vitest';
import type { DeltaTable } from '../../src/storage/table.ts';
import { field, structOf } from '../../src/storage/types/delta-type.ts';
import { randomOf, type SparkWorld } from './spark-world.ts';

const SCHEMA = structOf([field('id', 'long'), field('part', 'integer'), field('v', 'string')]);
type Row = { readonly id: number | null; readonly part: number | null; readonly v: string | null };

const literal = (value: string | number | null): string =>
  value === null ? 'NULL' : typeof value === 'number' ? String(value) : `'${value}'`;
const valuesOf = (rows: readonly Row[]): string =>
  rows.map(({ id, part, v }) => `(${literal(id)}, ${literal(part)}, ${literal(v)})`).join(', ');
/** Rows as a relation of Spark's, with the types of the table. */
const relationOf = (rows: readonly Row[]): string =>
  `(SELECT CAST(id AS BIGINT) AS id, CAST(part AS INT) AS part, CAST(v AS STRING) AS v FROM VALUES ${valuesOf(rows)} AS r(id, part, v))`;

type Random = (below: number) => number;

function rowsOf(random: Random, count: number): Row[] {
  return Array.from({ length: count }, () => ({
    id: random(40),
    part: random(5) === 0 ? null : random(3),
    v: random(6) === 0 ? null : `v${random(100)}`,
  }));
}

/** Rows of which no two have one id. */
function distinctRows(random: Random, count: number): Row[] {
  return [...new Map(rowsOf(random, count).map((row) => [row.id, row])).values()];
}

/** One change, as we make it and as Spark does. */
interface Change {
  readonly told: string;
  ours(table: DeltaTable): Promise<unknown>;
  readonly spark: string;
}

const CONDITIONS = ['id < 10', 'part = 1', 'part IS NULL', 'id % 4 = 2', "v LIKE 'v1%'", 'id BETWEEN 20 AND 30'];

function changeOf(random: Random, version: number): Change {
  const where = CONDITIONS[random(CONDITIONS.length)] ?? '';
  switch (random(7)) {
    case 0:
    case 1: {
      const rows = rowsOf(random, 1 + random(8));
      return {
        told: 'append',
        ours: (table) => table.append({ rows }),
        spark: `INSERT INTO $T SELECT * FROM ${relationOf(rows)}`,
      };
    }
    case 2:
      return { told: 'delete', ours: (table) => table.delete({ where }), spark: `DELETE FROM $T WHERE ${where}` };
    case 3:
      return {
        told: 'update',
        ours: (table) => table.update({ where, set: { part: 'part + 1', v: "'changed'" } }),
        spark: `UPDATE $T SET part = part + 1, v = 'changed' WHERE ${where}`,
      };
    case 4: {
      const rows = distinctRows(random, 6);
      return {
        told: 'merge',
        ours: (table) =>
          table.merge({
            source: { rows },
            on: 'target.id = source.id',
            whenMatched: [{ condition: 'source.part = 0', action: 'delete' }, { action: 'update' }],
            whenNotMatched: [{ condition: 'source.part IS NOT NULL' }],
          }),
        spark: `MERGE INTO $T t USING ${relationOf(rows)} s ON t.id = s.id WHEN MATCHED AND s.part = 0 THEN DELETE
          WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED AND s.part IS NOT NULL THEN INSERT *`,
      };
    }
    case 5:
      return { told: 'optimize', ours: (table) => table.optimize(), spark: 'OPTIMIZE $T' };
    default: {
      const to = 1 + random(version);
      return {
        told: `restore ${to}`,
        ours: (table) => table.restore({ version: to }),
        spark: `RESTORE TABLE $T TO VERSION AS OF ${to}`,
      };
    }
  }
}

/** Makes a table and changes it by chance, by us and by Spark in turns. @returns what was done. */
export async function changeHistory(
  world: SparkWorld,
  name: string,
  seed: number,
  configuration: Readonly<Record<string, string>>,
): Promise<string[]> {
  const random = randomOf(seed);
  const table = await world.create(name, {
    schema: SCHEMA,
    configuration: { 'delta.enableChangeDataFeed': 'true', ...configuration },
    partitionColumns: seed % 2 === 0 ? ['part'] : [],
  });
  await table.append({ rows: rowsOf(random, 30) });
  const told: string[] = [];
  for (let step = 0; step < 10; step += 1) {
    const { version } = await table.snapshot();
    const change = changeOf(random, version);
    const isOurs = random(2) === 0;
    told.push(`${version + 1} ${isOurs ? 'we' : 'Spark'} ${change.told}`);
    if (isOurs) await change.ours(table);
    else await world.sql(name, change.spark);
  }
  return told;
}

/** Merges by chance into two tables, one of ours and one of Spark's, which must stay equal, errors included. */
export async function mergeTwins(world: SparkWorld, seed: number): Promise<void> {
  const random = randomOf(seed);
  const [own, twin] = [`merge-${seed}`, `merge-${seed}-spark`];
  const configuration = { 'delta.enableDeletionVectors': String(seed % 2 === 0) };
  const first = rowsOf(random, 25).map((row, at) => (at === 3 ? { ...row, id: null } : row));
  const table = await world.create(own, { schema: SCHEMA, configuration });
  const other = await world.create(twin, { schema: SCHEMA, configuration });
  for (const each of [table, other]) await each.append({ rows: first });
  for (let step = 0; step < 6; step += 1) {
    const rows: Row[] = random(3) === 0 ? rowsOf(random, 8) : distinctRows(random, 8);
    if (random(2) === 0) rows.push({ id: null, part: 1, v: 'null key' });
    const merge = mergeOf(random);
    const ours = await endOf(table.merge({ source: { rows }, ...merge.ours }));
    const sparks = await endOf(world.sql(twin, `MERGE INTO $T t USING ${relationOf(rows)} s ${merge.spark}`));
    const what = `seed ${seed}, step ${step}: ${merge.spark}\n${valuesOf(rows)}`;
    const isDuplicate = new Set(rows.map(({ id }) => id)).size < rows.length;
    if (isDuplicate && ours === 'done' && sparks.includes('MULTIPLE_SOURCE_ROW')) {
      // Spark refuses two rows of the source that match, though the clauses take one of them at most. The SQL
      // standard and Databricks 16 count those that a clause takes, and so do we.
      await world.sql(twin, `INSERT OVERWRITE $T SELECT * FROM ${world.path(own)}`);
    } else expect(ours === 'done', `${what}\nours: ${ours}\nSpark: ${sparks}`).toBe(sparks === 'done');
    expect(await world.ours(own), what).toEqual(await world.ours(twin));
  }
  await world.compare(own);
}

function endOf(change: Promise<unknown>): Promise<string> {
  return change.then(
    () => 'done',
    (error: Error) => error.message.slice(0, 300),
  );
}

function mergeOf(random: Random) {
  const isSafe = random(3) === 0;
  const on = isSafe ? 't.id <=> s.id' : random(2) === 0 ? 't.id = s.id' : 't.id = s.id AND t.part = s.part';
  const matched = random(5);
  const set = { v: "concat(coalesce(t.v, 'none'), '!')", part: 'coalesce(s.part, t.part)' };
  const assigned = Object.entries(set)
    .map(([column, value]) => `${column} = ${value}`)
    .join(', ');
  const clauses: string[] = [];
  const whenMatched: { condition?: string; action: 'delete' | 'update' | { set: Record<string, string> } }[] = [];
  if (matched === 1 || matched === 3) {
    whenMatched.push({ condition: 's.part = 1', action: 'delete' });
    clauses.push('WHEN MATCHED AND s.part = 1 THEN DELETE');
  }
  if (matched === 2) {
    whenMatched.push({ action: { set } });
    clauses.push(`WHEN MATCHED THEN UPDATE SET ${assigned}`);
  }
  if (matched === 3) {
    whenMatched.push({ condition: "t.v LIKE 'v%'", action: 'update' });
    clauses.push("WHEN MATCHED AND t.v LIKE 'v%' THEN UPDATE SET *");
  }
  if (matched === 4) {
    whenMatched.push({ action: 'delete' });
    clauses.push('WHEN MATCHED THEN DELETE');
  }
  const inserts = matched === 0 || random(2) === 0;
  if (inserts) clauses.push('WHEN NOT MATCHED AND s.id IS NOT NULL THEN INSERT (id, v) VALUES (s.id + 100, s.v)');
  const bySource = random(3) === 0;
  if (bySource) clauses.push("WHEN NOT MATCHED BY SOURCE AND t.part = 2 THEN UPDATE SET v = 'left'");
  return {
    spark: `ON ${on} ${clauses.join(' ')}`,
    ours: {
      targetAlias: 't',
      sourceAlias: 's',
      on,
      whenMatched,
      ...(inserts
        ? { whenNotMatched: [{ condition: 's.id IS NOT NULL', values: { id: 's.id + 100', v: 's.v' } }] }
        : {}),
      ...(bySource ? { whenNotMatchedBySource: [{ condition: 't.part = 2', action: { set: { v: "'left'" } } }] } : {}),
    },
  };
}
