import { AppError } from '../base/errors.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import { memoryObjectStore } from '../storage/store/memory-object-store.ts';
import type { ObjectStore } from '../storage/store/object-store.ts';
import type { CellRow } from '../storage/types/cell.ts';
import { cellText } from './cell-text.ts';
import { writeExport } from './create-export.ts';
import { damagedFile } from './damaged-file.ts';
import { isIdColumn } from './entity-columns.ts';
import { MANIFEST_FILE } from './export-format.ts';
import type { ExportOptions, ExportPorts } from './export-options.ts';
import { exportFileRows } from './export-reader.ts';
import { optionsOfExtension, partOf } from './extend-export.ts';
import type { ExportFile, ExportManifest } from './manifest.ts';
import { manifestOptions } from './manifest-options.ts';
import { setOfManifest } from './manifest-set.ts';
import { rowKey } from './ordered-rows.ts';
import { otherKey } from './other-key.ts';
import { ownRows } from './own-rows.ts';
import { readManifest } from './read-manifest.ts';
import type { UserFile } from './user-rows.ts';

/** What a verification found. */
export interface VerifyReport {
  readonly ok: boolean;
  readonly files: number;
  readonly rows: number;
  /** What is wrong first, in words; null where nothing is. */
  readonly difference: string | null;
}

/**
 * Makes an export again from what its manifest names, and compares: the sum of each file with the
 * manifest's, then the canonical rows of each split with those computed now.
 *
 * @param rowsFile the user's own file, where the export is made of one.
 * @param again where it is made again; in memory unless told, all of its files.
 * @throws AppError `usage` where such a file is not given, `not_found` where there is no manifest, `invalid_file` where it is none of ours,
 * `version_not_found` where a table's version is gone.
 */
export async function verifyExport(
  ports: ExportPorts,
  rowsFile: UserFile | null = null,
  again: ObjectStore = memoryObjectStore(),
): Promise<VerifyReport> {
  const manifest = await readManifest(ports.files);
  const rowCount = manifest.files.reduce((total, file) => total + file.counts.rows, 0);
  const found = { files: manifest.files.length, rows: rowCount };
  const damaged = await damagedFile(ports.files, manifest);
  if (damaged !== null) return { ok: false, ...found, difference: damaged };
  const set = setOrProblem(manifest);
  if (typeof set === 'string') return { ok: false, ...found, difference: set };
  const keyed = otherKey(manifest, ports.pseudonyms);
  if (keyed !== null) return { ok: false, ...found, difference: keyed };
  const rows = await ownRows(manifest, rowsFile);
  if (typeof rows === 'string') return { ok: false, ...found, difference: rows };
  const difference = await firstDifferentPart(manifest, ports, again, (at) =>
    at === 0 ? manifestOptions(manifest, set, rows) : optionsOfExtension(manifest, set, at),
  );
  return { ok: difference === null, ...found, difference };
}

/** Makes each part again, one after another, and compares it. */
async function firstDifferentPart(
  manifest: ExportManifest,
  ports: ExportPorts,
  again: ObjectStore,
  optionsOf: (part: number) => ExportOptions,
): Promise<string | null> {
  const { files, ...others } = ports;
  for (let at = 0; at <= manifest.extensions.length; at += 1) {
    const remade = await writeExport(optionsOf(at), { ...others, files: again });
    const difference = await firstDifference(partOf(manifest, at), remade, files, again);
    if (difference !== null) return difference;
  }
  return null;
}

function setOrProblem(manifest: ExportManifest): FeatureSet | string {
  try {
    return setOfManifest(manifest);
  } catch (error) {
    if (error instanceof AppError && error.code === 'export_mismatch') return error.message;
    throw error;
  }
}

async function firstDifference(
  was: ExportManifest,
  now: ExportManifest,
  files: ObjectStore,
  again: ObjectStore,
): Promise<string | null> {
  if (was.files.length !== now.files.length) {
    return `there were ${was.files.length} files, now there are ${now.files.length}`;
  }
  for (const [at, file] of was.files.entries()) {
    const other = now.files[at];
    if (other === undefined || other.name !== file.name) return `${file.name} is not among the files any more`;
    if (other.rowsSha256 === file.rowsSha256) continue;
    return (await firstDifferentCell(file, was, files, again)) ?? `${file.name}: the rows' sums differ`;
  }
  return differentMember(was, now);
}

/** What the manifest says of equal rows and is not so. How a file was encoded may change with the program. */
function differentMember(was: ExportManifest, now: ExportManifest): string | null {
  const facts = (manifest: ExportManifest): Readonly<Record<string, unknown>> => ({
    ...manifest,
    files: manifest.files.map(({ sha256: _, sizeBytes: __, ...file }) => file),
  });
  const [left, right] = [facts(was), facts(now)];
  const wrong = Object.keys({ ...left, ...right }).find(
    (name) => JSON.stringify(left[name]) !== JSON.stringify(right[name]),
  );
  return wrong === undefined ? null : `${MANIFEST_FILE}: ${wrong} is not what is recomputed`;
}

async function firstDifferentCell(
  { name }: ExportFile,
  { fileFormat, columns }: ExportManifest,
  files: ObjectStore,
  again: ObjectStore,
): Promise<string | null> {
  const was = exportFileRows(files, name, fileFormat, columns);
  const now = exportFileRows(again, name, fileFormat, columns);
  try {
    for (;;) {
      const [left, right] = await Promise.all([was.next(), now.next()]);
      if (left.done === true || right.done === true) {
        return left.done === right.done ? null : `${name}: the number of rows differs`;
      }
      const difference = differentCell(left.value, right.value);
      if (difference !== null) return `${name}: ${difference}`;
    }
  } finally {
    // A reader that is left in mid-file keeps its DuckDB open.
    await Promise.all([was.return(undefined), now.return(undefined)]);
  }
}

function differentCell(was: CellRow, now: CellRow): string | null {
  for (const column of Object.keys(was)) {
    const [a, b] = [cellText(was[column]), cellText(now[column])];
    if (a === b) continue;
    const key = rowKey(was);
    // An id of a person goes into no message.
    return isIdColumn(column)
      ? `${column} of ${key} is another one now`
      : `${column} of ${key} was ${a} and is now ${b}`;
  }
  return null;
}
