import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openModelRegistry } from '../../../src/scoring/model-registry.ts';
import { registerModel } from '../../../src/scoring/register-model.ts';

describe('registering a model', () => {
  let folder: string;
  let from: string;
  const registry = (): string => join(folder, 'models');
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'register-'));
    from = join(folder, 'new');
    cpSync('models/pix-gbm/1', from, { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const edit = (file: string, change: (text: string) => string): void =>
    writeFileSync(join(from, file), change(readFileSync(join(from, file), 'utf8')));

  it('makes the registry, and its model is loaded by its alias', async () => {
    const registered = await registerModel(registry(), from, 'champion');
    expect(registered).toMatchObject({ name: 'pix-gbm', version: '1', alias: 'champion' });
    const { identity, bytes } = await (await openModelRegistry(registry())).load('champion');
    expect(identity).toEqual({ name: 'pix-gbm', version: '1', sha256: registered.sha256 });
    expect(Buffer.from(bytes)).toEqual(readFileSync(join(from, 'model.onnx')));
    expect(readdirSync(registry()).sort()).toEqual(['pix-gbm', 'registry.json']);
    expect(readdirSync(join(registry(), 'pix-gbm'))).toEqual(['1']);
    expect(readdirSync(join(registry(), 'pix-gbm/1'))).toContain('manifest.json');
  });

  it('takes the same model again, and gives an alias to another version', async () => {
    await registerModel(registry(), from, 'champion');
    expect(await registerModel(registry(), from, undefined)).toMatchObject({ alias: 'champion' });
    edit('card.json', (text) => text.replace('"version": "1"', '"version": "2"'));
    await registerModel(registry(), from, 'champion');
    const models = await openModelRegistry(registry());
    expect((await models.list()).map(({ version, alias }) => [version, alias])).toEqual([
      ['1', null],
      ['2', 'champion'],
    ]);
  });

  it('refuses another file under a name and version that are taken, and leaves everything as it was', async () => {
    await registerModel(registry(), from, undefined);
    const before = readFileSync(join(registry(), 'registry.json'), 'utf8');
    const model = Buffer.from(readFileSync(join(from, 'model.onnx')));
    // A field that no reader knows: another file, and still a model.
    const other = Buffer.concat([model, Buffer.from([0xfa, 0x7f, 0x01, 0x61])]);
    writeFileSync(join(from, 'model.onnx'), other);
    await expect(registerModel(registry(), from, undefined)).rejects.toMatchObject({ code: 'model_invalid' });
    const { createHash } = await import('node:crypto');
    const sum = createHash('sha256').update(other).digest('hex');
    edit('card.json', (text) => text.replace(/"sha256": "[0-9a-f]{64}"/, `"sha256": "${sum}"`));
    await expect(registerModel(registry(), from, undefined)).rejects.toMatchObject({ code: 'model_exists' });
    expect(readFileSync(join(registry(), 'registry.json'), 'utf8')).toBe(before);
    await (await openModelRegistry(registry())).load('pix-gbm');
  });

  it.each([
    ['card.json', (text: string) => text.replace('"version": "1"', '"version":  "1"')],
    ['card.md', (text: string) => `${text}more\n`],
    ['manifest.json', (text: string) => `${text}\n`],
  ])('refuses the same file with another %s, and says so', async (file, change) => {
    await registerModel(registry(), from, undefined);
    const registered = () => readFileSync(join(registry(), 'registry.json'), 'utf8');
    const before = registered();
    const was = readFileSync(join(from, file), 'utf8');
    edit(file, change);
    expect(readFileSync(join(from, file), 'utf8')).not.toBe(was);
    await expect(registerModel(registry(), from, 'champion')).rejects.toMatchObject({
      code: 'model_exists',
      message: `pix-gbm@1 is registered with another ${file}: give this one another version`,
    });
    expect(registered()).toBe(before);
    expect(readFileSync(join(registry(), 'pix-gbm/1', file), 'utf8')).toBe(was);
  });

  it('refuses the same file with a manifest more, or less, than is stored', async () => {
    await registerModel(registry(), from, undefined);
    rmSync(join(from, 'manifest.json'));
    await expect(registerModel(registry(), from, undefined)).rejects.toThrow(/registered with a manifest\.json/);
    rmSync(registry(), { recursive: true });
    await registerModel(registry(), from, undefined);
    cpSync('models/pix-gbm/1/manifest.json', join(from, 'manifest.json'));
    await expect(registerModel(registry(), from, undefined)).rejects.toThrow(/registered without a manifest\.json/);
  });

  it('refuses what is no model, and writes nothing', async () => {
    await expect(registerModel(registry(), from, 'Best!')).rejects.toMatchObject({ code: 'usage' });
    edit('card.json', (text) => text.replace('"name": "pix-gbm"', '"name": "../up"'));
    await expect(registerModel(registry(), from, undefined)).rejects.toMatchObject({ code: 'model_invalid' });
    rmSync(join(from, 'card.md'));
    await expect(registerModel(registry(), from, undefined)).rejects.toThrow(/card\.md cannot be read/);
    expect(existsSync(registry())).toBe(false);
  });

  it('refuses the manifest of a training set of other features, and takes a model without one', async () => {
    edit('manifest.json', (text) =>
      text.replace('"name":"pix-core"', '"name":"other"').replace('"name": "pix-core"', '"name": "other"'),
    );
    const refused = registerModel(registry(), from, undefined);
    await expect(refused).rejects.toThrow(
      /manifest\.json is of the feature set other@[0-9a-f]{12}, the card of pix-core@/,
    );
    writeFileSync(join(from, 'manifest.json'), '{');
    await expect(registerModel(registry(), from, undefined)).rejects.toThrow(/manifest\.json is not JSON/);
    expect(existsSync(registry())).toBe(false);
    rmSync(join(from, 'manifest.json'));
    await registerModel(registry(), from, undefined);
    expect(readdirSync(join(registry(), 'pix-gbm/1'))).not.toContain('manifest.json');
  });
});
