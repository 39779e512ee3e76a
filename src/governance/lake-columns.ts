import { CodedTexts } from '../base/coded-texts.ts';
import { AppError } from '../base/errors.ts';
import type { NarrowNumbers, NumberArray } from '../base/narrow-numbers.ts';
import type { TextColumn } from '../base/text-column.ts';
import { type ColumnChunk, readColumnChunks } from '../storage/scan/column-read.ts';
import { fieldsToRead } from '../storage/scan/read-options.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import type { ColumnData } from '../storage/types/column-data.ts';
import { LakeColumnBuilder, type TakenColumn } from './lake-column-builder.ts';

/** Numbers (epoch, seq) of one kind of entity, by row; epoch 0 where there is none. */
export interface EntityNumberColumns {
  readonly epochs: NumberArray;
  readonly seqs: NumberArray;
}

/** Columns of a table by their names, in as little memory as their values take. */
export interface LakeColumns {
  readonly count: number;
  /** Texts; null where there is none. */
  texts(name: string): TextColumn;
  /** Texts of a column that has no null. */
  requiredTexts(name: string): TextColumn<string>;
  /** Longs, timestamps, dates, integers, doubles and booleans (1 and 0) as doubles; NaN where null. */
  numbers(name: string): Float64Array;
  /** The same as a function of the row: the column stays as narrow as it was read, where `numbers` widens it. */
  numberAt(name: string): (row: number) => number;
  /** A column of booleans, a byte a row; taken once. */
  flags(name: string): Uint8Array;
  /** Numbers (epoch, seq) of an entity; epoch 0 where null. */
  entityNumbers(entity: string): EntityNumberColumns;
  /** A column of lists or of bytes, as storage gives it. */
  data(name: string): ColumnData;
}

/** Reads columns of a table, each name once, all rows or those of its choice, some rows at a time. */
export type ColumnRead = (snapshot: Snapshot, names: readonly string[]) => AsyncIterable<ColumnChunk>;

/** Every row of a table. */
export const everyRow: ColumnRead = (snapshot, columns) => readColumnChunks(snapshot, { columns });

/**
 * Reads columns of a snapshot into memory, about 200 bytes a payment for all that the shipped set reads.
 *
 * @param read which rows; all unless told.
 * @param expected how many rows come about, so that memory is taken once; 0 where that is not known.
 * @throws AppError `not_found` for a column that the table lacks, and those of storage.
 */
export async function lakeColumns(
  snapshot: Snapshot,
  names: readonly string[],
  read: ColumnRead = everyRow,
  expected: number = read === everyRow ? (snapshot.rowCount ?? 0) : 0,
): Promise<LakeColumns> {
  const { count, columns } = await readByName(snapshot, [...new Set(names)], read, expected);
  const taken = new Map<string, EntityNumberColumns>();
  const columnOf = (name: string): TakenColumn => {
    const found = columns.get(name);
    if (found === undefined) throw new AppError('internal', `the column ${name} was not read`, { column: name });
    return found;
  };
  const texts = (name: string): TextColumn => {
    const column = columnOf(name);
    if (column.kind !== 'texts') throw wrongType(snapshot, name);
    return column.texts;
  };
  const numbers = (name: string): NarrowNumbers => {
    const column = columnOf(name);
    if (column.kind !== 'numbers') throw wrongType(snapshot, name);
    return column.numbers;
  };
  const zeroed = (name: string): NumberArray => {
    const values = numbers(name).zeroed();
    columns.delete(name);
    return values;
  };
  return {
    count,
    texts,
    requiredTexts(name) {
      const values = texts(name);
      if (isComplete(values)) return values;
      throw new AppError('table_corrupt', `${snapshot.table} has a null in ${name}`, { column: name });
    },
    numbers: (name) => numbers(name).doubles(),
    numberAt(name) {
      const values = numbers(name);
      return (row) => values.at(row);
    },
    flags: (name) => Uint8Array.from(zeroed(name)),
    entityNumbers(entity) {
      const known = taken.get(entity);
      if (known !== undefined) return known;
      const made = { epochs: zeroed(`${entity}_epoch`), seqs: zeroed(`${entity}_seq`) };
      taken.set(entity, made);
      return made;
    },
    data(name) {
      const column = columnOf(name);
      if (column.kind !== 'data') throw wrongType(snapshot, name);
      return column.data;
    },
  };
}

async function readByName(
  snapshot: Snapshot,
  names: readonly string[],
  read: ColumnRead,
  expected: number,
): Promise<{ readonly count: number; readonly columns: Map<string, TakenColumn> }> {
  const builders = fieldsToRead(snapshot, names).map((field) => ({
    name: field.name,
    builder: new LakeColumnBuilder(field, expected),
  }));
  let count = 0;
  for await (const chunk of read(snapshot, names)) {
    for (const [at, { builder }] of builders.entries()) builder.push(chunk.columns[at] as ColumnData);
    count += chunk.rowCount;
  }
  return { count, columns: new Map(builders.map(({ name, builder }) => [name, builder.take()])) };
}

function isComplete(texts: TextColumn): texts is TextColumn<string> {
  if (texts instanceof CodedTexts) return !texts.codes.includes(-1);
  for (let row = 0; row < texts.length; row += 1) if (texts.at(row) === null) return false;
  return true;
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
