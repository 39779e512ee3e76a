import { fileURLToPath } from 'node:url';
import type { FeatureSet } from '../features/feature-set.ts';
import type { ModelCard } from '../scoring/model-card.ts';
import { openModelRegistry, type RegisteredModel } from '../scoring/model-registry.ts';
import type { Scorer } from '../scoring/scorer.ts';

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
