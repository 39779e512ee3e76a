import { describe, expect, it } from 'vitest';
import { modelsFolder, trainingFolder } from '../../../src/cli/load-scorer.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { PIX_CORE } from '../../../src/features/pix-core.ts';
import { localObjectStore } from '../../../src/storage/store/local-object-store.ts';
import { checkedHistograms } from '../../../src/training-export/feature-drift.ts';
import { readManifest } from '../../../src/training-export/read-manifest.ts';

const CHAMPION = { name: 'pix-gbm', version: '1' };

describe('the training set that drift is measured against', () => {
  it('is the one of the setting, else the model’s own, and none where none is wanted or there is none', () => {
    expect(trainingFolder('/exports/july', CHAMPION, '')).toBe('/exports/july');
    expect(trainingFolder('none', CHAMPION, '')).toBe('');
    expect(trainingFolder('', CHAMPION, '')).toBe(`${modelsFolder('')}/pix-gbm/1`);
    expect(trainingFolder('', { name: 'pix-gbm', version: '0' }, '')).toBe('');
  });

  it('ships with the champion, of the set that ships', async () => {
    const set = compileFeatureSet(PIX_CORE);
    const manifest = await readManifest(localObjectStore(trainingFolder('', CHAMPION, '')));
    expect(manifest.featureSet.sha256).toBe(set.hash);
    expect(checkedHistograms(manifest.histograms, set).features.map(({ feature }) => feature)).toEqual([...set.names]);
  });
});
