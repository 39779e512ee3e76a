import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { systemClock } from '../base/clock.ts';
import { AppError, messageOf, systemErrorCode } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { didYouMean } from '../base/nearest-name.ts';
import { compileFeatureSet, type FeatureSet } from '../features/feature-set.ts';
import { readDefinitionFile } from '../features/yaml/definition-file.ts';
import { checkedDefinition } from '../features/yaml/definition-json.ts';
import { type AppliedSet, newestOf, type RegistryView, readFeatureRegistry } from '../pipeline/feature-registry.ts';
import { localObjectStore } from '../storage/store/local-object-store.ts';
import { dataFolders } from './data-folders.ts';
import { shippedSet } from './shipped-set.ts';

/**
 * The feature set that a command names: the one that ships, a file, or one that was applied to the registry.
 *
 * @param reference `pix-core`, `name` (its newest version), `name@version`, or a path that ends in `.yaml`, `.yml` or `.json`.
 * @param dataDir whose lake's registry is looked into.
 * @throws AppError `feature_not_found` with the nearest name; `not_found` where there is no such file; `feature_invalid`
 * where it is wrong.
 */
export async function findFeatureSet(reference: string, dataDir: string): Promise<FeatureSet> {
  if (isPath(reference)) return readSetFile(reference);
  const shipped = shippedSet();
  if (reference === shipped.name || reference === `${shipped.name}@${shipped.version}`) return shipped;
  const view = await readRegistry(dataDir);
  const [name = '', version] = reference.split('@');
  const found =
    version === undefined
      ? newestOf(view, name)
      : view.sets.find((set) => set.name === name && set.version === version);
  if (found !== undefined) return setOfEntry(found);
  const versions = view.sets.filter((set) => set.name === name).map((set) => set.version);
  if (name === shipped.name) versions.push(shipped.version);
  if (version !== undefined && versions.length > 0) {
    const hint = `${didYouMean(version, versions)} (${[...new Set(versions)].join(', ')})`;
    throw new AppError('feature_not_found', `the feature set ${name} has no version ${version}${hint}`);
  }
  const names = [...new Set([shipped.name, ...view.sets.map((set) => set.name)])];
  const hint = `${didYouMean(name, names)} (known: ${names.join(', ')}; a file ends in .yaml)`;
  throw new AppError('feature_not_found', `there is no feature set ${reference}${hint}`);
}

/** The registry of a data folder; where there is no lake it is empty, and none is made. */
export async function readRegistry(dataDir: string): Promise<RegistryView> {
  const { lake } = dataFolders(dataDir);
  if (!existsSync(lake)) return { sets: [], snapshot: null };
  return readFeatureRegistry(localObjectStore(lake), { clock: systemClock() });
}

/** The set that was applied. @throws AppError `feature_invalid` where this program cannot compute it. */
export function setOfEntry({ name, version, hash, definition }: AppliedSet): FeatureSet {
  const called = `${name}@${version}`;
  const set = compileFeatureSet(checkedDefinition(JSON.parse(definition), called));
  if (set.hash === hash) return set;
  throw new AppError('feature_invalid', `the registry's definition of ${called} is of version ${set.version}`);
}

/** A set, and which of its features: `SET`, or `SET:name,name`. @throws AppError as {@link findFeatureSet}, `usage`. */
export async function findFeatures(
  reference: string,
  dataDir: string,
): Promise<{ readonly set: FeatureSet; readonly features: readonly string[] }> {
  const [, of = reference, names] = /^(.*?)(?::([^:/\\]*))?$/s.exec(reference) ?? [];
  const set = await findFeatureSet(of, dataDir);
  if (names === undefined) return { set, features: set.names };
  const features = names.split(',');
  for (const [at, feature] of features.entries()) {
    if (set.indexOf(feature) < 0) {
      throw new AppError('feature_not_found', `${set.name} has no feature ${feature}${didYouMean(feature, set.names)}`);
    }
    if (features.indexOf(feature) !== at) throw new AppError('usage', `--features names ${feature} twice`);
  }
  return { set, features };
}

/** Whether a reference is a path. */
export function isPath(reference: string): boolean {
  return /[/\\]|\.(ya?ml|json)$/i.test(reference);
}

/** The set of a file. @throws AppError `not_found`, `invalid_file`, `too_large`, `feature_invalid`. */
export async function readSetFile(path: string): Promise<FeatureSet> {
  return compileFeatureSet(readDefinitionFile(await textOf(path), path));
}

async function textOf(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > LIMITS.definitionFileBytes) {
      throw new AppError('too_large', `${path} has ${size} bytes; ${LIMITS.definitionFileBytes} is the limit`);
    }
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (systemErrorCode(error) === 'ENOENT') {
      throw new AppError('not_found', `there is no file ${path}: name a file of feature definitions`, {}, error);
    }
    throw new AppError('invalid_file', `${path} cannot be read: ${messageOf(error)}`, {}, error);
  }
}
