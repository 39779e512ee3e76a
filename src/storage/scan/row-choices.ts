import { AppError } from '../../base/errors.ts';
import { forEachAtOnce } from '../../base/for-each-at-once.ts';
import { readDeletionVector } from '../deletion-vectors/deletion-vector.ts';
import type { DeletionVectorDescriptor } from '../log/actions.ts';
import { keyOfVectorPlace } from '../log/file-path.ts';
import { sqlText } from '../types/sql-types.ts';
import { FILE_INDEX, FILE_ROW_NUMBER } from './file-relation.ts';
import type { RowChoice, ScannedFile } from './read-options.ts';
import type { DataFile, Snapshot } from './snapshot.ts';

/*
 * Deletion vectors (PROTOCOL.md, "Deletion Vectors"): rows of a file, by their number in it, that
 * are no longer in the table.
 */

/** The vectors of files that have one. @throws AppError table_corrupt. */
export async function rowChoices(
  snapshot: Pick<Snapshot, 'store' | 'table'>,
  files: readonly DataFile[],
): Promise<Map<DataFile, RowChoice>> {
  const choices = new Map<DataFile, RowChoice>();
  const withVectors = files.filter(({ add }) => add.deletionVector !== undefined);
  await forEachAtOnce(withVectors, async (file) => {
    const { deletionVector } = file.add;
    if (deletionVector === undefined) return;
    choices.set(file, { kind: 'without', set: await deletedRows(snapshot, deletionVector) });
  });
  return choices;
}

/** The rows that a vector takes out. @throws AppError table_corrupt where it is gone or broken, naming its file. */
export async function deletedRows(
  { store, table }: Pick<Snapshot, 'store' | 'table'>,
  descriptor: DeletionVectorDescriptor,
): ReturnType<typeof readDeletionVector> {
  let file = 'the log';
  try {
    return await readDeletionVector(descriptor, async (place, range) => {
      const key = keyOfVectorPlace(store, table, place);
      file = key ?? place.path;
      const bytes = key === undefined ? undefined : await store.get(key, range);
      if (bytes !== undefined) return bytes;
      throw new AppError('table_corrupt', `it is not there, and the log of ${table} names it`, { table });
    });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'table_corrupt') throw error;
    const message = `The deletion vector in ${file} cannot be read: ${error.message}`;
    throw new AppError('table_corrupt', message, { ...error.context, table, key: file }, error);
  }
}

/** A relation of files, and of its rows those that are chosen. */
export function keptRows(scan: string, files: readonly ScannedFile[]): string {
  const without = numbered(files, 'without');
  const only = numbered(files, 'only');
  if (without === undefined && only === undefined) return scan;
  const on = `${FILE_INDEX} = d.f AND ${FILE_ROW_NUMBER} = d.r`;
  if (only === undefined) return `${scan} ANTI JOIN ${without} AS d ON ${on}`;
  // Files without a choice stay whole beside those of which only some rows are taken.
  const chosen = files.flatMap(({ choice }, index) => (choice?.kind === 'only' ? [index] : []));
  const isChosen = `${FILE_INDEX} IN (${chosen.join(', ')})`;
  const inOnly = `EXISTS (SELECT 1 FROM ${only} AS d WHERE ${on})`;
  const inWithout = without === undefined ? 'false' : `EXISTS (SELECT 1 FROM ${without} AS d WHERE ${on})`;
  return `${scan} WHERE CASE WHEN ${isChosen} THEN ${inOnly} ELSE NOT ${inWithout} END`;
}

/**
 * Row numbers as a relation of (f, r). One text of numbers a file: DuckDB parses a million literals
 * in seconds, one text in 0.1 s.
 */
function numbered(files: readonly ScannedFile[], kind: RowChoice['kind']): string | undefined {
  const texts = files.flatMap(({ choice }, index) =>
    choice?.kind === kind ? [`(${index}, ${sqlText([...choice.set].join(','))})`] : [],
  );
  if (texts.length === 0) return undefined;
  return `(SELECT f, unnest(string_split(s, ','))::BIGINT AS r FROM (VALUES ${texts.join(', ')}) v(f, s) WHERE s <> '')`;
}
