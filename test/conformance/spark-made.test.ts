import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { readRows } from '../../src/storage/scan/table-read.ts';
import { localObjectStore } from '../../src/storage/store/local-object-store.ts';
import { type DeltaTable, openTable } from '../../src/storage/table.ts';
import { type RunningSpark, startSpark } from '../running-spark.ts';
import { plainRow, sorted } from './engine-rows.ts';
import { SPARK_TABLES } from './spark-tables.ts';

/*
 * Tables that Delta Spark makes, one or more for every feature that it writes: we read each version
 * equal to what Spark reads, and what we write to them Spark reads equal again.
 */

let spark: RunningSpark;
const root = mkdtempSync(join(tmpdir(), 'sentinela-conformance-'));
beforeAll(async () => {
  spark = await startSpark();
}, 120_000);
afterAll(() => {
  spark?.stop();
  rmSync(root, { recursive: true, force: true });
});

async function ours(table: DeltaTable, version: number): Promise<string[]> {
  const snapshot = await table.snapshot(version);
  const rows: unknown[] = [];
  for await (const row of readRows(snapshot)) rows.push(plainRow(row as Record<string, unknown>, snapshot.schema));
  return sorted(rows);
}

describe.each(SPARK_TABLES)(
  'a table of Spark with $name',
  ({ name, statements, append, change, unwritable, settings }) => {
    const folder = join(root, name.replaceAll(/\W+/g, '-'));
    const path = `delta.\`${folder}\``;
    const open = (): DeltaTable =>
      openTable(localObjectStore(root), folder.slice(root.length + 1), { clock: systemClock() });
    const theirs = async (version: number): Promise<string[]> =>
      sorted(await spark.rows(`SELECT * FROM ${path} VERSION AS OF ${version}`));

    it('is read equal at every version', async () => {
      if (settings !== undefined) await spark.set(settings);
      for (const statement of statements) await spark.sql(statement.replaceAll('$T', path));
      const { version: newest } = await open().snapshot();
      for (let version = 0; version <= newest; version += 1) {
        expect(await ours(open(), version), `version ${version}`).toEqual(await theirs(version));
      }
    }, 120_000);

    it(unwritable === undefined
      ? 'is written by us and read by Spark, and the other way round'
      : 'is not written by us', async () => {
      const table = open();
      if (unwritable !== undefined) {
        await expect(table.append({ rows: [], allowEmpty: true })).rejects.toMatchObject({
          message: expect.stringContaining(unwritable),
        });
        return;
      }
      await table.append({ rows: append });
      await check();
      if (change?.delete !== undefined) await table.delete({ where: change.delete });
      if (change?.update !== undefined) await table.update(change.update);
      await check();
      await table.optimize();
      await check();
      await table.checkpoint();
      for (const statement of change?.spark ?? []) await spark.sql(statement.replaceAll('$T', path));
      await check();
    }, 120_000);

    async function check(): Promise<void> {
      const { version } = await open().snapshot();
      expect(await ours(open(), version)).toEqual(sorted(await spark.rows(`SELECT * FROM ${path}`)));
    }
  },
);
