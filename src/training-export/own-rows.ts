import { AppError } from '../base/errors.ts';
import type { ExportManifest } from './manifest.ts';
import { readUserRows, type UserFile, type UserRows } from './user-rows.ts';

/**
 * The rows of the user's own file that an export was made of, read again; null where it was made of none.
 *
 * @returns a text where the file is another one: what differs.
 * @throws AppError `usage` where the file is not given, and as {@link readUserRows}.
 */
export async function ownRows(
  { rowsFile: was }: Pick<ExportManifest, 'rowsFile'>,
  file: UserFile | null,
): Promise<UserRows | string | null> {
  if (was === null) return null;
  if (file === null) {
    throw new AppError('usage', `the export is made of a file with SHA-256 ${was.sha256}: name it by --rows`);
  }
  if (file.sha256 !== was.sha256) return `the file has SHA-256 ${file.sha256}; the export is made of ${was.sha256}`;
  return readUserRows(file, { columns: was.columns });
}
