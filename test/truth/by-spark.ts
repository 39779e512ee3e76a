import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { ExportManifest } from '../../src/training-export/manifest.ts';
import { PROGRAM } from '../running-server.ts';
import { recomputedExport } from './compared.ts';
import { equalFiles, type FilesCompared } from './equal-files.ts';
import { withDuckDb } from './lake-sets.ts';
import type { TruthRun } from './truth-run.ts';

const PYTHON = fileURLToPath(new URL('../../.cache/spark/venv/bin/python', import.meta.url));
const SCRIPT = fileURLToPath(new URL('../../bench/spark-features.py', import.meta.url));

/** Payments of one of Spark's partitions: an entity's history is in memory whole, a partition's is sorted on disk. */
const PAYMENTS_OF_PARTITION = 50_000;

/**
 * Computes the features of every payment by Spark, at the versions of the tables that the run's export of recomputed
 * values was made of, and compares them with that export's file: every value in every bit, every status.
 */
export async function sparkEqualsExport(run: TruthRun, payments: number): Promise<FilesCompared> {
  const folder = recomputedExport(run);
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as ExportManifest;
  const out = join(run.folder, 'by-spark');
  await run.stage('Spark', async (stage) => {
    if (!existsSync(PYTHON)) throw new Error('no Spark: run `node scripts/setup-test-tools.mjs`');
    rmSync(out, { recursive: true, force: true });
    const request = join(run.folder, 'spark.json');
    const partitions = Math.max(4, 2 * Math.ceil(payments / PAYMENTS_OF_PARTITION / 2));
    const command = [process.execPath, PROGRAM];
    const asked = { data: run.dataDir, partitions, out, command, versions: manifest.tables, statuses: true };
    writeFileSync(request, JSON.stringify(asked));
    const env = { SPARK_WAREHOUSE: run.folder, PYSPARK_PYTHON: PYTHON, SPARK_PROGRESS: run.isBench ? 'yes' : '' };
    const told = (await stage.command(PYTHON, [SCRIPT, request], env)).trim().split('\n').at(-1) ?? '';
    return JSON.parse(told) as { rows: number; seconds: number };
  });
  return run.stage('Spark = exported', async () => {
    const found = await withDuckDb(run.folder, (db) =>
      equalFiles(db, featuresOf(manifest), join(folder, 'all.parquet'), join(out, '*.parquet')),
    );
    expect(found.differing).toEqual({});
    return found;
  });
}

function featuresOf({ columns }: ExportManifest): string[] {
  return columns.filter(({ role }) => role === 'feature').map(({ name }) => name);
}
