import { readFile, stat } from 'node:fs/promises';
import { AppError, messageOf, systemErrorCode } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { didYouMean } from '../base/nearest-name.ts';
import { readDefinitionFile } from '../features/definition-file.ts';
import { compileFeatureSet, type FeatureSet } from '../features/feature-set.ts';
import { shippedSet } from './shipped-set.ts';

/**
 * The feature set that a command names: the one that ships, or a file.
 *
 * @param reference `pix-core`, `name@version`, or a path that ends in `.yaml`, `.yml` or `.json`.
 * @throws AppError `feature_not_found` with the nearest name; `not_found` where there is no such file; `feature_invalid`
 * where it is wrong.
 */
export async function findFeatureSet(reference: string): Promise<FeatureSet> {
  if (isPath(reference)) return readSetFile(reference);
  const shipped = shippedSet();
  if (reference === shipped.name || reference === `${shipped.name}@${shipped.version}`) return shipped;
  const [name = ''] = reference.split('@');
  if (name === shipped.name) {
    throw new AppError(
      'feature_not_found',
      `${shipped.name} is here in version ${shipped.version}, not in ${reference}`,
    );
  }
  const hint = `${didYouMean(name, [shipped.name])} (known: ${shipped.name}; a file ends in .yaml)`;
  throw new AppError('feature_not_found', `there is no feature set ${reference}${hint}`);
}

/** A set, and which of its features: `SET`, or `SET:name,name`. @throws AppError as {@link findFeatureSet}, `usage`. */
export async function findFeatures(
  reference: string,
): Promise<{ readonly set: FeatureSet; readonly features: readonly string[] }> {
  const [, of = reference, names] = /^(.*?)(?::([^:/\\]*))?$/s.exec(reference) ?? [];
  const set = await findFeatureSet(of);
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
