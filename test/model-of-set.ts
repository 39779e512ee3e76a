import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FeatureSet } from '../src/features/feature-set.ts';

/** Fills a folder with a registry whose champion says that it was trained on a set of as many features as the shipped one. */
export function writeModelOf(set: FeatureSet, models: string): void {
  cpSync('models', models, { recursive: true });
  const [model] = JSON.parse(readFileSync(join(models, 'registry.json'), 'utf8')).models;
  const folder = join(models, model.name, model.version);
  // The champion's training set is of another set of features.
  rmSync(join(folder, 'manifest.json'));
  const card = JSON.parse(readFileSync(join(folder, 'card.json'), 'utf8'));
  const featureSet = { name: set.name, version: set.version, features: set.names };
  writeFileSync(join(folder, 'card.json'), JSON.stringify({ ...card, featureSet }));
}
