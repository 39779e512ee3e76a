import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { featureFacts } from '../../../src/cli/feature-facts.ts';
import { shippedSet } from '../../../src/cli/shipped-set.ts';

const set = shippedSet();

describe('what is known of features', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'facts-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const write = (manifest: unknown): void => writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  const { name, version } = set;

  it('names the models of the registry and the reasons that read a feature', async () => {
    const { uses, spreadOf } = await featureFacts(set, 'models', undefined);
    expect(uses.get('is_night')).toEqual(['reason NIGHT', expect.stringMatching(/^model pix-gbm@\d+ \(champion\)$/)]);
    expect(spreadOf).toBeNull();
  });

  it('takes the histograms of an export of the set', async () => {
    const features = [{ feature: 'amount', edges: [1], counts: [2, 3], absent: { null: 1 } }];
    write({ featureSet: { name, version }, histograms: { split: 'train', rows: 6, rule: '-', features } });
    const facts = await featureFacts(set, 'models', folder);
    expect(facts.spreads.get('amount')).toEqual(features[0]);
    expect(facts.spreadOf).toBe('6 rows of the split train of an export');
  });

  it.each([
    [{ featureSet: { name, version: '000000000000' } }, 'make an export anew'],
    [{ featureSet: { name, version } }, 'no histograms'],
    [{ featureSet: { name, version }, histograms: { split: 1 } }, 'histograms'],
    ['nothing', 'must be of type object'],
  ])('refuses another export: %j', async (manifest, message) => {
    write(manifest);
    await expect(featureFacts(set, 'models', folder)).rejects.toMatchObject({
      code: 'invalid_file',
      message: expect.stringContaining(message),
    });
    await expect(featureFacts(set, 'models', join(folder, 'none'))).rejects.toMatchObject({ code: 'invalid_file' });
  });
});
