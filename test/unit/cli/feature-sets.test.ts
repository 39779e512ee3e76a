import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findFeatureSet, findFeatures } from '../../../src/cli/feature-sets.ts';
import { shippedSet } from '../../../src/cli/shipped-set.ts';
import { writeDefinitionFile } from '../../../src/features/yaml/write-definition.ts';

const shipped = shippedSet();
const folder = mkdtempSync(join(tmpdir(), 'sentinela-sets-'));
const file = join(folder, 'my-set.yaml');
writeFileSync(file, writeDefinitionFile({ ...shipped.definition, name: 'mine', bound: 128 }));
writeFileSync(join(folder, 'wrong.yaml'), 'name: mine\n');
afterAll(() => rmSync(folder, { recursive: true }));

describe('a feature set is found', () => {
  it('by the name of what ships, with its version or without', async () => {
    for (const reference of ['pix-core', `pix-core@${shipped.version}`]) {
      expect((await findFeatureSet(reference, folder)).hash, reference).toBe(shipped.hash);
    }
  });

  it('by the path of a file', async () => {
    const set = await findFeatureSet(file, folder);
    expect([set.name, set.bound, set.names.length]).toEqual(['mine', 128, shipped.names.length]);
    expect(set.version).not.toBe(shipped.version);
  });

  it('with some of its features', async () => {
    const { set, features } = await findFeatures(`${file}:payer_count_24h,amount`, folder);
    expect([set.name, features]).toEqual(['mine', ['payer_count_24h', 'amount']]);
    expect((await findFeatures('pix-core', folder)).features).toEqual(shipped.names);
  });

  it.each([
    ['pix-cor', 'feature_not_found', /there is no feature set pix-cor, did you mean pix-core\?/],
    ['pix-core@000000000000', 'feature_not_found', /the feature set pix-core has no version 0{12} \(\w{12}\)/],
    [join(folder, 'none.yaml'), 'not_found', /there is no file .*none\.yaml/],
    [folder, 'invalid_file', /cannot be read/],
    [join(folder, 'wrong.yaml'), 'feature_invalid', /wrong\.yaml:1:1: set: bound is missing/],
  ])('or it is told what is wrong: %s', async (reference, code, message) => {
    await expect(findFeatureSet(reference, folder)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['pix-core:payer_cuont_24h', 'feature_not_found', /did you mean payer_count_24h\?/],
    ['pix-core:amount,amount', 'usage', /names amount twice/],
  ])('or what is wrong with its features: %s', async (reference, code, message) => {
    await expect(findFeatures(reference, folder)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});
