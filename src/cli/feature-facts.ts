import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import { AppError, messageOf } from '../base/errors.ts';
import { schemaCheck } from '../domain/schema-errors.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import type { FeatureSpread, PageFacts } from '../features/pages/feature-page.ts';
import { openModelRegistry } from '../scoring/model-registry.ts';
import { REASON_RULES } from '../scoring/reasons.ts';
import { localObjectStore } from '../storage/store/local-object-store.ts';
import { setOfManifest } from '../training-export/manifest-set.ts';
import { readManifest } from '../training-export/read-manifest.ts';

/** What of an export's manifest says how features are spread. */
interface SpreadManifest {
  readonly featureSet: { readonly name: string; readonly version: string };
  readonly histograms?: {
    readonly split: string;
    readonly rows: number;
    readonly features: readonly FeatureSpread[];
  } | null;
}

const numbers = Type.Array(Type.Number());
const check = schemaCheck<SpreadManifest>(
  Type.Object({
    featureSet: Type.Object({ name: Type.String(), version: Type.String() }),
    histograms: Type.Optional(
      Type.Union([
        Type.Null(),
        Type.Object({
          split: Type.String(),
          rows: Type.Integer(),
          features: Type.Array(
            Type.Object({
              feature: Type.String(),
              edges: numbers,
              counts: numbers,
              absent: Type.Record(Type.String(), Type.Number()),
            }),
          ),
        }),
      ]),
    ),
  }),
);

/**
 * What is known of a set beside its definition: the models and reasons that read its features, and, from an export,
 * how their values are spread.
 *
 * @param exportFolder an export of the set, or undefined.
 * @throws AppError `invalid_file` where the folder is no export of the set with histograms; `model_invalid`.
 */
export async function featureFacts(
  set: FeatureSet,
  modelsFolder: string,
  exportFolder: string | undefined,
): Promise<PageFacts> {
  const uses = await usesOf(set, modelsFolder);
  if (exportFolder === undefined) return { uses, spreads: new Map(), spreadOf: null };
  const { split, rows, features } = await spreadsOf(set, exportFolder);
  return {
    uses,
    spreads: new Map(features.map((spread) => [spread.feature, spread])),
    spreadOf: `${rows.toLocaleString('en-US')} rows of the split ${split} of an export`,
  };
}

/** The feature set of an export. @throws AppError `not_found`, `invalid_file`, `export_mismatch`. */
export async function setOfExport(folder: string): Promise<FeatureSet> {
  return setOfManifest(await readManifest(localObjectStore(folder)));
}

async function usesOf(set: FeatureSet, modelsFolder: string): Promise<Map<string, string[]>> {
  const uses = new Map<string, string[]>();
  const add = (name: string, user: string): unknown => uses.set(name, [...(uses.get(name) ?? []), user]);
  for (const { code, feature } of REASON_RULES) add(feature, `reason ${code}`);
  const registry = await openModelRegistry(modelsFolder);
  for (const { name, version, alias } of await registry.list()) {
    const { card } = await registry.load(`${name}@${version}`);
    // A model of another version reads that version's features.
    if (card.featureSet.name !== set.name || card.featureSet.version !== set.version) continue;
    const called = alias === null ? '' : ` (${alias})`;
    for (const feature of card.featureSet.features) add(feature, `model ${name}@${version}${called}`);
  }
  return uses;
}

async function spreadsOf(set: FeatureSet, folder: string): Promise<NonNullable<SpreadManifest['histograms']>> {
  const manifest = await readSpreads(folder);
  const { name, version } = manifest.featureSet;
  if (name !== set.name || version !== set.version) {
    throw new AppError(
      'invalid_file',
      `${folder} is an export of ${name}@${version}, the pages are of ${set.name}@${set.version}: make an export anew`,
    );
  }
  if (manifest.histograms === undefined || manifest.histograms === null) {
    throw new AppError('invalid_file', `${folder} has no histograms in its manifest: make the export anew`);
  }
  return manifest.histograms;
}

async function readSpreads(folder: string): Promise<SpreadManifest> {
  let manifest: unknown;
  try {
    manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
  } catch (error) {
    throw new AppError('invalid_file', `${folder} holds no export: ${messageOf(error)}`, {}, error);
  }
  if (check.is(manifest)) return manifest;
  const { field, problem } = check.problemOf(manifest);
  throw new AppError('invalid_file', `the manifest of ${folder} is none: ${field} ${problem}`);
}
