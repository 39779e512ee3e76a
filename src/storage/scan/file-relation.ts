import { sqlName, sqlPath } from '../types/sql-types.ts';
import type { FileColumn } from './file-shape.ts';

/** DuckDB's number of the file in the list of a {@link FileRelation}. */
export const FILE_INDEX = '"#scan".file_index';
/** DuckDB's number of the row in its file. */
export const FILE_ROW_NUMBER = '"#scan".file_row_number';

/** Files as a relation, in which those numbers are DuckDB's. */
export interface FileRelation {
  readonly sql: string;
  /** The files' columns, with the names by which the relation has them. */
  readonly columns: readonly FileColumn[];
}

/** Names of columns of a file that would hide DuckDB's own, which have no others. */
const HIDING: ReadonlySet<string> = new Set(['file_index', 'file_row_number']);

/** The `read_parquet` of files of equal columns; what would hide DuckDB's numbers goes by other names in it. */
export function fileRelation(paths: readonly string[], columns: readonly FileColumn[]): FileRelation {
  const scan = `read_parquet([${paths.map(sqlPath).join(', ')}], hive_partitioning = false) AS "#scan"`;
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
  const renamed = columns.map((column) =>
    HIDING.has(column.name.toLowerCase()) ? { ...column, readAs: freeName(column.name, taken) } : column,
  );
  if (renamed.every(({ readAs }) => readAs === undefined)) return { sql: scan, columns };
  // Names of a relation's columns are given by their place.
  return { sql: `${scan}(${renamed.map(readNameOf).join(', ')})`, columns: renamed };
}

/** A file's column as SQL names it inside a {@link FileRelation}. */
export function readNameOf({ name, readAs = name }: FileColumn): string {
  return sqlName(readAs);
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  const longer = `#${name}`;
  return taken.has(longer.toLowerCase()) ? freeName(longer, taken) : longer;
}
