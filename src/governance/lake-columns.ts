import { AppError } from '../base/errors.ts';
import { type ColumnChunk, readColumns, safeNumbers } from '../storage/scan/column-read.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import type { ColumnData } from '../storage/types/column-data.ts';

/** Numbers (epoch, seq) of one kind of entity, by row; epoch 0 where there is none. */
export interface EntityNumberColumns {
  readonly epochs: Float64Array;
  readonly seqs: Float64Array;
}

/** Columns of a table by their names, as arrays of plain values. */
export interface LakeColumns {
  readonly count: number;
  /** Texts; null where there is none. */
  texts(name: string): readonly (string | null)[];
  /** Texts of a column that has no null. */
  requiredTexts(name: string): readonly string[];
  /** Longs, timestamps, dates, integers, doubles and booleans (1 and 0) as doubles; NaN where null. */
  numbers(name: string): Float64Array;
  /** A column of booleans, a byte a row; taken once. */
  flags(name: string): Uint8Array;
  /** Numbers (epoch, seq) of an entity; epoch 0 where null. */
  entityNumbers(entity: string): EntityNumberColumns;
  /** A column as storage gives it; not one that was taken as numbers. */
  data(name: string): ColumnData;
}

/** Reads columns of a table, each name once, all rows or those of its choice. */
export type ColumnRead = (snapshot: Snapshot, names: readonly string[]) => Promise<ColumnChunk>;

const everyRow: ColumnRead = (snapshot, columns) => readColumns(snapshot, { columns });

/**
 * Reads columns of a snapshot into memory.
 *
 * @param read which rows; all unless told.
 * @throws AppError `not_found` for a column that the table lacks, and those of storage.
 */
export async function lakeColumns(
  snapshot: Snapshot,
  names: readonly string[],
  read: ColumnRead = everyRow,
): Promise<LakeColumns> {
  const { rowCount, raw } = await readByName(snapshot, [...new Set(names)], read);
  const numbersOf = new Map<string, Float64Array>();
  const entities = new Map<string, EntityNumberColumns>();
  const data = (name: string): ColumnData => {
    const found = raw.get(name);
    if (found === undefined) throw new AppError('internal', `the column ${name} was not read`, { column: name });
    return found;
  };
  const texts = (name: string): readonly (string | null)[] => {
    const column = data(name);
    if (column.kind !== 'string') throw wrongType(snapshot, name);
    return column.values;
  };
  const numbers = (name: string): Float64Array => {
    const known = numbersOf.get(name);
    if (known !== undefined) return known;
    const column = data(name);
    if (!isNumbers(column)) throw wrongType(snapshot, name);
    const values = numbersOfColumn(column);
    // What was read is let go: of a million payments both forms are 400 MB.
    raw.delete(name);
    numbersOf.set(name, values);
    return values;
  };
  const zeroed = (name: string): Float64Array => numbers(name).map((value) => (Number.isNaN(value) ? 0 : value));
  return {
    count: rowCount,
    texts,
    requiredTexts(name) {
      const values = texts(name);
      if (isComplete(values)) return values;
      throw new AppError('table_corrupt', `${snapshot.table} has a null in ${name}`, { column: name });
    },
    numbers,
    flags: (name) => {
      const flags = Uint8Array.from(numbers(name));
      numbersOf.delete(name);
      return flags;
    },
    entityNumbers(entity) {
      const known = entities.get(entity);
      if (known !== undefined) return known;
      const taken = { epochs: zeroed(`${entity}_epoch`), seqs: zeroed(`${entity}_seq`) };
      numbersOf.delete(`${entity}_epoch`);
      numbersOf.delete(`${entity}_seq`);
      entities.set(entity, taken);
      return taken;
    },
    data,
  };
}

/** Columns of ids, where nearly every text is another one. */
const IDS: ReadonlySet<string> = new Set(['end_to_end_id', 'source_id']);

/** Texts that come again and again, each once in memory: of a million payments 200 MB less. */
function sharedTexts(name: string, column: ColumnData): ColumnData {
  if (column.kind !== 'string' || IDS.has(name)) return column;
  const known = new Map<string, string>();
  const values = column.values.map((text) => {
    if (text === null) return null;
    const first = known.get(text);
    if (first === undefined) known.set(text, text);
    return first ?? text;
  });
  return { kind: 'string', values };
}

/** A function of its own, so that nothing keeps the columns of the chunk beside those of the map. */
async function readByName(
  snapshot: Snapshot,
  names: readonly string[],
  read: ColumnRead,
): Promise<{ readonly rowCount: number; readonly raw: Map<string, ColumnData> }> {
  const { rowCount, columns } = await read(snapshot, names);
  const raw = new Map<string, ColumnData>();
  for (const [at, name] of names.entries()) {
    const column = columns[at];
    if (column !== undefined) raw.set(name, sharedTexts(name, column));
  }
  return { rowCount, raw };
}

type NumberData = Exclude<ColumnData, { readonly kind: 'string' | 'utf8' | 'binary' | 'list' }>;

function isNumbers(column: ColumnData): column is NumberData {
  return 'values' in column && ArrayBuffer.isView(column.values);
}

function numbersOfColumn(column: NumberData): Float64Array {
  const values = column.kind === 'int64' ? safeNumbers(column.values) : Float64Array.from(column.values);
  if (column.nulls === null) return values;
  for (let row = 0; row < values.length; row += 1) if (column.nulls[row] === 1) values[row] = Number.NaN;
  return values;
}

function isComplete(texts: readonly (string | null)[]): texts is readonly string[] {
  return !texts.includes(null);
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
