import { AppError } from '../../base/errors.ts';
import type { RowSet } from '../deletion-vectors/row-set.ts';
import type { StructField } from '../types/delta-type.ts';
import type { FileCalendar } from './calendar-rebase.ts';
import type { DataFile, Snapshot } from './snapshot.ts';

/** What of a table says how its files are read. */
export type TableShape = Pick<Snapshot, 'store' | 'table' | 'protocol' | 'metadata' | 'schema' | 'partitionColumns'>;

/** What to read of a table. */
export interface ReadOptions {
  /** Columns by name, in this order; all columns of the schema without it. */
  readonly columns?: readonly string[];
  /** Files to read; all of the snapshot without it. */
  readonly files?: readonly DataFile[];
}

/** What DuckDB is to see besides a table's columns. */
export interface ScanOptions extends ReadOptions {
  /** Columns of where rows lie, after the table's. */
  readonly places?: readonly PlaceColumn[];
  /** Rows of each file; those that no deletion vector takes out without it. */
  readonly rows?: ReadonlyMap<DataFile, RowChoice>;
}

/** Rows of a file by their numbers: without these, or only these. */
export interface RowChoice {
  readonly kind: 'without' | 'only';
  readonly set: RowSet;
}

/**
 * Where a row lies, as columns of a scan: `#file` is the index of its file in `files`, `#row` its
 * number in it, `#row_id` and `#row_version` what row tracking says of it (PROTOCOL.md, "Row Tracking").
 */
export type PlaceColumn = '#file' | '#row' | '#row_id' | '#row_version';

/** A file of a scan, as DuckDB opens it. */
export interface ScannedFile {
  readonly file: DataFile;
  /** Its index in the files of the scan. */
  readonly at: number;
  readonly path: string;
  readonly choice: RowChoice | undefined;
  /** Absent where days are counted as everywhere. */
  readonly calendar?: FileCalendar;
}

/** The fields of the schema that are asked for. @throws AppError not_found for a column that is not there. */
export function fieldsToRead(
  snapshot: Pick<Snapshot, 'schema' | 'table'>,
  columns: readonly string[] | undefined,
): readonly StructField[] {
  if (columns === undefined) return snapshot.schema.fields;
  return columns.map((name) => {
    const found = snapshot.schema.fields.find((field) => field.name === name);
    if (found === undefined) {
      throw new AppError('not_found', `The table ${snapshot.table} has no column ${name}`, { column: name });
    }
    return found;
  });
}
