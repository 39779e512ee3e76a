import type { WrittenColumn } from '../storage/parquet/parquet-write.ts';
import type { ObjectStore } from '../storage/store/object-store.ts';
import type { StructType } from '../storage/types/delta-type.ts';
import type { FileSum } from './file-sums.ts';

/** The file of a split under way, in one of the formats. It must get a row. */
export interface SplitFile {
  /** Adds rows, column by column in the order of the schema. */
  write(columns: readonly WrittenColumn[], rows: number): Promise<void>;
  /** Puts the file into the folder. */
  finish(): Promise<FileSum>;
  /** Gives the file up; of a Delta table what is written stays, in no version. */
  abandon(): Promise<void>;
}

/** What a file is made of. */
export interface SplitFileOptions {
  /** Where it goes. */
  readonly files: ObjectStore;
  readonly name: string;
  /** With a `comment` in the metadata of each field. */
  readonly schema: StructType;
  /** Columns of floats that seldom repeat. */
  readonly plain: readonly string[];
  /** The data dictionary, as JSON. */
  readonly dictionary: string;
  /** What a table says as the time of its commits: the same every time. */
  readonly asOfMicros: number;
}

/** The key of the data dictionary in a file's metadata. */
export const DICTIONARY_KEY = 'sentinela';

/** What a column means, by its name. */
export function descriptionsOf({ fields }: StructType): ReadonlyMap<string, string> {
  return new Map(fields.map(({ name, metadata }) => [name, String(metadata.comment ?? '')]));
}

/** The value of a written column in a row. Absent floats are null. */
export function cellAt(column: WrittenColumn | undefined, row: number): unknown {
  if (column === undefined || !('floats' in column)) return column?.[row];
  const value = column.floats[column.offset + row * column.stride] as number;
  return Number.isNaN(value) ? null : value;
}
