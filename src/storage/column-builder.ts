import {
  Binary,
  Bool,
  type Data,
  type DataType,
  DateDay,
  Field,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  List,
  Map_,
  makeData,
  Struct,
  TimestampMicrosecond,
  Utf8,
} from 'apache-arrow';
import { assert } from '../base/assert.ts';
import { type DeltaType, isPrimitive, type PrimitiveType, type StructField } from './delta-schema.ts';
import {
  dateBound,
  floatBounds,
  type LeafStatistics,
  maxString,
  minString,
  stringBounds,
  timestampBound,
} from './statistics.ts';

/**
 * Collects the values of one column, and makes an Arrow array of them. Each array has buffers of
 * its own: arrow-js drops one of two neighbours that share memory when it writes a stream.
 *
 * Values: long, timestamp: integer number or bigint (timestamps in microseconds since 1970); date:
 * days since 1970; binary: Uint8Array; array: any list; map: entries, a Map or an object; struct: an
 * object. null and undefined are null.
 */
export interface ColumnBuilder {
  append(value: unknown): void;
  /** The values since the last call, as an Arrow array. */
  take(): Data;
  /** What all values so far were like; undefined where nothing is told of such a column. */
  statistics(): LeafStatistics | undefined;
  /** The builders of a struct's fields. */
  readonly children?: readonly { readonly field: StructField; readonly builder: ColumnBuilder }[];
}

/** The Arrow type that a column is written as. */
export function arrowTypeOf(type: DeltaType): DataType {
  if (isPrimitive(type)) return PRIMITIVES[type]();
  if (type.type === 'array') return new List(new Field('element', arrowTypeOf(type.elementType), type.containsNull));
  if (type.type === 'struct') return new Struct(type.fields.map(arrowFieldOf));
  const entries = new Struct<{ key: DataType; value: DataType }>([
    new Field('key', arrowTypeOf(type.keyType), false),
    new Field('value', arrowTypeOf(type.valueType), type.valueContainsNull),
  ]);
  return new Map_(new Field('key_value', entries, false));
}

/** The Arrow field of a column. */
export function arrowFieldOf({ name, type, nullable }: StructField): Field {
  return new Field(name, arrowTypeOf(type), nullable);
}

const PRIMITIVES: Readonly<Record<PrimitiveType, () => DataType>> = {
  string: () => new Utf8(),
  long: () => new Int64(),
  integer: () => new Int32(),
  short: () => new Int16(),
  byte: () => new Int8(),
  double: () => new Float64(),
  float: () => new Float32(),
  boolean: () => new Bool(),
  binary: () => new Binary(),
  date: () => new DateDay(),
  timestamp: () => new TimestampMicrosecond('UTC'),
};

/** Starts a column. @param name names it where a value is refused. */
export function columnBuilder(name: string, type: DeltaType, nullable: boolean): ColumnBuilder {
  if (!isPrimitive(type)) {
    if (type.type === 'struct') return structBuilder(name, type.fields, nullable);
    if (type.type === 'array') {
      return listBuilder(
        name,
        arrowTypeOf(type),
        columnBuilder(`${name}.element`, type.elementType, type.containsNull),
        nullable,
      );
    }
    return mapBuilder(name, arrowTypeOf(type), type.keyType, type.valueType, nullable);
  }
  switch (type) {
    case 'long':
    case 'timestamp':
      return int64Builder(name, type, nullable);
    case 'string':
      return stringBuilder(name, nullable);
    case 'binary':
      return binaryBuilder(name, nullable);
    case 'boolean':
      return booleanBuilder(name, nullable);
    default:
      return numberBuilder(name, type, nullable);
  }
}

/** Bits of a column, 1 = not null; bytes are made when the first null comes. */
interface Validity {
  readonly nullCount: number;
  add(isValid: boolean, row: number, name: string): void;
  take(rows: number): { readonly nullCount: number; readonly nullBitmap: Uint8Array | null };
}

function validityOf(nullable: boolean): Validity {
  let bits: Uint8Array | undefined;
  let nulls = 0;
  let taken = 0;
  return {
    get nullCount() {
      return nulls;
    },
    add(isValid, row, name) {
      if (isValid) {
        if (bits === undefined) return;
        if (row >> 3 >= bits.length) bits = grown(bits, (row >> 3) + 1);
        bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7));
        return;
      }
      assert(nullable, `column ${name} is not nullable and got null`);
      nulls += 1;
      if (bits === undefined) {
        bits = new Uint8Array(Math.max(64, ((row >> 3) + 1) * 2));
        bits.fill(255, 0, row >> 3);
        bits[row >> 3] = (1 << (row & 7)) - 1;
      } else if (row >> 3 >= bits.length) bits = grown(bits, (row >> 3) + 1);
    },
    take(rows) {
      const nullCount = nulls - taken;
      taken = nulls;
      const nullBitmap = bits === undefined || nullCount === 0 ? null : bits.slice(0, (rows + 7) >> 3);
      bits = undefined;
      return { nullCount, nullBitmap };
    },
  };
}

function grown(bytes: Uint8Array, needed: number): Uint8Array {
  const bigger = new Uint8Array(Math.max(needed, bytes.length * 2));
  bigger.set(bytes);
  return bigger;
}

const FIRST_ROWS = 256;

function int64Builder(name: string, type: 'long' | 'timestamp', nullable: boolean): ColumnBuilder {
  const validity = validityOf(nullable);
  // Numbers are written as two halves: making a bigint of each costs three times as much.
  let halves = new Int32Array(2 * FIRST_ROWS);
  let rows = 0;
  let min: number | bigint | undefined;
  let max: number | bigint | undefined;
  const write = (value: number | bigint): void => {
    if (typeof value === 'number') {
      assert(Number.isSafeInteger(value), `column ${name} takes safe integers`);
      const high = Math.floor(value / 4294967296);
      halves[2 * rows] = value - high * 4294967296;
      halves[2 * rows + 1] = high;
    } else {
      assert(BigInt.asIntN(64, value) === value, `column ${name} takes 64-bit integers`);
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
        assert(typeof value === 'number' || typeof value === 'bigint', `column ${name} takes integers`);
        write(value);
      }
      validity.add(!isNull, rows, name);
      rows += 1;
    },
    take() {
      const data = new BigInt64Array(halves.slice(0, 2 * rows).buffer);
      const { nullCount, nullBitmap } = validity.take(rows);
      const taken = makeData({ type: PRIMITIVES[type]() as Int64, length: rows, nullCount, nullBitmap, data });
      halves = new Int32Array(halves.length);
      rows = 0;
      return taken;
    },
    statistics() {
      const nullCount = validity.nullCount;
      if (min === undefined || max === undefined) return { nullCount };
      if (type === 'long') return { nullCount, min, max };
      return bounded(nullCount, timestampBound(min, 'min'), timestampBound(max, 'max'));
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
  return {
    append(value) {
      if (rows === values.length) {
        const bigger = new ArrayOf(values.length * 2);
        bigger.set(values);
        values = bigger;
      }
      const isNull = value === null || value === undefined;
      if (!isNull) {
        assert(typeof value === 'number', `column ${name} takes numbers`);
        values[rows] = value;
        const stored = values[rows] as number;
        assert(isFloat || stored === value, `column ${name} takes integers that fit it`);
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
      const taken = makeData({ type: PRIMITIVES[type]() as Float64, length: rows, nullCount, nullBitmap, data });
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
        assert(typeof value === 'boolean', `column ${name} takes booleans`);
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

function stringBuilder(name: string, nullable: boolean): ColumnBuilder {
  const validity = validityOf(nullable);
  let values: (string | null)[] = [];
  let min: string | undefined;
  let max: string | undefined;
  const addBounds = (isAscii: boolean): void => {
    const batch = stringBounds(values, isAscii);
    if (batch === undefined) return;
    const all = stringBounds([min ?? null, max ?? null, batch.min, batch.max], false);
    min = all?.min;
    max = all?.max;
  };
  return {
    append(value) {
      const isNull = value === null || value === undefined;
      assert(isNull || typeof value === 'string', `column ${name} takes texts`);
      validity.add(!isNull, values.length, name);
      values.push(isNull ? null : value);
    },
    take() {
      const length = values.length;
      const { nullCount, nullBitmap } = validity.take(length);
      const { data, valueOffsets, isAscii } = encodeTexts(values);
      addBounds(isAscii);
      values = [];
      return makeData({ type: new Utf8(), length, nullCount, nullBitmap, valueOffsets, data });
    },
    statistics() {
      const nullCount = validity.nullCount;
      return min === undefined || max === undefined
        ? { nullCount }
        : bounded(nullCount, minString(min), maxString(max));
    },
  };
}

/**
 * The UTF-8 bytes of texts in a row, and where each starts. They are joined and encoded at once:
 * a call for each text costs five times as much.
 */
function encodeTexts(values: readonly (string | null)[]): {
  readonly data: Uint8Array;
  readonly valueOffsets: Int32Array;
  readonly isAscii: boolean;
} {
  const valueOffsets = new Int32Array(values.length + 1);
  const joined = Buffer.from(values.join(''), 'utf8');
  let units = 0;
  for (let row = 0; row < values.length; row += 1) {
    units += values[row]?.length ?? 0;
    valueOffsets[row + 1] = units;
  }
  if (joined.length === units) return { data: new Uint8Array(joined), valueOffsets, isAscii: true };
  let bytes = 0;
  for (let row = 0; row < values.length; row += 1) {
    bytes += Buffer.byteLength(values[row] ?? '', 'utf8');
    valueOffsets[row + 1] = bytes;
  }
  if (joined.length === bytes) return { data: new Uint8Array(joined), valueOffsets, isAscii: false };
  // Halves of a surrogate pair met where two texts join: each alone is U+FFFD.
  const apart = Buffer.concat(values.map((value) => Buffer.from(value ?? '', 'utf8')));
  return { data: new Uint8Array(apart), valueOffsets, isAscii: false };
}

function binaryBuilder(name: string, nullable: boolean): ColumnBuilder {
  const validity = validityOf(nullable);
  let values: Uint8Array[] = [];
  return {
    append(value) {
      const isNull = value === null || value === undefined;
      assert(isNull || value instanceof Uint8Array, `column ${name} takes bytes`);
      validity.add(!isNull, values.length, name);
      values.push(isNull ? EMPTY : value);
    },
    take() {
      const length = values.length;
      const { nullCount, nullBitmap } = validity.take(length);
      const valueOffsets = new Int32Array(length + 1);
      for (let row = 0; row < length; row += 1) {
        valueOffsets[row + 1] = (valueOffsets[row] as number) + (values[row] as Uint8Array).length;
      }
      const data = new Uint8Array(valueOffsets[length] as number);
      for (let row = 0; row < length; row += 1) data.set(values[row] as Uint8Array, valueOffsets[row]);
      values = [];
      return makeData({ type: new Binary(), length, nullCount, nullBitmap, valueOffsets, data });
    },
    statistics: () => ({ nullCount: validity.nullCount }),
  };
}

const EMPTY = new Uint8Array(0);

interface Offsets {
  push(count: number): void;
  take(): Int32Array;
}

function offsetsOf(): Offsets {
  let offsets = [0];
  let end = 0;
  return {
    push(count) {
      end += count;
      offsets.push(end);
    },
    take() {
      const taken = Int32Array.from(offsets);
      offsets = [0];
      end = 0;
      return taken;
    },
  };
}

function listBuilder(name: string, type: DataType, element: ColumnBuilder, nullable: boolean): ColumnBuilder {
  const validity = validityOf(nullable);
  const offsets = offsetsOf();
  let rows = 0;
  return {
    append(value) {
      const isNull = value === null || value === undefined;
      if (!isNull) {
        assert(isList(value), `column ${name} takes lists`);
        for (let at = 0; at < value.length; at += 1) element.append(value[at]);
        offsets.push(value.length);
      } else offsets.push(0);
      validity.add(!isNull, rows, name);
      rows += 1;
    },
    take() {
      const { nullCount, nullBitmap } = validity.take(rows);
      const child = element.take();
      const length = rows;
      rows = 0;
      return makeData({ type: type as List, length, nullCount, nullBitmap, valueOffsets: offsets.take(), child });
    },
    statistics: () => ({ nullCount: validity.nullCount }),
  };
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
}

function mapBuilder(
  name: string,
  type: DataType,
  keyType: DeltaType,
  valueType: DeltaType,
  nullable: boolean,
): ColumnBuilder {
  const validity = validityOf(nullable);
  const offsets = offsetsOf();
  const key = columnBuilder(`${name}.key`, keyType, false);
  const item = columnBuilder(`${name}.value`, valueType, true);
  let rows = 0;
  return {
    append(value) {
      const isNull = value === null || value === undefined;
      let count = 0;
      if (!isNull) {
        assert(typeof value === 'object', `column ${name} takes maps`);
        const entries: Iterable<unknown> =
          Symbol.iterator in value ? (value as Iterable<unknown>) : Object.entries(value);
        for (const entry of entries) {
          assert(Array.isArray(entry), `column ${name} takes entries`);
          key.append(entry[0]);
          item.append(entry[1]);
          count += 1;
        }
      }
      offsets.push(count);
      validity.add(!isNull, rows, name);
      rows += 1;
    },
    take() {
      const { nullCount, nullBitmap } = validity.take(rows);
      const children = [key.take(), item.take()];
      const mapType = type as Map_;
      const entries = mapType.children[0]?.type as Struct;
      const child = makeData({ type: entries, length: children[0]?.length ?? 0, nullCount: 0, children });
      const length = rows;
      rows = 0;
      return makeData({ type: mapType, length, nullCount, nullBitmap, valueOffsets: offsets.take(), child });
    },
    statistics: () => ({ nullCount: validity.nullCount }),
  };
}

function structBuilder(name: string, fields: readonly StructField[], nullable: boolean): ColumnBuilder {
  const validity = validityOf(nullable);
  // Under a null struct its fields are null too, whatever they say of themselves.
  const children = fields.map((item) => ({
    field: item,
    builder: columnBuilder(`${name}.${item.name}`, item.type, item.nullable || nullable),
  }));
  let rows = 0;
  return {
    children,
    append(value) {
      const isNull = value === null || value === undefined;
      assert(isNull || typeof value === 'object', `column ${name} takes objects`);
      const members = isNull ? {} : (value as Readonly<Record<string, unknown>>);
      for (const child of children) child.builder.append(members[child.field.name]);
      validity.add(!isNull, rows, name);
      rows += 1;
    },
    take() {
      const { nullCount, nullBitmap } = validity.take(rows);
      const taken = children.map(({ builder }) => builder.take());
      const length = rows;
      rows = 0;
      return makeData({ type: new Struct(fields.map(arrowFieldOf)), length, nullCount, nullBitmap, children: taken });
    },
    statistics: () => undefined,
  };
}
