import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { readRows } from '../../src/storage/scan/table-read.ts';
import { localObjectStore } from '../../src/storage/store/local-object-store.ts';
import { type DeltaTable, openTable } from '../../src/storage/table.ts';
import { runPython } from '../python.ts';
import { type RunningSpark, startSpark } from '../running-spark.ts';
import { deltaMatrix } from './delta-matrix.ts';
import { plainRow, sorted } from './engine-rows.ts';
import { SPARK_TABLES } from './spark-tables.ts';

/*
 * Tables that Delta Spark makes, one or more for every feature that it writes: we read each version
 * equal to what Spark reads, and what we write to them Spark reads equal again.
 */

const matrix = deltaMatrix();
let spark: RunningSpark;
const root = mkdtempSync(join(tmpdir(), 'sentinela-conformance-'));
beforeAll(async () => {
  spark = await startSpark();
}, 120_000);
afterAll(() => {
  spark?.stop();
  if (process.env.DELTA_MATRIX !== undefined) matrix.write();
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
      matrix.note(name, 'we read Spark', 'yes');
    }, 120_000);

    it.runIf(unwritable !== undefined)('is not written by us, by the name of the feature', async () => {
      const refusal = open().append({ rows: [], allowEmpty: true });
      await expect(refusal).rejects.toMatchObject({ message: expect.stringContaining(unwritable ?? '') });
      matrix.note(name, 'we append', `refused: ${await refusal.catch((error: Error) => error.message)}`);
    });

    it.runIf(unwritable === undefined)(
      'is written by us and read by Spark, and the other way round',
      async () => {
        const table = open();
        await table.append({ rows: append });
        await check();
        matrix.note(name, 'we append', 'yes');
        matrix.note(name, 'Spark reads ours', 'yes');
        if (change?.delete !== undefined) await table.delete({ where: change.delete });
        if (change?.update !== undefined) await table.update(change.update);
        await check();
        if (change?.delete !== undefined || change?.update !== undefined) matrix.note(name, 'we delete, update', 'yes');
        await table.optimize();
        await table.checkpoint();
        await check();
        matrix.note(name, 'we OPTIMIZE, checkpoint', 'yes');
        await judge();
        for (const statement of change?.spark ?? []) await spark.sql(statement.replaceAll('$T', path));
        await check();
        matrix.note(name, 'Spark writes on', 'yes');
      },
      240_000,
    );

    async function check(): Promise<void> {
      const { version } = await open().snapshot();
      expect(await ours(open(), version)).toEqual(sorted(await spark.rows(`SELECT * FROM ${path}`)));
    }

    /** What other engines read is noted and must be right; that they refuse a table is theirs to decide. */
    async function judge(): Promise<void> {
      const own = await ours(open(), (await open().snapshot()).version);
      const judged = runPython('conformance/delta-engines.py', { do: 'judge', path: folder }) as Judged;
      for (const engine of ['delta-rs', 'DuckDB'] as const) {
        const { rows, error } = judged[engine];
        const isEqual = rows !== undefined && JSON.stringify(sorted(rows)) === JSON.stringify(own);
        const outcome = isEqual ? 'yes' : (error ?? KNOWN_DIFFERENCES[`${engine}: ${name}`]);
        expect(outcome, `${engine} reads other rows than we and Spark do`).toBeDefined();
        matrix.note(name, `${engine} reads ours`, outcome ?? '');
      }
    }
  },
);

type Judged = Readonly<Record<'delta-rs' | 'DuckDB', { readonly rows?: unknown[]; readonly error?: string }>>;

/** Where an engine reads other rows than Spark and we do, and why that is not ours to mend. */
const KNOWN_DIFFERENCES: Readonly<Record<string, string>> = {
  'DuckDB: column mapping by id, partitioned':
    'reads a partition column under a physical name as null, where Spark and delta-rs read its values',
  'delta-rs: variants': 'gives out the two binaries that a variant is stored as, not its value',
};
