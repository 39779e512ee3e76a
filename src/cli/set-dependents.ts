import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../base/errors.ts';
import type { FeatureSetDefinition } from '../features/definition/definition.ts';
import { openModelRegistry } from '../scoring/model-registry.ts';
import { localObjectStore } from '../storage/store/local-object-store.ts';
import { MANIFEST_FILE } from '../training-export/export-format.ts';
import type { ExportManifest } from '../training-export/manifest.ts';
import { setOfManifest } from '../training-export/manifest-set.ts';
import { readManifest } from '../training-export/read-manifest.ts';

/** What was made with a version of a set, and stays with it. */
export interface Dependent {
  readonly kind: 'model' | 'export';
  /** `name@version` of a model, with its alias; the folder of an export. */
  readonly name: string;
  /** The version of the set. */
  readonly version: string;
  readonly features: readonly string[];
  /** That version, as the manifest of the export, or the one beside the model, holds it; null where none does. */
  readonly definition: FeatureSetDefinition | null;
}

/**
 * The models of the registry and the exports that hang on other versions of a set.
 *
 * @param version the version that they do not hang on.
 * @param places folders of exports, or of folders of exports; one that is not there has none.
 * @throws AppError `model_invalid` where the registry of models cannot be read. A folder that is no export is passed by.
 */
export async function dependentsOf(
  setName: string,
  version: string,
  places: { readonly modelsFolder: string; readonly exportsFolders: readonly string[] },
): Promise<Dependent[]> {
  const all = await modelsOf(setName, places.modelsFolder);
  for (const root of new Set(places.exportsFolders)) all.push(...(await exportsOf(setName, root)));
  return all.filter((dependent) => dependent.version !== version);
}

async function modelsOf(setName: string, folder: string): Promise<Dependent[]> {
  const registry = await openModelRegistry(folder);
  const found: Dependent[] = [];
  for (const { name, version, alias } of await registry.list()) {
    const { card } = await registry.load(`${name}@${version}`);
    if (card.featureSet.name !== setName) continue;
    const called = alias === null ? '' : ` (${alias})`;
    const { version: of, features } = card.featureSet;
    const trainedOn = await manifestIn(join(folder, name, version));
    const definition = trainedOn === null ? null : definitionIn(trainedOn, of);
    found.push({ kind: 'model', name: `${name}@${version}${called}`, version: of, features, definition });
  }
  return found;
}

async function exportsOf(setName: string, root: string): Promise<Dependent[]> {
  if (!existsSync(root)) return [];
  const found: Dependent[] = [];
  // The folder itself may be an export.
  for (const entry of ['.', ...readdirSync(root).sort()]) {
    const folder = join(root, entry);
    const manifest = await manifestIn(folder);
    if (manifest?.featureSet.name !== setName) continue;
    const { featureSet, features } = manifest;
    const definition = definitionIn(manifest, featureSet.version);
    found.push({ kind: 'export', name: folder, version: featureSet.version, features, definition });
  }
  return found;
}

/** The manifest in a folder; null where there is none that can be read. */
async function manifestIn(folder: string): Promise<ExportManifest | null> {
  if (!existsSync(join(folder, MANIFEST_FILE))) return null;
  try {
    return await readManifest(localObjectStore(folder));
  } catch (error) {
    if (error instanceof AppError) return null;
    throw error;
  }
}

/** The definition that a manifest holds; null where it is of another version, or none that this program can compute. */
function definitionIn(manifest: ExportManifest, version: string): FeatureSetDefinition | null {
  if (manifest.featureSet.version !== version) return null;
  try {
    return setOfManifest(manifest).definition;
  } catch (error) {
    if (error instanceof AppError) return null;
    throw error;
  }
}
