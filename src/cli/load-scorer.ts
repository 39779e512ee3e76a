import { fileURLToPath } from 'node:url';
import type { FeatureSet } from '../features/feature-set.ts';
import type { ModelCard } from '../scoring/model-card.ts';
import { openModelRegistry, type RegisteredModel } from '../scoring/model-registry.ts';
import type { Scorer } from '../scoring/scorer.ts';

/** `models/`, beside `src/` and `dist/` alike. */
const MODELS_FOLDER = fileURLToPath(new URL('../../models', import.meta.url));

/**
 * Loads the model that scores.
 *
 * @throws AppError `not_found`, `model_invalid`, or `model_mismatch` where it was made for other features.
 */
export async function loadScorer(reference: string, set: FeatureSet): Promise<Scorer> {
  const registry = await openModelRegistry(MODELS_FOLDER);
  const model = await registry.load(reference);
  const { onnxScorer } = await import('../scoring/onnx-scorer.ts');
  return onnxScorer(model, set);
}

/** The models of the registry. */
export async function listModels(): Promise<readonly RegisteredModel[]> {
  return (await openModelRegistry(MODELS_FOLDER)).list();
}

/** The card of a model, as data and as text. */
export async function readCard(reference: string): Promise<{ card: ModelCard; text: string }> {
  const { card, cardText } = await (await openModelRegistry(MODELS_FOLDER)).load(reference);
  return { card, text: cardText };
}
