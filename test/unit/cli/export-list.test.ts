import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runProgram } from '../../../src/cli/program.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { localObjectStore } from '../../../src/storage/store/local-object-store.ts';
import { createExport } from '../../../src/training-export/create-export.ts';
import { plainSet, rowOf } from '../features/streams.ts';
import { silverWorld } from '../training-export/silver-world.ts';

const T = 20_000 * 86_400_000_000;
const root = mkdtempSync(join(tmpdir(), 'sentinela-list-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function list(...args: readonly string[]): Promise<{ exit: number; out: string[]; err: string }> {
  const [written, noted]: [string[], string[]] = [[], []];
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => noted.push(String(text)) > 0);
  try {
    const exit = await runProgram(['export', 'list', ...args]);
    return { exit, out: written, err: noted.join('') };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

describe('export list', () => {
  const inRoot = (name: string): string => join(root, 'exports', name);

  beforeAll(async () => {
    const set = compileFeatureSet(plainSet(16));
    const world = await silverWorld(set);
    world.pay(rowOf(`E${'1'.padStart(31, '0')}`, T, 100, 1, 1), T, 'APPROVE');
    await world.commit();
    const options = { set, labelsAsOfMicros: T + 1, horizonMicros: 1 };
    for (const name of ['a-first', 'z-last']) {
      await createExport(options, { tables: world.tables, files: localObjectStore(inRoot(name)) });
    }
    symlinkSync(join(root, 'gone'), inRoot('moved'));
    mkdirSync(inRoot('extension'));
    writeFileSync(join(inRoot('extension'), 'manifest.json'), '{"manifest_version":3}');
    mkdirSync(inRoot('broken'));
    writeFileSync(join(inRoot('broken'), 'manifest.json'), '{');
    // Neither is an export, and nobody takes them for one.
    mkdirSync(inRoot('notes'));
    writeFileSync(inRoot('readme.txt'), '');
  });

  it('lists what can be read, and says what cannot and why', async () => {
    const { exit, out, err } = await list(join(root, 'exports'));
    expect(exit).toBe(0);
    expect(out.map((line) => line.split(' ')[0])).toEqual(['folder', inRoot('a-first'), inRoot('z-last')]);
    expect(err.trim().split('\n')).toEqual([
      `${inRoot('broken')} is passed by: manifest.json is not JSON (invalid_file)`,
      expect.stringMatching(/extension is passed by: manifest\.json is not of the form .* \(invalid_file\)$/),
      expect.stringMatching(/moved is passed by: ENOENT.* \(storage_failed\)$/),
    ]);
  });

  it('says so as JSON too', async () => {
    const { exit, out } = await list(join(root, 'exports'), '--json');
    expect(exit).toBe(0);
    expect(out.map((line) => JSON.parse(line))).toMatchObject([
      { folder: inRoot('a-first'), rows: 1 },
      { folder: inRoot('broken'), code: 'invalid_file', problem: 'manifest.json is not JSON' },
      { folder: inRoot('extension'), code: 'invalid_file' },
      { folder: inRoot('moved'), code: 'storage_failed' },
      { folder: inRoot('z-last'), rows: 1 },
    ]);
  });

  it('of a folder without any says that there are none', async () => {
    expect((await list(inRoot('notes'))).out.join('')).toContain('holds no exports');
  });
});
