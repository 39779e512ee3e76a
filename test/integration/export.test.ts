import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/base/errors.ts';
import { exportOptionsOf } from '../../src/cli/commands/export-flags.ts';
import { fillExportFolder } from '../../src/cli/export-folder.ts';
import { shippedSet } from '../../src/cli/shipped-set.ts';
import { importFile } from '../../src/pipeline/import-file.ts';
import { simulationOptions } from '../../src/simulator/options.ts';
import { writeSimulation } from '../../src/simulator/write-simulation.ts';
import { decodeParquet, rowsOfBatch } from '../../src/storage/parquet/parquet-read.ts';
import { localObjectStore } from '../../src/storage/store/local-object-store.ts';
import { createExport } from '../../src/training-export/create-export.ts';
import { pandasLines } from '../../src/training-export/export-lines.ts';
import type { ExportManifest } from '../../src/training-export/manifest.ts';
import { verifyExport } from '../../src/training-export/verify-export.ts';
import { PYTHON, runPython } from '../python.ts';
import { type ExampleLake, exampleLake } from '../unit/pipeline/lake-example.ts';

const set = shippedSet();
const FLAGS = {
  from: 'silver.transactions',
  features: 'pix-core',
  labelsAsOf: '2026-08-29',
  out: 'training',
  horizon: '20d',
  embargo: 'drop',
  counted: 'AGREED',
  split: 'time:2026-05-20,2026-06-05',
};

describe('from simulated payments to a training set', () => {
  let example: ExampleLake;
  let manifest: ExportManifest;
  const folder = (name: string): string => join(example.folder, name);
  const make = (name: string, flags: Partial<typeof FLAGS> = {}): Promise<ExportManifest> =>
    fillExportFolder(folder(name), (files) =>
      createExport(exportOptionsOf({ ...FLAGS, ...flags }, set), { tables: example.lake, files }),
    );
  const verify = (name: string) => verifyExport({ tables: example.lake, files: localObjectStore(folder(name)) });

  beforeAll(async () => {
    example = await exampleLake();
    const options = simulationOptions({ count: 4000, seed: 11, fraudRate: 0.02, lateRate: 0.02, duplicateRate: 0.01 });
    const paths = { paymentsPath: folder('payments.ndjson'), labelsPath: folder('labels.ndjson') };
    writeSimulation(options, paths);
    await importFile({ file: paths.paymentsPath, labels: paths.labelsPath }, example.ports);
    manifest = await make('training');
  });
  afterAll(() => example.remove());

  it('every payment is in a split or in the embargo, and all splits have fraud', () => {
    expect(manifest.files.map(({ name }) => name)).toEqual(['train.parquet', 'validation.parquet', 'test.parquet']);
    expect(manifest.files.reduce((sum, { counts }) => sum + counts.rows, manifest.embargoRows)).toBe(manifest.rows);
    expect(manifest.rows).toBe(4000);
    expect(manifest.embargoRows).toBeGreaterThan(0);
    for (const { counts } of manifest.files) {
      expect(counts.fraud).toBeGreaterThan(0);
      expect(counts.fraud + counts.notFraud + counts.contested + counts.censored + counts.unobserved).toBe(counts.rows);
    }
  });

  it('the same command gives the same bytes, also over an export that is there', async () => {
    const bytesOf = (name: string): [string, Buffer][] =>
      readdirSync(folder(name)).map((file) => [file, readFileSync(join(folder(name), file))]);
    const first = bytesOf('training');
    // A killed extension leaves what it was writing.
    writeFileSync(join(folder('training'), '.writing-1'), 'half');
    await make('training');
    expect(bytesOf('training')).toEqual(first);
    expect(readdirSync(example.folder).filter((name) => name.startsWith('.'))).toEqual([]);
    expect(first.every(([, bytes]) => !bytes.includes(example.folder))).toBe(true);
  });

  it('pandas reads it by the three lines that are printed', { skip: PYTHON === undefined }, async () => {
    const read = runPython('integration/export-read.py', { lines: pandasLines(manifest, folder('training')) });
    const rows = [];
    const bytes = readFileSync(join(folder('training'), 'train.parquet'));
    for await (const batch of decodeParquet(bytes, 'train')) rows.push(...rowsOfBatch(batch));
    const labelled = rows.filter(({ label }) => label !== null);
    const sums = set.names.map((name) => labelled.reduce((sum, row) => sum + Number(row[name] ?? 0), 0));
    expect(read).toMatchObject({
      rows: labelled.length,
      columns: set.names,
      types: ['float32'],
      positives: manifest.files[0]?.counts.fraud,
      negatives: manifest.files[0]?.counts.notFraud,
    });
    const { sums: theirs } = read as { sums: number[] };
    for (const [at, sum] of sums.entries()) {
      expect(Math.abs((theirs[at] as number) - sum)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(sum)));
    }
  });

  it('what is learned later changes nothing in training, and what is not learned yet is censored', async () => {
    const early = await make('early', { labelsAsOf: '2026-06-25', split: 'time:2026-05-20,2026-06-05' });
    // Labels of training are as of the first cut, so a later look gives the same training rows.
    expect(early.files[0]?.rowsSha256).toBe(manifest.files[0]?.rowsSha256);
    expect(early.files[2]?.counts.censored).toBeGreaterThan(manifest.files[2]?.counts.censored ?? 0);
  });

  it('doubles and the kept embargo are asked for, and verified', async () => {
    const flags = { embargo: 'keep', double: true };
    const doubled = await make('doubled', flags);
    expect(doubled.files.map(({ name }) => name)).toContain('embargo.parquet');
    expect(doubled.featureType).toBe('double');
    expect(doubled.command).toContain('--embargo keep --double');
    expect(await verify('doubled')).toMatchObject({ ok: true, rows: 4000 });
  });

  it('a verified export that is touched says where', async () => {
    expect(await verify('training')).toMatchObject({ ok: true, files: 3, difference: null });
    const path = join(folder('training'), 'manifest.json');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace(`"embargoRows": ${manifest.embargoRows}`, '"embargoRows": 0'));
    expect((await verify('training')).difference).toContain('embargoRows');
    writeFileSync(path, '{"format":"sentinela-export/1"}');
    await expect(verify('training')).rejects.toThrow(AppError);
    writeFileSync(path, text);
    const file = join(folder('training'), 'test.parquet');
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    expect((await verify('training')).difference).toContain('test.parquet was changed');
  });

  it('a folder with anything else in it is left as it is', async () => {
    mkdirSync(folder('mine'));
    writeFileSync(join(folder('mine'), 'notebook.ipynb'), '{}');
    await expect(make('mine')).rejects.toMatchObject({ code: 'usage' });
    expect(readdirSync(folder('mine'))).toEqual(['notebook.ipynb']);
    await expect(make('nothing', { from: 'silver.transactions@99' })).rejects.toMatchObject({
      code: 'version_not_found',
    });
    expect(existsSync(folder('nothing'))).toBe(false);
  });

  it.each([
    [{ from: 'silver.transaction' }, 'usage', 'did you mean silver.transactions?'],
    [{ labelsAsOf: '2026-02-30' }, 'usage', '--labels-as-of 2026-02-30'],
    [{ split: 'time:2026-05-20' }, 'usage', '--split time:2026-05-20'],
    [{ split: 'time:2026-05-20,soon' }, 'usage', '--split soon'],
    [{ horizon: '3w' }, 'usage', '--horizon'],
    [{ counted: 'AGREE' }, 'usage', 'did you mean AGREED?'],
    [{ embargo: 'some' }, 'usage', '--embargo some'],
    [{ split: 'group:payr=80/10/10' }, 'usage', 'did you mean payer?'],
    [{ split: 'group:payer=80/10/20' }, 'usage', 'must make 100 together'],
    [{ split: 'group:payer=80/20' }, 'usage', 'group:ENTITY=a/b/c'],
    [{ split: ['group:payer=80/10/10', 'group:payee=80/10/10'] }, 'usage', 'once for groups'],
    [{ sampleNegatives: '1.5' }, 'usage', '--sample-negatives 1.5'],
    [{ seed: 'x' }, 'usage', '--seed x'],
  ])('%j is refused with the flag and what to do', (flags, code, text) => {
    let thrown: unknown;
    try {
      exportOptionsOf({ ...FLAGS, ...flags }, set);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code });
    expect((thrown as Error).message).toContain(text);
  });
});
