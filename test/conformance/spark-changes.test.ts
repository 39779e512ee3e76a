import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { readRows } from '../../src/storage/scan/table-read.ts';
import { localObjectStore } from '../../src/storage/store/local-object-store.ts';
import { createTable, type DeltaTable, openTable } from '../../src/storage/table.ts';
import { arrayOf, field, structOf } from '../../src/storage/types/delta-type.ts';
import { type RunningSpark, startSpark } from '../running-spark.ts';
import { plainRow, sorted } from './engine-rows.ts';

/*
 * Change feeds, and files of the old calendar: Spark is the judge of both. Feeds are compared with
 * versions and times, of tables that Spark made and of tables that we made.
 */

let spark: RunningSpark;
const root = mkdtempSync(join(tmpdir(), 'sentinela-changes-'));
beforeAll(async () => {
  spark = await startSpark();
}, 120_000);
afterAll(() => {
  spark?.stop();
  rmSync(root, { recursive: true, force: true });
});

const open = (name: string): DeltaTable => openTable(localObjectStore(root), name, { clock: systemClock() });

async function ours(name: string, range: Parameters<DeltaTable['changes']>[0]): Promise<string[]> {
  const feed = await open(name).changes(range);
  const rows: unknown[] = [];
  for await (const row of feed.rows()) rows.push(plainRow(row as Record<string, unknown>, feed.schema));
  return sorted(rows);
}

/** Of a table without column mapping Spark adds the columns that came after the range, as nulls: they are left out. */
async function theirs(name: string, from: number, to?: number): Promise<string[]> {
  const { schema } = await open(name).snapshot(to);
  const columns = [...schema.fields.map((item) => item.name), '_change_type', '_commit_version', '_commit_timestamp'];
  const end = to === undefined ? '' : `, ${to}`;
  return sorted(
    await spark.rows(`SELECT ${columns.join(', ')} FROM table_changes_by_path('${join(root, name)}', ${from}${end})`),
  );
}

/** The whole feed, its second half and its middle, by both: Spark takes seconds for each. */
async function compareRanges(name: string): Promise<void> {
  const { version } = await open(name).snapshot();
  const middle = Math.floor(version / 2);
  for (const [from, to] of [[0], [middle], [2, middle]] as const) {
    const range = { fromVersion: from, ...(to === undefined ? {} : { toVersion: to }) };
    expect(await ours(name, range), `from ${from} to ${to}`).toEqual(await theirs(name, from, to));
  }
}

const CHANGES = [
  'INSERT INTO $T SELECT id, id % 3, ARRAY(id) FROM range(0, 20)',
  'DELETE FROM $T WHERE id = 3',
  'UPDATE $T SET part = 7 WHERE id >= 17',
  `MERGE INTO $T t USING (SELECT explode(sequence(5, 25, 5)) AS id) s ON t.id = s.id
     WHEN MATCHED AND t.id = 5 THEN DELETE WHEN MATCHED THEN UPDATE SET part = 9
     WHEN NOT MATCHED THEN INSERT (id, part) VALUES (s.id, 1)`,
  `MERGE INTO $T t USING (SELECT 0 AS id) s ON t.id = s.id WHEN MATCHED AND t.part = 99 THEN DELETE`,
  'OPTIMIZE $T',
  'DELETE FROM $T WHERE part = 1',
  'RESTORE TABLE $T TO VERSION AS OF 2',
  'RESTORE TABLE $T TO VERSION AS OF 6',
  'INSERT OVERWRITE $T SELECT id, 0, NULL FROM range(100, 103)',
  'ALTER TABLE $T ADD COLUMNS (more STRING)',
  "INSERT INTO $T VALUES (200, 1, ARRAY(1), 'x')",
];

describe.each([
  ['deletion vectors', "'delta.enableDeletionVectors' = 'true'", ''],
  ['copy-on-write', "'delta.enableDeletionVectors' = 'false'", ''],
  ['vectors and partitions', "'delta.enableDeletionVectors' = 'true'", 'PARTITIONED BY (part)'],
  ['names mapped', "'delta.columnMapping.mode' = 'name'", 'PARTITIONED BY (part)'],
  ['ids mapped, own timestamps', "'delta.columnMapping.mode' = 'id', 'delta.enableInCommitTimestamps' = 'true'", ''],
])('the change feed of a table of Spark with %s', (name, properties, partitions) => {
  it('is what Spark tells, range by range', { timeout: 240_000 }, async () => {
    const folder = name.replaceAll(/\W+/g, '-');
    const path = `delta.\`${join(root, folder)}\``;
    await spark.sql(
      `CREATE TABLE ${path} (id BIGINT, part INT, list ARRAY<BIGINT>) USING delta ${partitions}
       TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', ${properties})`,
    );
    for (const change of CHANGES) await spark.sql(change.replaceAll('$T', path));
    await compareRanges(folder);
  });
});

describe.each([
  ['vectors', { 'delta.enableDeletionVectors': 'true' }],
  ['rewritten files', {}],
])('the change feed of a table of ours with %s', (name, configuration) => {
  it('is what Spark tells, range by range', { timeout: 240_000 }, async () => {
    const folder = `ours-${name.replaceAll(' ', '-')}`;
    const schema = structOf([field('id', 'long'), field('part', 'integer'), field('list', arrayOf('long'))]);
    const definition = {
      path: folder,
      schema,
      configuration: { 'delta.enableChangeDataFeed': 'true', ...configuration },
    };
    const table = await createTable(localObjectStore(root), definition, { clock: systemClock() });
    const rows = Array.from({ length: 20 }, (_, id) => ({ id, part: id % 3, list: [id] }));
    await table.append({ rows });
    await table.delete({ where: 'id = 3' });
    await table.update({ where: 'id > 16', set: { part: '7' } });
    await table.merge({
      source: { rows: [5, 10, 25].map((id) => ({ id, part: 9, list: null })) },
      on: 'target.id = source.id',
      whenMatched: [{ condition: 'target.id = 5', action: 'delete' }, { action: 'update' }],
      whenNotMatched: [{}],
    });
    await table.optimize();
    await table.delete({ where: 'part = 1' });
    await table.restore({ version: 2 });
    await table.write({ source: { rows: rows.slice(0, 3) }, mode: 'overwrite' });
    await compareRanges(folder);
  });
});

describe('a change of the schema within a range', () => {
  it.each([
    ['a dropped column', ['ALTER TABLE $T DROP COLUMN b']],
    ['a renamed column', ['ALTER TABLE $T RENAME COLUMN b TO c']],
    [
      'a widened column',
      [
        "ALTER TABLE $T SET TBLPROPERTIES ('delta.enableTypeWidening' = 'true')",
        'ALTER TABLE $T ALTER COLUMN b TYPE BIGINT',
      ],
    ],
    ['an added column', ['ALTER TABLE $T ADD COLUMNS (c INT)']],
    [
      'feed off and on',
      [
        "ALTER TABLE $T SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'false')",
        "ALTER TABLE $T SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')",
      ],
    ],
  ])('is refused where Spark refuses it: %s', { timeout: 120_000 }, async (name, statements) => {
    const folder = `schema-${name.replaceAll(' ', '-')}`;
    const path = `delta.\`${join(root, folder)}\``;
    await spark.sql(
      `CREATE TABLE ${path} (a INT, b INT) USING delta
       TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', 'delta.columnMapping.mode' = 'name')`,
    );
    await spark.sql(`INSERT INTO ${path} VALUES (1, 1)`);
    for (const statement of statements) await spark.sql(statement.replaceAll('$T', path));
    await spark.sql(`INSERT INTO ${path} SELECT * FROM ${path}`);
    const { version } = await open(folder).snapshot();
    for (let from = 0; from <= version; from += 1) {
      const told = await theirs(folder, from).catch(() => 'refused');
      expect(await ours(folder, { fromVersion: from }).catch(() => 'refused'), `from ${from}`).toEqual(told);
    }
  });
});

describe('files that Spark wrote in the old calendar', () => {
  it.each(['TIMESTAMP_MICROS', 'INT96', 'TIMESTAMP_MILLIS'])(
    'are read as Spark reads them, with %s',
    { timeout: 120_000 },
    async (type) => {
      const folder = `calendar-${type}`;
      const path = `delta.\`${join(root, folder)}\``;
      await spark.set({
        'spark.sql.parquet.datetimeRebaseModeInWrite': 'LEGACY',
        'spark.sql.parquet.int96RebaseModeInWrite': 'LEGACY',
        'spark.sql.parquet.outputTimestampType': type,
      });
      await spark.sql(
        `CREATE TABLE ${path} USING delta AS SELECT d, CAST(d AS TIMESTAMP) + INTERVAL '01:02:03' HOUR TO SECOND AS t, array(d) AS l, CAST(d AS TIMESTAMP_NTZ) AS n
       FROM (SELECT explode(array(DATE'0001-01-01', DATE'0099-12-31', DATE'1000-02-28', DATE'1000-03-01', DATE'1500-02-28', DATE'1500-03-01',
         DATE'1582-10-04', DATE'1582-10-15', DATE'1899-12-31', DATE'1970-01-01', DATE'2026-01-01', NULL)) AS d)`,
      );
      const snapshot = await open(folder).snapshot();
      const rows: unknown[] = [];
      for await (const row of readRows(snapshot)) rows.push(plainRow(row as Record<string, unknown>, snapshot.schema));
      // Python has no year 0.
      const theirs = await spark.rows(
        `SELECT CAST(unix_date(d) AS STRING) AS d, CAST(unix_micros(t) AS STRING) AS t,
         transform(l, x -> CAST(unix_date(x) AS STRING)) AS l, CAST(unix_micros(CAST(n AS TIMESTAMP)) AS STRING) AS n FROM ${path}`,
      );
      expect(sorted(rows)).toEqual(sorted(theirs));
    },
  );
});
