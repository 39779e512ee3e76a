import { AppError } from '../base/errors.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import type { ObjectStore } from '../storage/store/object-store.ts';
import type { CoveredRows } from './covered-rows.ts';
import { writeExport } from './create-export.ts';
import { damagedFile } from './damaged-file.ts';
import { MANIFEST_FILE } from './export-format.ts';
import type { ExportOptions, ExportPorts } from './export-options.ts';
import { fileNameOf } from './file-format.ts';
import { type ExportExtension, type ExportManifest, serializeManifest } from './manifest.ts';
import { manifestOptions, microsOf } from './manifest-options.ts';
import { setOfManifest } from './manifest-set.ts';
import { otherKey } from './other-key.ts';
import { readManifest } from './read-manifest.ts';
import type { SourceVersions } from './source-snapshots.ts';
import { SPLITS } from './time-split.ts';

/** What to extend an export by. */
export interface ExtendRequest {
  /** Rows before this instant. */
  readonly toMicros: number;
  /** The instant of the labels of the new rows; that of the export unless told. */
  readonly labelsAsOfMicros?: number;
  /** Versions to read; the newest of tables that are left out. */
  readonly versions?: SourceVersions;
  /** What becomes of features of the new rows that know what they should not; as in the export unless told, where `fail` counts as `warn`. */
  readonly leakage?: ExportOptions['leakage'];
  /** Whether who asks may see ids of people, where the export has them as they are. */
  readonly maySeePersonalData?: boolean;
}

/**
 * Brings the rows that came since: those of new days, and those that came late for days before. They
 * go into files of their own, by the same options; the files that are there are not touched, and the
 * manifest, written last, names both. Nobody else may write to the export meanwhile: whoever calls this has locked it.
 *
 * @returns the manifest as it is now.
 * @throws AppError `export_mismatch` where what the export was made of is not what it was (a file, the
 * feature set, a row of silver, the key of its pseudonyms), `not_allowed` for ids of people as they are, `usage` for an export of the user's own file or an instant that brings
 * nothing, `not_found` where there are no new rows, `leakage_found` where findings are to fail, and as `createExport`.
 */
export async function extendExport(request: ExtendRequest, ports: ExportPorts): Promise<ExportManifest> {
  const manifest = await readManifest(ports.files);
  const set = setOfManifest(manifest);
  if (manifest.rowsFile !== null)
    throw new AppError('usage', 'an export of your own file has no new days: make it anew');
  if (manifest.ids?.form === 'clear' && request.maySeePersonalData !== true) {
    throw new AppError('not_allowed', 'the export holds ids of people as they are, and so would its new rows');
  }
  const keyed = otherKey(manifest, ports.pseudonyms);
  if (keyed !== null) throw new AppError('export_mismatch', `${keyed}: ids of new rows would not join`);
  const damaged = await damagedFile(ports.files, manifest);
  if (damaged !== null) throw new AppError('export_mismatch', `${damaged}: make the export anew`);
  const options = withLeakage(extensionOptions(manifest, set, manifest.extensions.length, request), request.leakage);
  await removeLeftovers(ports.files, options);
  const made = await writeExport(options, ports).catch(async (error: unknown) => {
    await removeLeftovers(ports.files, options);
    throw error;
  });
  const extended = {
    ...manifest,
    files: [...manifest.files, ...made.files],
    extensions: [...manifest.extensions, extensionOf(made)],
  };
  // The commit point: until then the export is what it was.
  await ports.files.put(MANIFEST_FILE, Buffer.from(serializeManifest(extended)));
  return extended;
}

/** The manifest of one part of an export as if it were one of its own. @param at 0, or the number of the extension from 1. */
export function partOf(manifest: ExportManifest, at: number): ExportManifest {
  const own = at === 0 ? {} : manifest.extensions[at - 1];
  return { ...manifest, ...own, files: manifest.files.filter(({ part }) => part === at + 1), extensions: [] };
}

/** The options of an extension, from its manifest. @param at its number from 1. */
export function optionsOfExtension(manifest: ExportManifest, set: FeatureSet, at: number): ExportOptions {
  const extension = partOf(manifest, at);
  const options = extensionOptions(manifest, set, at - 1, {
    toMicros: microsOf(extension.to ?? ''),
    labelsAsOfMicros: microsOf(extension.labels.asOf),
    versions: extension.tables,
  });
  return withLeakage(options, extension.leakage === null ? 'off' : 'warn');
}

/** @param options of an extension, with what the export itself does about leakage. */
function withLeakage(options: ExportOptions, leakage: ExportOptions['leakage'] = options.leakage): ExportOptions {
  const saysLeakage = (leakage === 'off') !== (options.leakage === 'off');
  return { ...options, leakage: leakage ?? 'warn', saysLeakage };
}

function extensionOptions(
  manifest: ExportManifest,
  set: FeatureSet,
  before: number,
  { toMicros, labelsAsOfMicros, versions = {} }: ExtendRequest,
): ExportOptions {
  const { to } = partOf(manifest, before);
  if (to !== null && toMicros < microsOf(to)) {
    throw new AppError('usage', `the export goes to ${to} already: --to must not be before it`);
  }
  const base = manifestOptions(manifest, set, null);
  return {
    ...base,
    versions,
    toMicros,
    labelsAsOfMicros: labelsAsOfMicros ?? base.labelsAsOfMicros,
    after: coveredBy(manifest, before),
    part: before + 2,
  };
}

/**
 * What parts of an export cover. Each part holds what was there before its instant and no earlier part had, so the last
 * one's versions and instant cover all but rows of a first part that had no bound: those may be after that instant.
 *
 * @param last the part, 0 for the export before it was extended.
 */
function coveredBy(manifest: ExportManifest, last: number): readonly CoveredRows[] {
  const covered = (part: number): CoveredRows => {
    const { tables, to } = partOf(manifest, part);
    return { versions: tables, toMicros: to === null ? Number.POSITIVE_INFINITY : microsOf(to) };
  };
  return last > 0 && manifest.to === null ? [covered(0), covered(last)] : [covered(last)];
}

function extensionOf(made: ExportManifest): ExportExtension {
  const { command, to, tables, labels, rows, embargoRows, crossedRows, sampledOutRows, knownAssumedRows } = made;
  const { unobservedRows, served, leakage, histograms } = made;
  const counts = { rows, embargoRows, crossedRows, unobservedRows, sampledOutRows, knownAssumedRows };
  return { command, to, tables, labels, ...counts, served, leakage, histograms };
}

/** A command that was killed may have left files that no manifest names. */
async function removeLeftovers(files: ObjectStore, { format = 'parquet', part = 1 }: ExportOptions): Promise<void> {
  for (const split of SPLITS) {
    const name = fileNameOf(split, format, part);
    for await (const { key } of files.listFrom(name)) {
      if (key === name || key.startsWith(`${name}/`)) await files.delete(key);
    }
  }
}
