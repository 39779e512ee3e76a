import {
  Binary,
  Bool,
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
  Struct,
  TimestampMicrosecond,
  Utf8,
} from 'apache-arrow';
import { type DeltaType, isPrimitive, type PrimitiveType, type StructField } from './delta-schema.ts';

/** The Arrow type that a column is written as. */
export function arrowTypeOf(type: DeltaType): DataType {
  if (isPrimitive(type)) return PRIMITIVE_ARROW_TYPES[type]();
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

/** Makes the Arrow type of a primitive one. */
export const PRIMITIVE_ARROW_TYPES: Readonly<Record<PrimitiveType, () => DataType>> = {
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
