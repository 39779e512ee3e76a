import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, messageOf, systemErrorCode } from '../base/errors.ts';
import { type ModelCard, parseModelCard } from './model-card.ts';
import { modelFileOf, parseRegistry, type RegisteredModel, type Registry } from './model-registry.ts';
import { hasExternalData } from './onnx-external-data.ts';

/** A model that is not registered yet. */
interface NewModel {
  readonly card: ModelCard;
  readonly sha256: string;
  /** Its files, as they will lie in `NAME/VERSION`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** The manifest of the export that a model was trained on. */
const TRAINING_MANIFEST = 'manifest.json';
/** What lies beside the ONNX file, whose sum is in the registry. */
const BESIDE_MODEL = ['card.json', 'card.md', TRAINING_MANIFEST];

const NO_MODELS: Registry = { format: 1, aliases: {}, models: [] };
const ALIAS = /^[a-z][a-z0-9-]{0,62}$/;

/**
 * Adds a model to a registry, which is made where there is none. The same model again, with the same
 * card and manifest, changes nothing but its alias.
 *
 * @param from a folder with `card.json`, `card.md`, the file that the card names and, where it has one, the `manifest.json` of its training set.
 * @param alias what it is called from now on; another model loses the name.
 * @throws AppError `model_invalid`; `model_exists` where another model, or the same with another card or manifest, has its name and version; `usage` for an alias that is none.
 */
export async function registerModel(
  registryFolder: string,
  from: string,
  alias: string | undefined,
): Promise<RegisteredModel> {
  const model = await readModel(from);
  const { name, version, featureSet } = model.card;
  const registry = await readRegistry(registryFolder);
  const next = withModel(registry, model, alias);
  // What is registered is never touched again, whatever happens to this process.
  const target = join(registryFolder, name, version);
  if (next.models === registry.models) await checkStored(target, model);
  else await copyFiles(target, model);
  const path = join(registryFolder, 'registry.json');
  await writeFile(`${path}.writing`, `${JSON.stringify(next, null, 2)}\n`);
  // The commit point: from here the model is registered.
  await rename(`${path}.writing`, path);
  const called = Object.entries(next.aliases).find(([, reference]) => reference === `${name}@${version}`)?.[0] ?? null;
  return { name, version, alias: called, featureSet: `${featureSet.name}@${featureSet.version}`, sha256: model.sha256 };
}

async function readModel(from: string): Promise<NewModel> {
  const read = (file: string): Promise<Buffer> => readFrom(from, file);
  const json = await read('card.json');
  const card = parseModelCard(json.toString('utf8'), join(from, 'card.json'));
  const file = modelFileOf(card);
  const bytes = await read(file);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== card.model.sha256) {
    throw new AppError(
      'model_invalid',
      `${file} is not the card's model: its SHA-256 is ${sha256}, the card's ${card.model.sha256}`,
    );
  }
  if (hasExternalData(bytes)) {
    throw new AppError('model_invalid', `${file} keeps tensors in other files: save it in one`);
  }
  const files = new Map<string, Uint8Array>([
    ['card.json', json],
    ['card.md', await read('card.md')],
    [file, bytes],
  ]);
  // The training set's histograms, for drift: a model that came from elsewhere has none.
  if (existsSync(join(from, TRAINING_MANIFEST))) {
    const manifest = await read(TRAINING_MANIFEST);
    checkManifest(manifest, card, join(from, TRAINING_MANIFEST));
    files.set(TRAINING_MANIFEST, manifest);
  }
  return { card, sha256, files };
}

/** A server would not start with a training set of other features, and what is registered is never changed. */
function checkManifest(bytes: Uint8Array, { featureSet }: ModelCard, place: string): void {
  let manifest: { readonly featureSet?: { readonly name?: unknown; readonly version?: unknown } } | null;
  try {
    manifest = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new AppError('model_invalid', `${place} is not JSON`, { file: place }, error);
  }
  const { name, version } = manifest?.featureSet ?? {};
  if (name === featureSet.name && version === featureSet.version) return;
  throw new AppError(
    'model_invalid',
    `${place} is of the feature set ${name}@${version}, the card of ${featureSet.name}@${featureSet.version}: take the manifest of the export that the model was trained on, or leave it out`,
    { file: place },
  );
}

async function readFrom(folder: string, file: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, file));
  } catch (error) {
    throw new AppError(
      'model_invalid',
      `${folder} holds no model: ${file} cannot be read (${messageOf(error)})`,
      {},
      error,
    );
  }
}

async function readRegistry(folder: string): Promise<Registry> {
  try {
    return parseRegistry(await readFile(join(folder, 'registry.json'), 'utf8'), 'registry.json');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return NO_MODELS;
    throw error;
  }
}

function withModel({ aliases, models }: Registry, { card, sha256 }: NewModel, alias: string | undefined): Registry {
  const { name, version } = card;
  const same = models.find((model) => model.name === name && model.version === version);
  if (same !== undefined && same.sha256 !== sha256) {
    throw new AppError(
      'model_exists',
      `${name}@${version} is registered with another file: give this one another version`,
      {
        model: `${name}@${version}`,
      },
    );
  }
  if (alias !== undefined && (!ALIAS.test(alias) || models.some((model) => model.name === alias))) {
    throw new AppError(
      'usage',
      `--alias ${alias} is no alias: write lower-case letters, digits and hyphens, and no model's name`,
    );
  }
  const next: Registry = {
    format: 1,
    aliases: alias === undefined ? aliases : { ...aliases, [alias]: `${name}@${version}` },
    models: same === undefined ? [...models, { name, version, sha256 }] : models,
  };
  // What is written is checked as what is read: name and version have their rules there.
  parseRegistry(JSON.stringify(next), `the card of ${name}@${version}`);
  return next;
}

/** What is told of a model is read from what is given: it has to be what is stored. */
async function checkStored(target: string, { card, files }: NewModel): Promise<void> {
  const model = `${card.name}@${card.version}`;
  for (const file of BESIDE_MODEL) {
    const given = files.get(file);
    const stored = existsSync(join(target, file)) ? await readFrom(target, file) : undefined;
    if (given === undefined && stored === undefined) continue;
    if (given !== undefined && stored?.equals(given) === true) continue;
    const difference = stored === undefined ? 'without a' : given === undefined ? 'with a' : 'with another';
    throw new AppError('model_exists', `${model} is registered ${difference} ${file}: give this one another version`, {
      model,
      file,
    });
  }
}

/** Puts the files into place, whole; what is there is what an earlier attempt left. */
async function copyFiles(target: string, { files }: NewModel): Promise<void> {
  const fresh = `${target}.writing`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  for (const [file, bytes] of files) await writeFile(join(fresh, file), bytes);
  await rm(target, { recursive: true, force: true });
  await rename(fresh, target);
}
