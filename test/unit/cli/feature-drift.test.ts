import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runProgram } from '../../../src/cli/program.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { localObjectStore } from '../../../src/storage/store/local-object-store.ts';
import { createExport } from '../../../src/training-export/create-export.ts';
import { plainSet, rowOf } from '../features/streams.ts';
import { silverWorld } from '../training-export/silver-world.ts';

const DAY = 86_400_000_000;
const START = 20_000 * DAY;
const root = mkdtempSync(join(tmpdir(), 'sentinela-drift-'));
const exported = join(root, 'training');
afterAll(() => rmSync(root, { recursive: true, force: true }));

beforeAll(async () => {
  const set = compileFeatureSet(plainSet(16));
  mkdirSync(join(root, 'lake'));
  const world = await silverWorld(set, localObjectStore(join(root, 'lake')));
  const pay = (number: number, t: number, amount: number): unknown =>
    world.pay(rowOf(`E${String(number).padStart(31, '0')}`, t, amount, 1, 1), t, 'APPROVE');
  for (let number = 0; number < 50; number += 1) pay(number, START + number * 1_000_000, 100 + number);
  await world.commit();
  mkdirSync(exported);
  const options = { set, labelsAsOfMicros: START + DAY, horizonMicros: DAY };
  await createExport(options, { tables: world.tables, files: localObjectStore(exported) });
  for (let number = 50; number < 100; number += 1) pay(number, START + DAY + number * 1_000_000, 80_000 + number);
  await world.commit();
});

async function drift(...args: readonly string[]): Promise<{ exit: number; out: string; notes: string }> {
  const written = { out: '', notes: '' };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.out += String(text);
    return true;
  });
  const notes = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.notes += String(text);
    return true;
  });
  try {
    return { exit: await runProgram(['features', 'drift', ...args, '--data-dir', root]), ...written };
  } finally {
    out.mockRestore();
    notes.mockRestore();
  }
}

describe('features drift', () => {
  it('prints a table with the largest index first, and says how much of it is chance', async () => {
    const { exit, out, notes } = await drift('--export', exported, '--since', '2024-10-05');
    expect(exit).toBe(0);
    const [head, names, first] = out.split('\n');
    expect(head).toMatch(/^test@[0-9a-f]{12}: 50 decisions from 2024-10-05T.*Z to .*, against 50 rows of all$/);
    expect(names).toMatch(/^feature +PSI +KS +null +not_found +truncated$/);
    expect(first).toMatch(/ [1-9]\d*\.\d{3} +shifted /);
    expect(out).toMatch(/^amount +\d+\.\d{3} +shifted +1\.000/m);
    expect(notes).toContain('50 decisions are few');
  });

  it('exits 5 where an index is above what is allowed, and 0 where none is; the report is JSON before', async () => {
    const shifted = await drift('--export', exported, '--since', '2024-10-05', '--fail-above', '0.25', '--json');
    expect(shifted.exit).toBe(5);
    const [report, error] = shifted.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(report.features[0]).toMatchObject({ verdict: 'shifted' });
    expect(error).toMatchObject({ error: { code: 'drift_found', feature: report.features[0].feature } });
    expect((await drift('--export', exported, '--fail-above', '1000')).exit).toBe(0);
  });

  it('refuses what it does not know, and makes nothing', async () => {
    expect((await drift('--export', exported, '--fail-above', 'much')).exit).toBe(2);
    expect((await drift('--export', exported, '--since', 'monday')).exit).toBe(2);
    expect((await drift('--export', join(root, 'none'))).exit).toBe(4);
    expect((await drift('--export', exported, '--since', '2030-01-01')).exit).toBe(4);
  });

  it('is measured against the training set of the model that scores, where none is named', async () => {
    const { exit, notes } = await drift();
    expect([exit, notes]).toEqual([4, expect.stringMatching(/pix-core@.*test@|test@.*pix-core@/)]);
    const models = join(root, 'models');
    cpSync('models', models, { recursive: true });
    rmSync(join(models, 'pix-gbm/1/manifest.json'));
    const without = await drift('--models-dir', models);
    expect([without.exit, without.notes]).toEqual([4, expect.stringContaining('pix-gbm@1 has no manifest.json')]);
  });
});
