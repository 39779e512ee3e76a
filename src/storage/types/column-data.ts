import { type DeltaType, isPrimitive } from './delta-type.ts';
import { nullMarks } from './null-marks.ts';
import { type PackedTextSink, type PackedTexts, packedTextSink } from './packed-texts.ts';

/**
 * A column read from a table, as plain typed arrays. `nulls` has a byte a row, 1 where the value is
 * null (the value there is 0); it is null where no value is.
 *
 * Types: long, timestamp (microseconds): int64 · integer, short, byte, date (days): int32 · double,
 * float: float64 · boolean: a byte · string, binary: lists with null, or packed texts · array: offsets into a child.
 */
export type ColumnData =
  | { readonly kind: 'int64'; readonly values: BigInt64Array; readonly nulls: Uint8Array | null }
  | { readonly kind: 'int32'; readonly values: Int32Array; readonly nulls: Uint8Array | null }
  | { readonly kind: 'float64'; readonly values: Float64Array; readonly nulls: Uint8Array | null }
  | { readonly kind: 'boolean'; readonly values: Uint8Array; readonly nulls: Uint8Array | null }
  | { readonly kind: 'string'; readonly values: readonly (string | null)[] }
  | { readonly kind: 'binary'; readonly values: readonly (Uint8Array | null)[] }
  | PackedTexts
  | ListData;

/** How texts are given: as strings, or packed. */
export type TextForm = 'strings' | 'packed';

/** A column of lists: row i holds the child's values `[offsets[i], offsets[i + 1])`. */
export interface ListData {
  readonly kind: 'list';
  readonly offsets: Int32Array;
  readonly child: ColumnData;
  readonly nulls: Uint8Array | null;
}

/** Kinds whose values are in a typed array. */
export type FixedKind = 'int64' | 'int32' | 'float64' | 'boolean';

/** The kind of a column's data; undefined for decimals, variants, structs and maps, which are read by rows only. */
export function kindOf(type: DeltaType): Exclude<ColumnData['kind'], 'utf8'> | undefined {
  if (!isPrimitive(type)) return type.type === 'array' ? 'list' : undefined;
  switch (type) {
    case 'void':
    case 'variant':
      return undefined;
    case 'long':
    case 'timestamp':
    case 'timestamp_ntz':
      return 'int64';
    case 'integer':
    case 'short':
    case 'byte':
    case 'date':
      return 'int32';
    case 'double':
    case 'float':
      return 'float64';
    default:
      return type;
  }
}

/** Whether a value of a part of a column is there; undefined where all are. */
export type ValidAt = ((row: number) => boolean) | undefined;

/** Gathers a column from parts. */
export type ColumnSink = FixedSink | TextSink | PackedTextSink | BinarySink | ListSink;

/** Gathers numbers. */
export interface FixedSink {
  readonly kind: FixedKind;
  push(values: FixedValues, rows: number, validAt: ValidAt): void;
  take(): ColumnData;
}

/** What a fixed sink takes: typed arrays of the same family, of any width that fits. */
export type FixedValues =
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Float64Array
  | Float32Array;

/** Gathers texts. */
export interface TextSink {
  readonly kind: 'string';
  push(value: string | null): void;
  take(): Extract<ColumnData, { kind: 'string' }>;
}

/** Gathers bytes. */
export interface BinarySink {
  readonly kind: 'binary';
  push(value: Uint8Array | null): void;
  take(): ColumnData;
}

/** Gathers lists; the child is filled by the caller. */
export interface ListSink {
  readonly kind: 'list';
  readonly child: ColumnSink;
  push(lengths: (row: number) => number, rows: number, validAt: ValidAt): void;
  take(): ColumnData;
}

/** Starts gathering a column. @param rows how many are expected, so that memory is taken once. */
export function columnSink(type: DeltaType, rows: number, texts: TextForm = 'strings'): ColumnSink {
  const kind = kindOf(type);
  switch (kind) {
    case 'string':
      return texts === 'packed' ? packedTextSink(rows) : textSink();
    case 'binary':
      return binarySink();
    case 'list':
      return listSink(!isPrimitive(type) && type.type === 'array' ? type.elementType : 'string', rows, texts);
    case undefined:
      throw new Error('assertion failed: structs and maps are read by rows');
    default:
      return fixedSink(kind, rows);
  }
}

const ARRAYS = { int64: BigInt64Array, int32: Int32Array, float64: Float64Array, boolean: Uint8Array } as const;

function fixedSink(kind: FixedKind, expected: number): FixedSink {
  let values: FixedValues = new ARRAYS[kind](Math.max(1, expected));
  const nulls = nullMarks();
  let length = 0;
  const reserve = (rows: number): void => {
    if (length + rows <= values.length) return;
    const bigger: FixedValues = new ARRAYS[kind](Math.max(length + rows, values.length * 2));
    setValues(bigger, values.subarray(0, length), 0);
    values = bigger;
  };
  return {
    kind,
    push(part, rows, validAt) {
      reserve(rows);
      setValues(values, part.length === rows ? part : part.subarray(0, rows), length);
      if (validAt !== undefined) {
        for (let row = 0; row < rows; row += 1) {
          if (validAt(row)) continue;
          nulls.mark(length + row);
          clearValue(values, length + row);
        }
      }
      length += rows;
    },
    take() {
      const taken = values.length === length ? values : values.slice(0, length);
      const marks = nulls.take(length);
      values = new ARRAYS[kind](1);
      length = 0;
      return fixedColumn(kind, taken, marks);
    },
  };
}

function fixedColumn(kind: FixedKind, values: FixedValues, nulls: Uint8Array | null): ColumnData {
  if (kind === 'int64' && values instanceof BigInt64Array) return { kind, values, nulls };
  if (kind === 'int32' && values instanceof Int32Array) return { kind, values, nulls };
  if (kind === 'float64' && values instanceof Float64Array) return { kind, values, nulls };
  if (kind === 'boolean' && values instanceof Uint8Array) return { kind, values, nulls };
  throw new Error(`assertion failed: a column of ${kind} holds other values`);
}

/** `TypedArray.set` between arrays of one family: bigints or numbers. */
function setValues(target: FixedValues, source: FixedValues, at: number): void {
  if (target instanceof BigInt64Array) {
    if (source instanceof BigInt64Array) target.set(source, at);
    // A long column whose old files hold integers.
    else for (let row = 0; row < source.length; row += 1) target[at + row] = BigInt(source[row] as number);
  } else if (!(source instanceof BigInt64Array)) target.set(source, at);
  else throw new Error('assertion failed: longs do not fit the column');
}

function clearValue(values: FixedValues, row: number): void {
  if (values instanceof BigInt64Array) values[row] = 0n;
  else values[row] = 0;
}

/** Starts gathering texts. */
export function textSink(): TextSink {
  let values: (string | null)[] = [];
  return {
    kind: 'string',
    push(value) {
      values.push(value);
    },
    take() {
      const taken = values;
      values = [];
      return { kind: 'string', values: taken };
    },
  };
}

function binarySink(): BinarySink {
  let values: (Uint8Array | null)[] = [];
  return {
    kind: 'binary',
    push(value) {
      values.push(value);
    },
    take() {
      const taken = values;
      values = [];
      return { kind: 'binary', values: taken };
    },
  };
}

function listSink(elementType: DeltaType, expected: number, texts: TextForm): ListSink {
  const child = columnSink(elementType, expected, texts);
  const nulls = nullMarks();
  let offsets: number[] = [0];
  let end = 0;
  return {
    kind: 'list',
    child,
    push(lengths, rows, validAt) {
      for (let row = 0; row < rows; row += 1) {
        if (validAt === undefined || validAt(row)) end += lengths(row);
        else nulls.mark(offsets.length - 1);
        offsets.push(end);
      }
    },
    take() {
      const taken = Int32Array.from(offsets);
      offsets = [0];
      end = 0;
      return { kind: 'list', offsets: taken, child: child.take(), nulls: nulls.take(taken.length - 1) };
    },
  };
}
