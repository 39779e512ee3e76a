import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { findFeatureSet, readRegistry } from '../../../src/cli/feature-sets.ts';
import { loadScorer } from '../../../src/cli/load-scorer.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { applyPlan, planLines, planSet } from '../../../src/cli/set-plan.ts';
import type { FeatureSet } from '../../../src/features/feature-set.ts';
import { localObjectStore } from '../../../src/storage/store/local-object-store.ts';
import { createExport } from '../../../src/training-export/create-export.ts';
import { rowOf } from '../features/streams.ts';
import { silverWorld } from '../training-export/silver-world.ts';

const T = 20_000 * 86_400_000_000;
const root = mkdtempSync(join(tmpdir(), 'sentinela-registry-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let dataDir = '';
let file = '';
let runs = 0;
beforeEach(() => {
  runs += 1;
  dataDir = join(root, `data-${runs}`);
  file = join(root, `set-${runs}.yaml`);
  write('30d');
});

function write(window: string, more = ''): void {
  writeFileSync(
    file,
    `name: mine
description: A set
bound: 64
allowed_lateness: 7d
features:
  - { name: a, description: x, entity: payer, aggregate: count, window: ${window} }
  - { name: b, description: x, entity: payee, aggregate: count, window: 1d }
${more}`,
  );
}

/** Runs a command, and gives its exit code and the values that it printed. */
async function sentinela(...args: readonly string[]): Promise<{ exit: number; values: Record<string, unknown>[] }> {
  const written: string[] = [];
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const errors = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  try {
    const exit = await runProgram(['features', ...args, '--data-dir', dataDir, '--json']);
    return { exit, values: written.map((text) => JSON.parse(text) as Record<string, unknown>) };
  } finally {
    out.mockRestore();
    errors.mockRestore();
  }
}

/** The registry of models that ships, as if its champion had been trained on features of a set. */
function modelsOn({ version }: FeatureSet, features: readonly string[]) {
  const models = join(root, `models-${runs}`);
  cpSync('models', models, { recursive: true });
  const [model] = JSON.parse(readFileSync(join(models, 'registry.json'), 'utf8')).models;
  const folder = join(models, model.name, model.version);
  const card = join(folder, 'card.json');
  const featureSet = { name: 'mine', version, features };
  writeFileSync(card, JSON.stringify({ ...JSON.parse(readFileSync(card, 'utf8')), featureSet }));
  return { models, model, folder };
}

/** Makes an export of one payment in the data folder. @returns its folder. */
async function exportOf(set: FeatureSet): Promise<string> {
  const folder = join(dataDir, 'exports', 'june');
  const world = await silverWorld(set);
  world.pay(rowOf(`E${'1'.padStart(31, '0')}`, T, 100, 1, 1), T, 'APPROVE');
  await world.commit();
  const options = { set, labelsAsOfMicros: T + 1, horizonMicros: 1 };
  await createExport(options, { tables: world.tables, files: localObjectStore(folder) });
  return folder;
}

describe('the registry of feature sets', () => {
  it('takes a set, does nothing with the same, and gives both versions of a changed one', async () => {
    const first = await findFeatureSet(file, dataDir);
    expect(await sentinela('apply', file)).toMatchObject({ exit: 2 });
    expect(existsSync(join(dataDir, 'lake'))).toBe(false);
    const applied = await sentinela('apply', file, '--yes', '--by', 'ana', '--reason', 'first');
    expect(applied).toMatchObject({ exit: 0, values: [{ applied: true, number: 1, added: ['a', 'b'], before: null }] });
    const again = await sentinela('apply', file, '--yes');
    expect(again).toMatchObject({ exit: 0, values: [{ applied: false, isSame: true }] });
    write('31d');
    const second = await findFeatureSet(file, dataDir);
    expect((await sentinela('apply', file, '--yes')).values).toMatchObject([{ number: 2, before: first.version }]);
    expect((await findFeatureSet('mine', dataDir)).hash).toBe(second.hash);
    expect((await findFeatureSet(`mine@${first.version}`, dataDir)).hash).toBe(first.hash);
    await expect(findFeatureSet('mine@0', dataDir)).rejects.toMatchObject({ code: 'feature_not_found' });
    await expect(findFeatureSet('min', dataDir)).rejects.toThrow(/did you mean mine\?/);
    const { values } = await sentinela('history', 'mine');
    expect(values).toMatchObject([
      { number: 2, version: second.version, reason: null },
      { number: 1, version: first.version, appliedBy: 'ana', reason: 'first', definition: first.definition },
    ]);
    expect((await sentinela('history', 'mne')).exit).toBe(4);
    expect((await sentinela('list', '--set', 'mine')).values).toHaveLength(2);
  });

  it('lets one of two win that apply at once, and the other plan again', async () => {
    for (const start of ['an empty registry', 'one with a set']) {
      const plan = await planSet(file, { dataDir, modelsDir: '', exports: [] });
      write(start === 'one with a set' ? '33d' : '32d');
      const other = await planSet(file, { dataDir, modelsDir: '', exports: [] });
      await applyPlan(plan, dataDir, { by: 'ana', reason: null });
      const late = applyPlan(other, dataDir, { by: 'rui', reason: null });
      await expect(late, start).rejects.toMatchObject({ code: 'commit_conflict' });
      const { sets } = await readRegistry(dataDir);
      expect(sets.map(({ hash }) => hash).at(-1), start).toBe(plan.set.hash);
    }
    expect((await readRegistry(dataDir)).sets.map(({ number }) => number)).toEqual([1, 2]);
  });

  it('takes nothing of a file with a fault, nor the name of the set that ships', async () => {
    write('30x');
    expect(await sentinela('apply', file, '--yes')).toMatchObject({ exit: 2 });
    writeFileSync(file, readFileSync(file, 'utf8').replace('30x', '30d').replace('name: mine', 'name: pix-core'));
    expect(await sentinela('apply', file, '--yes')).toMatchObject({ exit: 2 });
    expect(existsSync(join(dataDir, 'lake'))).toBe(false);
  });

  it('names what changes through an expression, and what reads it', async () => {
    const ratio = '  - { name: r, description: x, expression: a / b }\n';
    write('30d', ratio);
    await sentinela('apply', file, '--yes');
    const set = await findFeatureSet('mine', dataDir);
    const { models, model } = modelsOn(set, ['r']);
    write('31d', ratio);
    const { report } = await planSet(file, { dataDir, modelsDir: models, exports: [] });
    expect(planLines(report)).toEqual([
      `mine: ${set.version} → ${report.version}`,
      '~ a: window "30d" → "31d"',
      '~ r: computed of a',
      'not compatible: what was made with the older version stays with it',
      expect.stringMatching(
        /^1 feature is new or changed and counted over 38 days of silver; a server of the new version builds/,
      ),
      `model ${model.name}@${model.version} (champion) hangs on mine@${set.version}: reads r`,
    ]);
  });

  it("says of a version that was never applied what changes, where its export or the model's holds the definition", async () => {
    const set = await findFeatureSet(file, dataDir);
    const { models, model, folder } = modelsOn(set, ['a', 'b']);
    const exported = await exportOf(set);
    cpSync(join(exported, 'manifest.json'), join(folder, 'manifest.json'));
    write('31d');
    const places = { dataDir, modelsDir: models, exports: [] };
    const { report } = await planSet(file, places);
    expect(report).toMatchObject({ before: null, hangingOn: [{ touched: ['a'] }, { touched: ['a'] }] });
    // A model without its manifest is of a version that nobody knows.
    rmSync(join(folder, 'manifest.json'));
    const { report: less } = await planSet(file, places);
    expect(less.hangingOn).toMatchObject([{ kind: 'model', touched: null }, { touched: ['a'] }]);
    expect(planLines(less).at(-2)).toBe(
      `model ${model.name}@${model.version} (champion) hangs on mine@${set.version}: what changes for it cannot be told, that version was never applied here`,
    );
  });

  it('names the models and exports that hang on the older version, and what they read', async () => {
    await sentinela('apply', file, '--yes');
    const set = await findFeatureSet('mine', dataDir);
    const { version } = set;
    const { models, model } = modelsOn(set, ['a', 'b']);
    const exported = await exportOf(set);
    write('31d', '  - { name: c, description: x, expression: a / b }\n');
    // One elsewhere is found where its folder is named, whether it holds exports or is one.
    const elsewhere = join(root, 'elsewhere');
    cpSync(exported, join(elsewhere, 'july'), { recursive: true });
    const places = { dataDir, modelsDir: models };
    for (const folder of [elsewhere, join(elsewhere, 'july')]) {
      const { report: found } = await planSet(file, { ...places, exports: [folder] });
      expect(found.hangingOn.at(-1)).toMatchObject({ name: join(elsewhere, 'july'), touched: ['a'] });
    }
    const nowhere = planSet(file, { ...places, exports: [join(root, 'nowhere')] });
    await expect(nowhere).rejects.toMatchObject({ code: 'not_found' });
    const { report } = await planSet(file, { ...places, exports: [] });
    expect(report.hangingOn).toMatchObject([
      { kind: 'model', version, touched: ['a'] },
      { kind: 'export', name: exported, version, touched: ['a'] },
    ]);
    expect(planLines(report)).toEqual([
      `mine: ${version} → ${report.version}`,
      '+ c',
      '~ a: window "30d" → "31d"',
      'not compatible: what was made with the older version stays with it',
      expect.stringMatching(
        /^1 feature is new or changed and counted over 38 days of silver; a server of the new version builds/,
      ),
      `model ${model.name}@${model.version} (champion) hangs on mine@${version}: reads a`,
      `export ${exported} hangs on mine@${version}: reads a`,
    ]);
    // Of what an entity keeps, every feature.
    write('30d');
    writeFileSync(file, readFileSync(file, 'utf8').replace('bound: 64', 'bound: 65'));
    const { report: wider } = await planSet(file, { ...places, exports: [] });
    expect(wider.hangingOn.map(({ touched }) => touched)).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    write('31d', '  - { name: c, description: x, expression: a / b }\n');
    // And a server of the new version refuses the model.
    const newer = await findFeatureSet(file, dataDir);
    await expect(loadScorer('champion', newer, models)).rejects.toMatchObject({
      code: 'model_mismatch',
      message: expect.stringContaining(`was trained on mine@${version}, served is mine@${newer.version}`),
    });
  });
});
