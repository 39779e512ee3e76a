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
import { verifyExport } from '../../../src/training-export/verify-export.ts';
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

  /** Payments of day 11, of which the amount tells the fraud. */
  async function payLeaking(): Promise<void> {
    for (let number = 100; number < 160; number += 1) {
      const isFraud = number % 2 === 0;
      const t = START + 11 * DAY + number;
      world.pay(rowOf(idOf(number), t, isFraud ? 90_000 : 100, 1, 1), t, 'APPROVE');
      if (isFraud) world.label(idOf(number), 'AGREED', t + DAY, t + DAY);
    }
    await world.commit();
  }

  const extension = () => JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')).extensions[0];
  const verify = () => verifyExport({ tables: world.tables, files: localObjectStore(folder) });

  it('tells what leaks in the rows that it brings', async () => {
    await payLeaking();
    const { exit, out } = await extend();
    expect(exit).toBe(0);
    expect(out).toMatch(/^warning: amount tells fraud from the rest nearly by itself/m);
    expect(extension().command).not.toContain('--leakage');
    expect(await verify()).toMatchObject({ ok: true, difference: null });
  });

  it('leaves nothing where leaks are to fail, and does not look where it is told so', async () => {
    await payLeaking();
    const before = readFileSync(join(folder, 'manifest.json'));
    const refused = await extend('--leakage', 'fail');
    expect(refused.exit).toBe(5);
    expect(refused.err).toContain('amount tells fraud');
    expect(readdirSync(folder).sort()).toEqual(['all.parquet', 'manifest.json']);
    expect(readFileSync(join(folder, 'manifest.json'))).toEqual(before);
    expect(await extend('--leakage', 'of')).toMatchObject({ exit: 2 });
    const { exit, out } = await extend('--leakage', 'off');
    expect([exit, out.includes('warning')]).toEqual([0, false]);
    expect(extension()).toMatchObject({ leakage: null, command: expect.stringContaining(' --leakage off --pin ') });
    expect(await verify()).toMatchObject({ ok: true, difference: null });
  });

  it.each([
    ['does not look where the export was made without', [], null],
    ['looks nevertheless where it is told so', ['--leakage', 'warn'], 'amount'],
  ])('%s', async (_what, flags, feature) => {
    await create({ leakage: 'off' });
    await payLeaking();
    expect(await extend(...flags)).toMatchObject({ exit: 0, out: expect.stringMatching(/all\.2\.parquet/) });
    expect(extension().leakage?.findings[0].feature ?? null).toBe(feature);
    expect(extension().command.includes('--leakage warn')).toBe(feature !== null);
    expect(await verify()).toMatchObject({ ok: true, difference: null });
  });

  it('leaves a lock that is no hindrance to making the export anew', async () => {
    // The second is of one that was killed while it took the lock of a dead one.
    for (const name of ['lock', 'lock.0123456789abcdef']) writeFileSync(join(folder, name), '999999999 1\n');
    await create();
    expect(readdirSync(folder).sort()).toEqual(['all.parquet', 'manifest.json']);
    await expect(create({ where: 'no_such_column = 1' })).rejects.toMatchObject({ code: 'invalid_request' });
    await (await lockFolder(folder)).release();
  });
});
