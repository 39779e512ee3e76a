import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bindPredicate, parseExpression } from '../../src/storage/expression/expressions.ts';
import { CONDITION_COLUMNS, CONDITION_ROWS, CONDITIONS, DIFFERENCES } from './spark-conditions.ts';
import { DROPS, FEATURE_TABLES } from './spark-features.ts';
import { changeHistory, mergeTwins } from './spark-histories.ts';
import { openSparkWorld, type SparkWorld } from './spark-world.ts';

/*
 * What we and Spark do to tables, in turns and on twins: histories and their change feeds, RESTORE, VACUUM,
 * clones, tables that we made with each feature, dropped features, MERGE, conditions.
 */

let world: SparkWorld;
beforeAll(async () => {
  world = await openSparkWorld({
    // A vacuum of the test keeps nothing, and lists a folder by four tasks, not by 10,000.
    'spark.databricks.delta.retentionDurationCheck.enabled': 'false',
    'spark.sql.sources.parallelPartitionDiscovery.parallelism': '4',
  });
}, 300_000);
afterAll(() => world?.close());

const SLOW = 400_000;

describe('a random history of ours and of Spark', () => {
  it.each([
    [1, 'deletion vectors', { 'delta.enableDeletionVectors': 'true' }],
    [2, 'copy-on-write', { 'delta.enableDeletionVectors': 'false' }],
    [3, 'vectors, names mapped', { 'delta.enableDeletionVectors': 'true', 'delta.columnMapping.mode': 'name' }],
  ])('tells the same changes to both: seed %i, %s', { timeout: SLOW }, async (seed, _what, configuration) => {
    const name = `history-${seed}`;
    const told = await changeHistory(world, name, seed, configuration);
    await world.compare(name, told.join('\n'));
    const { version } = await world.open(name).snapshot();
    for (const from of [0, Math.ceil(version / 2)]) {
      const feed = await world.open(name).changes({ fromVersion: from });
      const own: unknown[] = [];
      for await (const row of feed.rows()) own.push(world.plain(row, feed.schema));
      const spark = await world.spark.rows(`SELECT * FROM table_changes_by_path('${join(world.root, name)}', ${from})`);
      expect(world.sorted(own), told.join('\n')).toEqual(world.sorted(spark));
    }
  });
});

describe('a merge of ours and of Spark', () => {
  it.each([[11], [12], [13]])('makes the same table of twins: seed %i', { timeout: SLOW }, async (seed) => {
    await mergeTwins(world, seed);
  });
});

describe('a table that we made', () => {
  it.each(FEATURE_TABLES.map((table) => [table.name, table] as const))(
    'is read, described and written by Spark: %s',
    { timeout: SLOW },
    async (title, { definition, rows, insert, insertNames, tracksRows }) => {
      const name = title.replaceAll(/\W+/g, '-');
      const table = await world.create(name, definition);
      await table.append({ rows: rows.slice(0, 1) });
      await table.append({ rows: rows.slice(1) });
      await world.compare(name);
      await describedAlike(name);
      await world.sql(name, `INSERT INTO $T ${insertNames ?? ''} ${insert}`);
      expect(await world.compare(name)).toHaveLength(rows.length + 1);
      if (tracksRows === true) await world.compareRowIds(name);
      await world.sql(name, `DELETE FROM $T WHERE id = 1`);
      await table.delete({ where: 'id = 2' });
      await table.optimize();
      await table.checkpoint();
      expect(await world.compare(name)).toHaveLength(rows.length - 1);
      if (tracksRows === true) await world.compareRowIds(name);
    },
  );

  async function describedAlike(name: string): Promise<void> {
    const [detail] = await world.spark.rows(`DESCRIBE DETAIL ${world.path(name)}`);
    const snapshot = await world.open(name).snapshot();
    const { readerFeatures = [], writerFeatures = [], ...versions } = snapshot.protocol;
    expect(detail).toMatchObject({
      format: 'delta',
      numFiles: String(snapshot.fileCount),
      sizeInBytes: String(snapshot.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
      partitionColumns: [...snapshot.partitionColumns],
      minReaderVersion: String(versions.minReaderVersion),
      minWriterVersion: String(versions.minWriterVersion),
    });
    const named = [...new Set([...readerFeatures, ...writerFeatures])];
    expect(detail?.tableFeatures).toEqual(expect.arrayContaining(named));
  }
});

describe('a feature that we dropped', () => {
  it.each(DROPS.map((drop) => [drop.feature, drop] as const))(
    '%s leaves what Spark leaves, and Spark goes on',
    { timeout: SLOW },
    async (feature, { definition, rows, before }) => {
      const [name, twin] = [`drop-${feature}`, `spark-drop-${feature}`];
      const table = await world.create(name, definition);
      await table.append({ rows });
      await before?.(table);
      cpSync(join(world.root, name), join(world.root, twin), { recursive: true });
      await table.alter.dropFeature(feature);
      await world.sql(twin, `ALTER TABLE $T DROP FEATURE ${feature}`);
      const [own, sparks] = [await world.open(name).snapshot(), await world.open(twin).snapshot()];
      expect(protocolOf(own.protocol)).toEqual(protocolOf(sparks.protocol));
      expect(own.schema).toEqual(sparks.schema);
      const read = await world.compare(name);
      expect(read).toEqual(await world.compare(twin));
      // Older versions stay, behind the protected checkpoints.
      expect(await world.ours(name, { version: 1 })).toEqual(await world.theirs(name, 1));
      await world.sql(name, 'INSERT INTO $T SELECT * FROM $T', 'DELETE FROM $T WHERE id = 1', 'OPTIMIZE $T');
      await world.compare(name);
      await table.append({ rows });
      await world.compare(name);
    },
  );

  function protocolOf({
    readerFeatures,
    writerFeatures,
    ...versions
  }: {
    readonly readerFeatures?: readonly string[];
    readonly writerFeatures?: readonly string[];
  }) {
    const listed = (names: readonly string[] | undefined) => (names === undefined ? undefined : [...names].sort());
    return { ...versions, readerFeatures: listed(readerFeatures), writerFeatures: listed(writerFeatures) };
  }
});

describe('what is kept of old files', () => {
  it('RESTORE of ours and of Spark go back to the same', { timeout: SLOW }, async () => {
    const table = await keptTable('restored');
    await table.restore({ version: 2 });
    await world.compare('restored');
    await world.sql('restored', 'RESTORE TABLE $T TO VERSION AS OF 4');
    await world.compare('restored');
    await table.restore({ version: 1 });
    await world.compare('restored');
  });

  it('VACUUM of ours leaves what Spark needs and nothing that Spark would take', { timeout: SLOW }, async () => {
    const table = await keptTable('vacuumed');
    const report = await table.vacuum({ retentionMs: 0, allowShortRetention: true });
    expect(report.files).toBeGreaterThan(0);
    await world.compare('vacuumed');
    expect(await world.spark.rows(`VACUUM ${world.path('vacuumed')} RETAIN 0 HOURS DRY RUN`)).toEqual([]);
    await world.sql('vacuumed', 'DELETE FROM $T WHERE id % 3 = 0', 'OPTIMIZE $T', 'VACUUM $T RETAIN 0 HOURS');
    await world.compare('vacuumed');
    expect(await table.vacuum({ retentionMs: 0, allowShortRetention: true, dryRun: true })).toMatchObject({ files: 0 });
  });

  it('a shallow clone is read and written by the other', { timeout: SLOW }, async () => {
    const table = await keptTable('cloned');
    await table.shallowClone({ path: 'our-clone' });
    const rows = await world.compare('our-clone');
    expect(rows).toEqual(await world.compare('cloned'));
    await world.sql('our-clone', 'DELETE FROM $T WHERE id = 7', "UPDATE $T SET part = 'z' WHERE id = 8");
    await world.compare('our-clone');
    await world.sql('spark-clone', `CREATE TABLE $T SHALLOW CLONE ${world.path('cloned')}`);
    expect(await world.compare('spark-clone')).toEqual(rows);
    const clone = world.open('spark-clone');
    await clone.delete({ where: 'id = 7' });
    await clone.update({ where: 'id = 8', set: { part: "'z'" } });
    expect(await world.compare('spark-clone')).toEqual(await world.compare('our-clone'));
    await clone.optimize();
    await world.compare('spark-clone');
    expect(await world.compare('cloned')).toEqual(rows);
  });

  async function keptTable(name: string) {
    await world.sql(
      name,
      "CREATE TABLE $T (id BIGINT, part STRING) USING delta PARTITIONED BY (part) TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
      'INSERT INTO $T SELECT id, if(id % 2 = 0, "ü =%\'(a)*!~,;:$&+@#[]", NULL) FROM range(20)',
      'DELETE FROM $T WHERE id = 3',
    );
    const table = world.open(name);
    await table.update({ where: 'id = 4', set: { part: "'x'" } });
    await world.sql(name, 'DELETE FROM $T WHERE id = 5', 'OPTIMIZE $T');
    await table.append({ rows: [{ id: 100, part: 'x' }] });
    return table;
  }
});

describe('a condition', () => {
  beforeAll(async () => {
    await world.sql(
      'conditions',
      `CREATE TABLE $T (${CONDITION_COLUMNS}) USING delta`,
      `INSERT INTO $T VALUES ${CONDITION_ROWS.join(', ')}`,
    );
    await world.compare('conditions');
  }, SLOW);

  it('holds for the rows for which Spark says so, and fails where Spark fails', { timeout: SLOW }, async () => {
    const { schema } = await world.open('conditions').snapshot();
    const own = async (text: string): Promise<string> => {
      const where = bindPredicate(parseExpression(text), schema);
      return (await world.ours('conditions', { where })).map((row) => String(JSON.parse(row).id)).join();
    };
    const spoken = async (text: string): Promise<string> => {
      const rows = await world.spark.rows(`SELECT id FROM ${world.path('conditions')} WHERE ${text} ORDER BY id`);
      return rows.map(({ id }) => String(id)).join();
    };
    const found: Record<string, string> = {};
    for (const text of CONDITIONS) {
      const [ours, theirs] = [await own(text).catch(() => 'error'), await spoken(text).catch(() => 'error')];
      const sortedOurs =
        ours === 'error'
          ? ours
          : ours
              .split(',')
              .sort((a, b) => Number(a) - Number(b))
              .join();
      if (sortedOurs === theirs) continue;
      found[text] = sortedOurs === 'error' ? 'refused' : theirs === 'error' ? 'lenient' : `${ours} | Spark: ${theirs}`;
    }
    expect(found).toEqual(DIFFERENCES);
  });
});
