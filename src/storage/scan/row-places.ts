import { AppError } from '../../base/errors.ts';
import type { LogInteger } from '../log/actions.ts';
import { FILE_ROW_NUMBER, readNameOf } from './file-relation.ts';
import type { FileColumn } from './file-shape.ts';
import { perFile } from './partition-columns.ts';
import type { PlaceColumn, ScannedFile } from './read-options.ts';
import type { Snapshot } from './snapshot.ts';

/** Properties that name the columns in which rewritten files keep row ids and versions. */
const MATERIALIZED = {
  '#row_id': 'delta.rowTracking.materializedRowIdColumnName',
  '#row_version': 'delta.rowTracking.materializedRowCommitVersionColumnName',
} as const;

/** The column that a table keeps row ids, or versions, of rewritten rows in; undefined where it has none. */
export function materializedColumn(
  { metadata }: Pick<Snapshot, 'metadata'>,
  place: '#row_id' | '#row_version',
): string | undefined {
  return metadata.configuration[MATERIALIZED[place]];
}

/** Where a row lies, as a SQL expression inside the relation of files. */
export function placeSql(
  snapshot: Pick<Snapshot, 'metadata'>,
  place: PlaceColumn,
  columns: readonly FileColumn[],
  files: readonly ScannedFile[],
): string {
  if (place === '#row') return FILE_ROW_NUMBER;
  if (place === '#file') {
    return perFile(
      files.map(({ at }) => `${at}::BIGINT`),
      'BIGINT',
    );
  }
  const isId = place === '#row_id';
  const ofFile = perFile(
    files.map(({ file }) => tracked(file.key, isId ? file.add.baseRowId : file.add.defaultRowCommitVersion)),
    'BIGINT',
  );
  const computed = isId ? `${ofFile} + ${FILE_ROW_NUMBER}` : ofFile;
  const stored = materializedColumn(snapshot, place);
  const found = columns.find(({ name }) => name === stored);
  return found === undefined ? computed : `coalesce(${readNameOf(found)}, ${computed})`;
}

function tracked(key: string, value: LogInteger | undefined): string {
  if (value === undefined) {
    throw new AppError('table_unsupported', `The rows of ${key} are not tracked: it has no baseRowId`, { key });
  }
  return `${value}::BIGINT`;
}
