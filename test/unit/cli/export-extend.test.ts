import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fillExportFolder, lockExport } from '../../../src/cli/export-folder.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { lockFolder } from '../../../src/events/journal-lock.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { localObjectStore } from '../../../src/storage/store/local-object-store.ts';
import { createExport } from '../../../src/training-export/create-export.ts';
import type { ExportOptions } from '../../../src/training-export/export-options.ts';
import { plainSet, rowOf } from '../features/streams.ts';
import { type SilverWorld, silverWorld } from '../training-export/silver-world.ts';

const DAY = 86_400_000_000;
const START = 20_000 * DAY;
const set = compileFeatureSet(plainSet(16));
const idOf = (number: number): string => `E${String(number).padStart(31, '0')}`;
const OPTIONS: ExportOptions = {
  set,
  labelsAsOfMicros: START + 60 * DAY,
  horizonMicros: 5 * DAY,
  toMicros: START + 10 * DAY,
};

describe('export extend', () => {
  let root = '';
  let folder = '';
  let world: SilverWorld;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'sentinela-extend-'));
    folder = join(root, 'training');
    world = await silverWorld(set, localObjectStore(join(root, 'lake')));
    payDays(0, 10);
    await world.commit();
    await create();
    payDays(10, 12);
    await world.commit();
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function payDays(from: number, to: number): void {
    for (let day = from; day < to; day += 1)
      world.pay(rowOf(idOf(day), START + day * DAY, 100, 1, 1), START, 'APPROVE');
  }

  const create = (options: Partial<ExportOptions> = {}) =>
    fillExportFolder(folder, (files) => createExport({ ...OPTIONS, ...options }, { tables: world.tables, files }));

  /** Runs the command, and gives its exit code and what it printed. */
  async function extend(...flags: readonly string[]): Promise<{ exit: number; out: string; err: string }> {
    const told: { out: string[]; err: string[] } = { out: [], err: [] };
    const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => told.out.push(String(text)) > 0);
    const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => told.err.push(String(text)) > 0);
    try {
      const args = ['export', 'extend', folder, '--to', '2024-10-24', '--threads', '1', '--data-dir', root];
      const exit = await runProgram([...args, ...flags]);
      return { exit, out: told.out.join(''), err: told.err.join('') };
    } finally {
      out.mockRestore();
      err.mockRestore();
    }
  }

  it('touches nothing while another process extends the export, and says which one', async () => {
    // What the other has written and not named yet.
    writeFileSync(join(folder, 'all.2.parquet'), 'half');
    const before = readFileSync(join(folder, 'manifest.json'));
    const lock = await lockExport(folder);
    const refused = await extend();
    expect(refused).toMatchObject({ exit: 3, out: '' });
    expect(refused.err).toContain(`in use by process ${process.pid}: wait until it is done`);
    await expect(create()).rejects.toMatchObject({ code: 'locked' });
    expect(readFileSync(join(folder, 'all.2.parquet'), 'utf8')).toBe('half');
    expect(readFileSync(join(folder, 'manifest.json'))).toEqual(before);
    await lock.release();
    expect(await extend()).toMatchObject({ exit: 0 });
    expect(readdirSync(folder).sort()).toEqual(['all.2.parquet', 'all.parquet', 'manifest.json']);
  });

  it('takes the place of one that was killed, also where it fails', async () => {
    writeFileSync(join(folder, 'lock'), '999999999 1\n');
    expect(await extend('--to', '2024-10-01')).toMatchObject({ exit: 2 });
    expect(existsSync(join(folder, 'lock'))).toBe(false);
    writeFileSync(join(folder, 'lock'), '999999999 1\n');
    expect(await extend()).toMatchObject({ exit: 0 });
    expect(existsSync(join(folder, 'lock'))).toBe(false);
  });

  it('leaves a lock that is no hindrance to making the export anew', async () => {
    writeFileSync(join(folder, 'lock'), '999999999 1\n');
    await create();
    expect(readdirSync(folder).sort()).toEqual(['all.parquet', 'manifest.json']);
    await expect(create({ where: 'no_such_column = 1' })).rejects.toMatchObject({ code: 'invalid_request' });
    await (await lockFolder(folder)).release();
  });
});
