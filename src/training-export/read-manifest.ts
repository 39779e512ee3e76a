import { AppError } from '../base/errors.ts';
import type { ObjectStore } from '../storage/store/object-store.ts';
import { EXPORT_FORMAT, MANIFEST_FILE } from './export-format.ts';
import { FILE_FORMATS } from './file-format.ts';
import type { ExportManifest } from './manifest.ts';
import { SOURCE_TABLES } from './source-snapshots.ts';

/** The manifest of the export in a folder. @throws AppError `not_found` where there is none, `invalid_file` where it is none of ours. */
export async function readManifest(files: ObjectStore): Promise<ExportManifest> {
  const bytes = await files.get(MANIFEST_FILE);
  if (bytes === undefined) throw new AppError('not_found', `there is no ${MANIFEST_FILE}: the folder holds no export`);
  let manifest: unknown;
  try {
    manifest = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new AppError('invalid_file', `${MANIFEST_FILE} is not JSON`, {}, error);
  }
  if (isManifest(manifest)) return manifest;
  throw new AppError('invalid_file', `${MANIFEST_FILE} is not of the form ${EXPORT_FORMAT}`);
}

/** Whether everything is there that a verification reads; the rest is compared with what is made now. */
function isManifest(value: unknown): value is ExportManifest {
  if (!isObject(value) || value.format !== EXPORT_FORMAT) return false;
  const { featureSet, labels, split, group, where, sample, status, ids, tables, files } = value;
  const hasTexts = (of: unknown, names: readonly string[]): boolean =>
    isObject(of) && names.every((name) => typeof of[name] === 'string');
  const hasFiles =
    Array.isArray(files) &&
    files.every((file) => hasTexts(file, ['name', 'sha256', 'rowsSha256']) && Number.isSafeInteger(file.counts?.rows));
  return (
    hasFiles &&
    hasTexts(featureSet, ['name', 'version', 'sha256']) &&
    hasTexts(labels, ['asOf']) &&
    isObject(labels) &&
    Number.isSafeInteger(labels.horizonMicros) &&
    Number.isSafeInteger(labels.maturityMicros) &&
    Array.isArray(labels.counted) &&
    (split === null || hasTexts(split, ['a', 'b'])) &&
    (group === null || (hasTexts(group, ['entity']) && isObject(group) && Number.isSafeInteger(group.train))) &&
    (where === null || typeof where === 'string') &&
    FILE_FORMATS.some((format) => format === value.fileFormat) &&
    (status === null || status === 'columns' || status === 'packed') &&
    (ids === null || (isObject(ids) && Array.isArray(ids.columns))) &&
    Array.isArray(value.columns) &&
    (value.to === null || typeof value.to === 'string') &&
    Array.isArray(value.extensions) &&
    value.extensions.every((part) => hasTexts(part, ['to']) && isObject(part.tables)) &&
    (value.served === null || isObject(value.served)) &&
    (value.rowsFile === null || hasTexts(value.rowsFile, ['sha256', 'format'])) &&
    (sample === null || (isObject(sample) && typeof sample.keep === 'number')) &&
    isObject(tables) &&
    SOURCE_TABLES.every((name) => Number.isSafeInteger(tables[name]))
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
