import { DataType, Precision, type RecordBatch, type Vector } from 'apache-arrow';
import { AppError } from '../../base/errors.ts';

/** Rows in columns of two kinds, each read when it is first asked for. */
export interface SparkRows {
  readonly count: number;
  /** A column of texts; null where there is none. @throws AppError `invalid_file` where there is no such column. */
  texts(name: string): readonly (string | null)[];
  /** A column of doubles or 32-bit integers; NaN where null. @throws AppError `invalid_file` where there is no such column. */
  numbers(name: string): Float64Array;
  /** A column of bytes. @throws AppError `invalid_file` where there is no such column. */
  bytes(name: string): readonly (Uint8Array | null)[];
}

/** Rows from `from` to below `to` of others. */
export interface RowSlice {
  readonly rows: SparkRows;
  readonly from: number;
  readonly to: number;
}

/** The rows of a batch. */
export function rowsOfBatch(batch: RecordBatch): SparkRows {
  const texts = new Map<string, readonly (string | null)[]>();
  const numbers = new Map<string, Float64Array>();
  const bytes = new Map<string, readonly (Uint8Array | null)[]>();
  const column = (name: string, kind: string, isOfKind: (type: DataType) => boolean): Vector => {
    const found = batch.getChild(name);
    if (found !== null && isOfKind(found.type)) return found;
    const what = found === null ? 'is missing' : `is ${String(found.type)}`;
    throw new AppError('invalid_file', `the column ${name} of stdin ${what}: it must be ${kind}`, { column: name });
  };
  return {
    count: batch.numRows,
    texts: (name) => remembered(texts, name, () => listed(column(name, 'text', DataType.isUtf8))),
    numbers: (name) => remembered(numbers, name, () => doubles(column(name, 'double or int32', isNumber))),
    bytes: (name) => remembered(bytes, name, () => listed(column(name, 'binary', DataType.isBinary))),
  };
}

/** Slices behind each other. */
export function joinedRows(slices: readonly RowSlice[]): SparkRows {
  const texts = new Map<string, readonly (string | null)[]>();
  const numbers = new Map<string, Float64Array>();
  const bytes = new Map<string, readonly (Uint8Array | null)[]>();
  const count = slices.reduce((sum, { from, to }) => sum + to - from, 0);
  return {
    count,
    texts: (name) =>
      remembered(texts, name, () => slices.flatMap(({ rows, from, to }) => rows.texts(name).slice(from, to))),
    bytes: (name) =>
      remembered(bytes, name, () => slices.flatMap(({ rows, from, to }) => rows.bytes(name).slice(from, to))),
    numbers: (name) =>
      remembered(numbers, name, () => {
        const joined = new Float64Array(count);
        let at = 0;
        for (const { rows, from, to } of slices) {
          joined.set(rows.numbers(name).subarray(from, to), at);
          at += to - from;
        }
        return joined;
      }),
  };
}

function remembered<T>(known: Map<string, T>, name: string, make: () => T): T {
  const found = known.get(name);
  if (found !== undefined) return found;
  const made = make();
  known.set(name, made);
  return made;
}

function listed<T>(column: Vector): (T | null)[] {
  return Array.from({ length: column.length }, (_, row) => column.get(row) as T | null);
}

function isNumber(type: DataType): boolean {
  if (DataType.isFloat(type)) return type.precision === Precision.DOUBLE;
  return DataType.isInt(type) && type.bitWidth === 32;
}

function doubles(column: Vector): Float64Array {
  const read = column.toArray() as Float64Array | Int32Array;
  const values = read instanceof Float64Array ? read : Float64Array.from(read);
  if (column.nullCount === 0) return values;
  // What lies under a null is anything.
  return values.map((value, row) => (column.isValid(row) ? value : Number.NaN));
}
