import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openModelRegistry } from '../../../src/scoring/model-registry.ts';

describe('the model registry', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'models-'));
    cpSync('models/registry.json', join(folder, 'registry.json'));
    cpSync('models/pix-gbm', join(folder, 'pix-gbm'), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const edit = (file: string, change: (text: string) => string): void => {
    const path = join(folder, file);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
  };

  it('lists its models and finds them by alias, by name and by version', async () => {
    const registry = await openModelRegistry(folder);
    const [model] = await registry.list();
    expect(model).toMatchObject({
      name: 'pix-gbm',
      alias: 'champion',
      featureSet: expect.stringMatching(/^pix-core@/),
    });
    for (const reference of ['champion', 'pix-gbm', `pix-gbm@${model?.version}`]) {
      expect((await registry.load(reference)).identity).toMatchObject({ name: 'pix-gbm', sha256: model?.sha256 });
    }
    expect((await registry.load('champion')).cardText).toMatch(/SIMULATED/);
  });

  it('says what it knows where a model is not there', async () => {
    const registry = await openModelRegistry(folder);
    await expect(registry.load('champoin')).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(/did you mean champion\?.*pix-gbm@/),
    });
  });

  it('refuses files that are not those that were registered', async () => {
    const model = (await (await openModelRegistry(folder)).list())[0];
    const place = `pix-gbm/${model?.version}`;
    writeFileSync(join(folder, place, 'model.onnx'), 'another');
    await expect((await openModelRegistry(folder)).load('champion')).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringMatching(/not the file that was registered/),
    });
    edit(`${place}/card.json`, (text) => text.replace('"model.onnx"', '"../../registry.json"'));
    await expect((await openModelRegistry(folder)).load('champion')).rejects.toThrow(/outside its folder/);
    edit(`${place}/card.json`, (text) => text.replace('"format": 1', '"format": 2'));
    await expect((await openModelRegistry(folder)).load('champion')).rejects.toMatchObject({ code: 'model_invalid' });
    rmSync(join(folder, place, 'card.json'));
    await expect((await openModelRegistry(folder)).load('champion')).rejects.toThrow(/card\.json cannot be read/);
  });

  it('refuses a registry that is missing or wrong', async () => {
    edit('registry.json', (text) => text.replace('"pix-gbm"', '"../../etc"'));
    await expect(openModelRegistry(folder)).rejects.toMatchObject({ code: 'model_invalid' });
    edit('registry.json', () => '{');
    await expect(openModelRegistry(folder)).rejects.toThrow(/registry\.json is not JSON/);
    await expect(openModelRegistry(join(folder, 'none'))).rejects.toMatchObject({ code: 'model_invalid' });
  });
});
