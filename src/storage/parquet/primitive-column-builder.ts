import { Binary, Bool, type Data, type Float64, type Int64, makeData, Utf8 } from 'apache-arrow';
import { AppError } from '../../base/errors.ts';
import { PRIMITIVE_ARROW_TYPES } from '../types/arrow-types.ts';
import type { PrimitiveType, StructField } from '../types/delta-type.ts';
import {
  dateBound,
  floatBounds,
  type LeafStatistics,
  maxString,
  minString,
  stringBounds,
  timestampBound,
} from '../types/statistics.ts';
import { byteColumn } from './byte-column.ts';
import { grown, validityOf } from './column-validity.ts';
import { refuseCell } from './refuse-cell.ts';

/**
 * Collects the values of one column, and makes an Arrow array of them. Each array has buffers of
 * its own: arrow-js drops one of two neighbours that share memory when it writes a stream.
 *
 * Values: long, timestamp: integer number or bigint (timestamps in microseconds since 1970); date:
 * days since 1970; binary: Uint8Array; array: any list, in a Float64Array or Float32Array NaN is null; map: entries, a Map or an object; struct: an
 * object. null and undefined are null.
 */
export interface ColumnBuilder {
  append(value: unknown): void;
  /**
   * Appends `rows` floats at `offset`, `offset + stride`, …; NaN is null. Of float and double
   * columns only: a tenth of the time of a call for each.
   */
  appendFloats?(source: FloatMatrix, offset: number, stride: number, rows: number): void;
  /** The values since the last call, as an Arrow array. */
  take(): Data;
  /** What all values so far were like; undefined where nothing is told of such a column. */
  statistics(stringPrefix?: number): LeafStatistics | undefined;
  /** The builders of a struct's fields. */
  readonly children?: readonly { readonly field: StructField; readonly builder: ColumnBuilder }[];
}

/** Floats in rows of columns. */
export type FloatMatrix = Float32Array | Float64Array;

/** Starts a column of a primitive type. */
export function primitiveColumnBuilder(
  name: string,
  type: PrimitiveType,
  nullable: boolean,
  isBounded: boolean,
): ColumnBuilder {
  switch (type) {
    case 'long':
    case 'timestamp':
    case 'timestamp_ntz':
      return int64Builder(name, type, nullable);
    case 'string':
      return stringBuilder(name, nullable, isBounded);
    case 'binary':
      return binaryBuilder(name, nullable);
    case 'boolean':
      return booleanBuilder(name, nullable);
    case 'variant':
    case 'void':
      throw new AppError('table_unsupported', `The column ${name} is of the type ${type}, which is not written`);
    default:
      return numberBuilder(name, type, nullable);
  }
}

const FIRST_ROWS = 256;

function int64Builder(name: string, type: 'long' | 'timestamp' | 'timestamp_ntz', nullable: boolean): ColumnBuilder {
  const validity = validityOf(nullable);
  // Numbers are written as two halves: making a bigint of each costs three times as much.
  let halves = new Int32Array(2 * FIRST_ROWS);
  let rows = 0;
  let min: number | bigint | undefined;
  let max: number | bigint | undefined;
  const write = (value: number | bigint): void => {
    if (typeof value === 'number') {
      if (!Number.isSafeInteger(value)) throw refuseCell(name, 'safe integers');
      const high = Math.floor(value / 4294967296);
      halves[2 * rows] = value - high * 4294967296;
      halves[2 * rows + 1] = high;
    } else {
      if (!(BigInt.asIntN(64, value) === value)) throw refuseCell(name, '64-bit integers');
      halves[2 * rows] = Number(BigInt.asIntN(32, value));
      halves[2 * rows + 1] = Number(value >> 32n);
    }
    if (min === undefined || value < min) min = value;
    if (max === undefined || value > max) max = value;
  };
  return {
    append(value) {
      if (2 * rows === halves.length) {
        const bigger = new Int32Array(halves.length * 2);
        bigger.set(halves);
        halves = bigger;
      }
      const isNull = value === null || value === undefined;
      if (!isNull) {
        if (!(typeof value === 'number' || typeof value === 'bigint')) throw refuseCell(name, 'integers');
        write(value);
      }
      validity.add(!isNull, rows, name);
      rows += 1;
    },
    take() {
      const data = new BigInt64Array(halves.slice(0, 2 * rows).buffer);
      const { nullCount, nullBitmap } = validity.take(rows);
      const taken = makeData({
        type: PRIMITIVE_ARROW_TYPES[type]() as Int64,
        length: rows,
        nullCount,
        nullBitmap,
        data,
      });
      halves = new Int32Array(halves.length);
      rows = 0;
      return taken;
    },
    statistics() {
      const nullCount = validity.nullCount;
      if (min === undefined || max === undefined) return { nullCount };
      if (type === 'long') return { nullCount, min, max };
      return bounded(nullCount, timestampBound(min, 'min', type), timestampBound(max, 'max', type));
    },
  };
}

function bounded(nullCount: number, min: string | undefined, max: string | undefined): LeafStatistics {
  return { nullCount, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
}

type NumberType = 'integer' | 'short' | 'byte' | 'double' | 'float' | 'date';

const NUMBER_ARRAYS = {
  integer: Int32Array,
  date: Int32Array,
  short: Int16Array,
  byte: Int8Array,
  double: Float64Array,
  float: Float32Array,
} as const;

function numberBuilder(name: string, type: NumberType, nullable: boolean): ColumnBuilder {
  const validity = validityOf(nullable);
  const isFloat = type === 'double' || type === 'float';
  const ArrayOf = NUMBER_ARRAYS[type];
  let values = new ArrayOf(FIRST_ROWS);
  let rows = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let hasNan = false;
  const makeRoom = (needed: number): void => {
    if (needed <= values.length) return;
    const bigger = new ArrayOf(Math.max(needed, values.length * 2));
    bigger.set(values);
    values = bigger;
  };
  return {
    appendFloats(source, offset, stride, count) {
      if (!isFloat) throw refuseCell(name, 'no floats');
      makeRoom(rows + count);
      for (let at = offset, end = offset + stride * count; at < end; at += stride) {
        const value = source[at] as number;
        const isNull = Number.isNaN(value);
        if (!isNull) {
          values[rows] = value;
          const stored = values[rows] as number;
          if (stored < min) min = stored;
          if (stored > max) max = stored;
        }
        validity.add(!isNull, rows, name);
        rows += 1;
      }
    },
    append(value) {
      makeRoom(rows + 1);
      const isNull = value === null || value === undefined;
      if (!isNull) {
        if (!(typeof value === 'number')) throw refuseCell(name, 'numbers');
        values[rows] = value;
        const stored = values[rows] as number;
        if (!(isFloat || stored === value)) throw refuseCell(name, 'integers that fit it');
        if (stored < min) min = stored;
        if (stored > max) max = stored;
        if (isFloat && Number.isNaN(stored)) hasNan = true;
      }
      validity.add(!isNull, rows, name);
      rows += 1;
    },
    take() {
      const { nullCount, nullBitmap } = validity.take(rows);
      const data = values.slice(0, rows);
      const taken = makeData({
        type: PRIMITIVE_ARROW_TYPES[type]() as Float64,
        length: rows,
        nullCount,
        nullBitmap,
        data,
      });
      values = new ArrayOf(values.length);
      rows = 0;
      return taken;
    },
    statistics() {
      const nullCount = validity.nullCount;
      if (isFloat) return { nullCount, ...floatBounds(min, max, hasNan) };
      if (min > max) return { nullCount };
      return type === 'date' ? bounded(nullCount, dateBound(min), dateBound(max)) : { nullCount, min, max };
    },
  };
}

function booleanBuilder(name: string, nullable: boolean): ColumnBuilder {
  const validity = validityOf(nullable);
  let bits: Uint8Array = new Uint8Array(FIRST_ROWS / 8);
  let rows = 0;
  return {
    append(value) {
      if (rows >> 3 >= bits.length) bits = grown(bits, (rows >> 3) + 1);
      const isNull = value === null || value === undefined;
      if (!isNull) {
        if (!(typeof value === 'boolean')) throw refuseCell(name, 'booleans');
        if (value) bits[rows >> 3] = (bits[rows >> 3] as number) | (1 << (rows & 7));
      }
      validity.add(!isNull, rows, name);
      rows += 1;
    },
    take() {
      const { nullCount, nullBitmap } = validity.take(rows);
      const data = bits.slice(0, (rows + 7) >> 3);
      const taken = makeData({ type: new Bool(), length: rows, nullCount, nullBitmap, data });
      bits = new Uint8Array(bits.length);
      rows = 0;
      return taken;
    },
    statistics: () => ({ nullCount: validity.nullCount }),
  };
}

/**
 * Texts, and parts of bytes, wait for this many before they are copied together: each alone costs five times as much,
 * and all of a row group would live long enough for the garbage collector to move them twice.
 */
const FOLD_ROWS = 512;

function stringBuilder(name: string, nullable: boolean, isBounded: boolean): ColumnBuilder {
  const validity = validityOf(nullable);
  const waiting: (string | null)[] = [];
  let bytes = byteColumn();
  let min: string | undefined;
  let max: string | undefined;
  const addBounds = (isAscii: boolean): void => {
    const batch = stringBounds(waiting, isAscii);
    if (batch === undefined) return;
    const all = stringBounds([min ?? null, max ?? null, batch.min, batch.max], false);
    min = all?.min;
    max = all?.max;
  };
  const fold = (): void => {
    const isAscii = bytes.addTexts(waiting);
    if (isBounded) addBounds(isAscii);
    waiting.length = 0;
  };
  return {
    append(value) {
      const isNull = value === null || value === undefined;
      if (!(isNull || typeof value === 'string')) throw refuseCell(name, 'texts');
      validity.add(!isNull, bytes.rows + waiting.length, name);
      // Half of a surrogate pair is no text: its bytes would be those of U+FFFD, and its bounds something else.
      waiting.push(isNull ? null : value.toWellFormed());
      if (waiting.length === FOLD_ROWS) fold();
    },
    take() {
      fold();
      const { rows: length, data, valueOffsets } = bytes;
      bytes = byteColumn();
      return makeData({
        type: new Utf8(),
        length,
        ...validity.take(length),
        valueOffsets: valueOffsets(),
        data: data(),
      });
    },
    statistics(stringPrefix) {
      const nullCount = validity.nullCount;
      return min === undefined || max === undefined
        ? { nullCount }
        : bounded(nullCount, minString(min, stringPrefix), maxString(max, stringPrefix));
    },
  };
}

function binaryBuilder(name: string, nullable: boolean): ColumnBuilder {
  const validity = validityOf(nullable);
  let bytes = byteColumn();
  return {
    append(value) {
      const isNull = value === null || value === undefined;
      if (!(isNull || value instanceof Uint8Array)) throw refuseCell(name, 'bytes');
      validity.add(!isNull, bytes.rows, name);
      bytes.add(isNull ? EMPTY : value);
    },
    take() {
      const { rows: length, data, valueOffsets } = bytes;
      bytes = byteColumn();
      return makeData({
        type: new Binary(),
        length,
        ...validity.take(length),
        valueOffsets: valueOffsets(),
        data: data(),
      });
    },
    statistics: () => ({ nullCount: validity.nullCount }),
  };
}

const EMPTY = new Uint8Array(0);
