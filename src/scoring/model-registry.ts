import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { type Static, Type } from 'typebox';
import { AppError, messageOf } from '../base/errors.ts';
import { didYouMean } from '../base/nearest-name.ts';
import { schemaCheck } from '../domain/schema-errors.ts';
import { type ModelCard, parseModelCard } from './model-card.ts';
import type { ModelIdentity } from './scorer.ts';

const closed = { additionalProperties: false } as const;

/** `models/registry.json`: which models there are, and what they are called by. */
const RegistrySchema = Type.Object(
  {
    format: Type.Literal(1),
    aliases: Type.Record(Type.String(), Type.String()),
    models: Type.Array(
      Type.Object(
        {
          name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' }),
          version: Type.String({ pattern: '^[0-9A-Za-z][0-9A-Za-z.-]{0,62}$' }),
          sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
        },
        closed,
      ),
    ),
  },
  closed,
);
/** The content of `registry.json`. */
export type Registry = Static<typeof RegistrySchema>;
const check = schemaCheck<Registry>(RegistrySchema);

/** A model of the registry, for lists. */
export interface RegisteredModel {
  readonly name: string;
  readonly version: string;
  /** What else it is called, `champion`; null where nothing. */
  readonly alias: string | null;
  /** `name@version` of its feature set. */
  readonly featureSet: string;
  readonly sha256: string;
}

/** A model with everything that lies beside it. */
export interface StoredModel {
  readonly identity: ModelIdentity;
  readonly card: ModelCard;
  /** `card.md`, for people. */
  readonly cardText: string;
  /** The ONNX file, whose sum is the card's. */
  readonly bytes: Uint8Array;
}

/** The models of one folder: `registry.json` and `NAME/VERSION/{model.onnx,card.json,card.md}`. */
export interface ModelRegistry {
  list(): Promise<readonly RegisteredModel[]>;
  /**
   * Reads a model by `name@version`, by an alias, or by its name where it has one version.
   *
   * @throws AppError `not_found`; `model_invalid` where files are missing or their sums differ.
   */
  load(reference: string): Promise<StoredModel>;
}

/** Opens a registry. @throws AppError `model_invalid` where `registry.json` is missing or wrong. */
export async function openModelRegistry(folder: string): Promise<ModelRegistry> {
  const registry = parseRegistry(await readText(join(folder, 'registry.json')), 'registry.json');
  const aliasOf = (name: string, version: string): string | null =>
    Object.entries(registry.aliases).find(([, reference]) => reference === `${name}@${version}`)?.[0] ?? null;
  return {
    async list() {
      return Promise.all(
        registry.models.map(async ({ name, version, sha256 }) => {
          const { card } = await readCard(folder, name, version);
          const featureSet = `${card.featureSet.name}@${card.featureSet.version}`;
          return { name, version, alias: aliasOf(name, version), featureSet, sha256 };
        }),
      );
    },
    async load(reference) {
      const { name, version, sha256 } = resolve(registry, reference);
      const { card, cardText } = await readCard(folder, name, version);
      const file = join(folder, name, version, modelFileOf(card));
      const bytes = await readBytes(file);
      const sum = createHash('sha256').update(bytes).digest('hex');
      if (sum !== sha256 || sum !== card.model.sha256) {
        throw new AppError(
          'model_invalid',
          `${file} is not the file that was registered: its SHA-256 is ${sum}, the registry's ${sha256}, the card's ${card.model.sha256}`,
          { model: `${name}@${version}` },
        );
      }
      return { identity: { name, version, sha256 }, card, cardText, bytes };
    },
  };
}

/** Reads `registry.json`. @throws AppError `model_invalid` that names the field. */
export function parseRegistry(json: string, place: string): Registry {
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

function resolve(registry: Registry, reference: string): Registry['models'][number] {
  const meant = registry.aliases[reference] ?? reference;
  const found = registry.models.filter(({ name, version }) => `${name}@${version}` === meant || name === meant);
  const [model] = found;
  if (model !== undefined && found.length === 1) return model;
  const known = [...Object.keys(registry.aliases), ...registry.models.map(({ name, version }) => `${name}@${version}`)];
  const problem = found.length > 1 ? 'has several versions: name one' : `is not there${didYouMean(reference, known)}`;
  throw new AppError('not_found', `the model ${reference} ${problem} (known: ${known.join(', ')})`, {
    model: reference,
  });
}

async function readCard(folder: string, name: string, version: string) {
  const place = join(folder, name, version);
  const card = parseModelCard(await readText(join(place, 'card.json')), join(name, version, 'card.json'));
  if (card.name !== name || card.version !== version) {
    throw new AppError('model_invalid', `${place} holds the card of ${card.name}@${card.version}`, {
      model: `${name}@${version}`,
    });
  }
  return { card, cardText: await readText(join(place, 'card.md')) };
}

/** The file of a card's model: beside it, and nothing further away. @throws AppError `model_invalid`. */
export function modelFileOf(card: ModelCard): string {
  const file = normalize(card.model.file);
  if (/^[\w.-]+$/.test(file) && file !== '..') return file;
  throw new AppError('model_invalid', `the card of ${card.name} names a file outside its folder`, { model: card.name });
}

async function readText(path: string): Promise<string> {
  return (await readBytes(path)).toString('utf8');
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new AppError('model_invalid', `${path} cannot be read: ${messageOf(error)}`, { file: path }, error);
  }
}
