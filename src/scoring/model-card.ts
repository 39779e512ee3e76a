import { type Static, Type } from 'typebox';
import { AppError } from '../base/errors.ts';
import { schemaCheck } from '../domain/schema-errors.ts';

const text = () => Type.String({ minLength: 1 });
const share = () => Type.Number({ minimum: 0, maximum: 1 });
const count = () => Type.Integer({ minimum: 0 });
const sha256 = () => Type.String({ pattern: '^[0-9a-f]{64}$' });
const closed = { additionalProperties: false } as const;

/** How good the scores of one set of payments are. */
const Evaluation = Type.Object(
  {
    what: text(),
    rows: count(),
    positives: count(),
    averagePrecision: share(),
    recallAtAlertRate: Type.Array(Type.Object({ alertRate: share(), recall: share(), precision: share() }, closed)),
    calibration: Type.Array(Type.Object({ rows: count(), meanScore: share(), fraudRate: share() }, closed)),
  },
  closed,
);

/** What a model is, where it comes from and how good it is: `card.json` beside the model. */
export const ModelCardSchema = Type.Object(
  {
    format: Type.Literal(1),
    name: text(),
    version: text(),
    description: text(),
    /** Said loudly, and first: what it was trained on. */
    dataNotice: text(),
    featureSet: Type.Object({ name: text(), version: text(), features: Type.Array(text()) }, closed),
    model: Type.Object(
      {
        file: text(),
        format: Type.Literal('onnx'),
        sha256: sha256(),
        sizeBytes: count(),
        algorithm: text(),
        trees: count(),
        parameters: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])),
        libraries: Type.Record(Type.String(), Type.String()),
      },
      closed,
    ),
    training: Type.Object(
      {
        recipe: text(),
        data: text(),
        seed: count(),
        payments: count(),
        horizonDays: count(),
        split: text(),
        rows: Type.Record(Type.String(), count()),
        tables: Type.Record(Type.String(), count()),
      },
      closed,
    ),
    evaluations: Type.Array(Evaluation),
  },
  closed,
);

/** A valid `card.json`. */
export type ModelCard = Static<typeof ModelCardSchema>;

const check = schemaCheck<ModelCard>(ModelCardSchema);

/**
 * Reads a card.
 *
 * @param place names the file in messages.
 * @throws AppError `model_invalid` that names the field.
 */
export function parseModelCard(json: string, place: string): ModelCard {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new AppError('model_invalid', `${place} is not JSON`, { file: place }, error);
  }
  if (check.is(value)) return value;
  const { field, problem } = check.problemOf(value);
  throw new AppError('model_invalid', `${place}: ${field} ${problem}`, { file: place, field });
}

/** What a model must agree with: name, version and order of a feature set. */
export interface ServedFeatureSet {
  readonly name: string;
  readonly version: string;
  readonly names: readonly string[];
}

/**
 * Refuses a model that was trained on other features than those that are served: a score of it
 * would be a number without meaning.
 *
 * @throws AppError `model_mismatch`.
 */
export function requireFeatureSet(card: ModelCard, set: ServedFeatureSet): void {
  const wanted = card.featureSet;
  const model = `${card.name}@${card.version}`;
  if (wanted.name !== set.name || wanted.version !== set.version) {
    throw new AppError(
      'model_mismatch',
      `the model ${model} was trained on ${wanted.name}@${wanted.version}, served is ${set.name}@${set.version}: ` +
        'choose another model, or train it anew (models/recipe)',
      { model, trainedOn: wanted.version, served: set.version },
    );
  }
  const differs = wanted.features.findIndex((name, at) => set.names[at] !== name);
  if (differs !== -1 || wanted.features.length !== set.names.length) {
    const at = differs === -1 ? Math.min(wanted.features.length, set.names.length) : differs;
    throw new AppError(
      'model_mismatch',
      `the model ${model} reads ${wanted.features[at] ?? 'nothing'} as feature ${at}, served is ${set.names[at] ?? 'nothing'}`,
      { model, place: at },
    );
  }
}
