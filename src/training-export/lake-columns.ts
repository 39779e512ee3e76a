import { AppError } from '../base/errors.ts';
import type { NumberColumns } from '../features/replay-input.ts';
import type { ColumnData } from '../storage/column-data.ts';
import { readColumns, safeNumbers } from '../storage/column-read.ts';
import type { Snapshot } from '../storage/snapshot.ts';

/** Columns of a table by their names, as arrays of plain values. */
export interface LakeColumns {
  readonly count: number;
  /** Texts; null where there is none. */
  texts(name: string): readonly (string | null)[];
  /** Texts of a column that has no null. */
  requiredTexts(name: string): readonly string[];
  /** Longs, timestamps, dates, integers, doubles and booleans (1 and 0) as doubles; NaN where null. */
  numbers(name: string): Float64Array;
  /** Numbers (epoch, seq) of an entity; epoch 0 where null. */
  entityNumbers(entity: string): NumberColumns;
  /** A column as storage gives it. */
  data(name: string): ColumnData;
}

/**
 * Reads columns of a snapshot into memory.
 *
 * @throws AppError `not_found` for a column that the table lacks, and those of storage.
 */
export async function lakeColumns(snapshot: Snapshot, names: readonly string[]): Promise<LakeColumns> {
  const columns = [...new Set(names)];
  const chunk = await readColumns(snapshot, { columns });
  const data = (name: string): ColumnData => {
    const found = chunk.columns[columns.indexOf(name)];
    if (found === undefined) throw new AppError('internal', `the column ${name} was not read`, { column: name });
    return found;
  };
  const texts = (name: string): readonly (string | null)[] => {
    const column = data(name);
    if (column.kind !== 'string') throw wrongType(snapshot, name);
    return column.values;
  };
  const numbers = (name: string): Float64Array => {
    const column = data(name);
    if (column.kind === 'string' || column.kind === 'binary' || column.kind === 'list') throw wrongType(snapshot, name);
    const values = column.kind === 'int64' ? safeNumbers(column.values) : Float64Array.from(column.values);
    if (column.nulls === null) return values;
    for (let row = 0; row < values.length; row += 1) if (column.nulls[row] === 1) values[row] = Number.NaN;
    return values;
  };
  const zeroed = (name: string): Float64Array => numbers(name).map((value) => (Number.isNaN(value) ? 0 : value));
  return {
    count: chunk.rowCount,
    texts,
    requiredTexts: (name) =>
      texts(name).map((text) => {
        if (text === null)
          throw new AppError('table_corrupt', `${snapshot.table} has a null in ${name}`, { column: name });
        return text;
      }),
    numbers,
    entityNumbers: (entity) => ({ epochs: zeroed(`${entity}_epoch`), seqs: zeroed(`${entity}_seq`) }),
    data,
  };
}

function wrongType(snapshot: Snapshot, column: string): AppError {
  return new AppError(
    'table_corrupt',
    `the column ${column} of ${snapshot.table} is not of the type that it was made with`,
    {
      table: snapshot.table,
      column,
    },
  );
}
