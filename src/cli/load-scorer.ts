import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../base/errors.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import type { ModelCard } from '../scoring/model-card.ts';
import { openModelRegistry, type RegisteredModel } from '../scoring/model-registry.ts';
import type { ModelIdentity, Scorer } from '../scoring/scorer.ts';
import { MANIFEST_FILE } from '../training-export/export-format.ts';

/** `models/`, beside `src/` and `dist/` alike. */
const SHIPPED_MODELS = fileURLToPath(new URL('../../models', import.meta.url));

/** The folder of the registry. @param modelsDir as configured; empty is the one that ships. */
export function modelsFolder(modelsDir: string): string {
  return modelsDir === '' ? SHIPPED_MODELS : modelsDir;
}

/**
 * Loads the model that scores.
 *
 * @throws AppError `not_found`, `model_invalid`, or `model_mismatch` where it was made for other features.
 */
export async function loadScorer(reference: string, set: FeatureSet, modelsDir: string): Promise<Scorer> {
  const registry = await openModelRegistry(modelsFolder(modelsDir));
  const model = await registry.load(reference);
  const { onnxScorer } = await import('../scoring/onnx-scorer.ts');
  return onnxScorer(model, set);
}

/** The models of the registry. */
export async function listModels(modelsDir: string): Promise<readonly RegisteredModel[]> {
  return (await openModelRegistry(modelsFolder(modelsDir))).list();
}

/** The card of a model, as data and as text. */
export async function readCard(reference: string, modelsDir: string): Promise<{ card: ModelCard; text: string }> {
  const { card, cardText } = await (await openModelRegistry(modelsFolder(modelsDir))).load(reference);
  return { card, text: cardText };
}

/** What turns drift off, as a setting. */
const NO_DRIFT = 'none';

/**
 * Folder with the manifest of the export that a model was trained on: the one of the setting, else the model's own,
 * which has it where its author put it beside the card.
 *
 * @param setting `SENTINELA_DRIFT_EXPORT`.
 * @returns empty where there is none, or where none is wanted.
 */
export function trainingFolder(
  setting: string,
  model: Pick<ModelIdentity, 'name' | 'version'>,
  modelsDir: string,
): string {
  if (setting !== '') return setting === NO_DRIFT ? '' : setting;
  const folder = join(modelsFolder(modelsDir), model.name, model.version);
  return existsSync(join(folder, MANIFEST_FILE)) ? folder : '';
}

/** {@link trainingFolder} of a model by its name or alias. @throws AppError `not_found` where it has none, `model_invalid`. */
export async function trainingFolderOf(reference: string, modelsDir: string): Promise<string> {
  const { identity } = await (await openModelRegistry(modelsFolder(modelsDir))).load(reference);
  const folder = trainingFolder('', identity, modelsDir);
  if (folder !== '') return folder;
  throw new AppError(
    'not_found',
    `${identity.name}@${identity.version} has no ${MANIFEST_FILE} beside its card: name the export that it was trained on with --export`,
  );
}
