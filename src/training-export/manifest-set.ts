import { AppError, messageOf } from '../base/errors.ts';
import { compileFeatureSet, type FeatureSet } from '../features/feature-set.ts';
import { checkedDefinition } from '../features/yaml/definition-json.ts';
import { MANIFEST_FILE } from './export-format.ts';
import type { ExportManifest } from './manifest.ts';

/**
 * The feature set of an export, from the definition that its manifest holds: it needs no file and no registry.
 *
 * @throws AppError `export_mismatch` where the definition is not the one whose sum the manifest names, or is none that this
 * program can compute.
 */
export function setOfManifest({ featureSet }: Pick<ExportManifest, 'featureSet'>): FeatureSet {
  const { name, version, sha256, definition } = featureSet;
  const set = compiled(definition, `${name}@${version}`);
  if (set.hash === sha256) return set;
  throw new AppError(
    'export_mismatch',
    `${MANIFEST_FILE} names the feature set ${name}@${version}, and its definition is of version ${set.version}`,
  );
}

function compiled(definition: unknown, called: string): FeatureSet {
  try {
    return compileFeatureSet(checkedDefinition(definition, called));
  } catch (error) {
    const problem = `this program cannot compute the features that ${MANIFEST_FILE} defines: ${messageOf(error)}`;
    throw new AppError('export_mismatch', problem, {}, error);
  }
}
