import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Decimal,
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
import type { DeltaType, PrimitiveType, StructField } from './delta-type.ts';

/** What a Parquet writer takes as a column's `field_id` (PROTOCOL.md, "Writer Requirements for Column Mapping"). */
const FIELD_ID = 'PARQUET:field_id';

/** Ids of what is nested in a field, by path: `col.element`, `col.key`, `col.value.element`. */
type NestedIds = (path: string) => Map<string, string> | undefined;

/** The Arrow field of a column, with the ids that its metadata names. A void column has none: it is never stored. */
export function arrowFieldOf({ name, type, nullable, metadata }: StructField): Field {
  const nested = metadata['delta.columnMapping.nested.ids'];
  const ids: NestedIds = (path) => (isIds(nested) ? idOf(nested[path]) : undefined);
  return new Field(name, arrowType(type, name, ids), nullable, idOf(metadata['delta.columnMapping.id']));
}

/** The Arrow type that a column is written as. */
export function arrowTypeOf(type: DeltaType): DataType {
  return arrowType(type, '', () => undefined);
}

/** Whether a field is stored in data files (PROTOCOL.md, "Void Type"). */
export function isStored({ type }: StructField): boolean {
  return type !== 'void';
}

function arrowType(type: DeltaType, path: string, ids: NestedIds): DataType {
  if (typeof type === 'string') return PRIMITIVE_ARROW_TYPES[type]();
  switch (type.type) {
    case 'decimal':
      return new Decimal(type.scale, type.precision, 128);
    case 'array': {
      const inner = `${path}.element`;
      return new List(new Field('element', arrowType(type.elementType, inner, ids), type.containsNull, ids(inner)));
    }
    case 'struct':
      return new Struct(type.fields.filter(isStored).map(arrowFieldOf));
    case 'map': {
      const [key, value] = [`${path}.key`, `${path}.value`];
      const entries = new Struct<{ key: DataType; value: DataType }>([
        new Field('key', arrowType(type.keyType, key, ids), false, ids(key)),
        new Field('value', arrowType(type.valueType, value, ids), type.valueContainsNull, ids(value)),
      ]);
      return new Map_(new Field('key_value', entries, false));
    }
  }
}

function idOf(id: unknown): Map<string, string> | undefined {
  return typeof id === 'number' || typeof id === 'bigint' ? new Map([[FIELD_ID, String(id)]]) : undefined;
}

function isIds(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
  timestamp_ntz: () => new TimestampMicrosecond(),
  void: () => {
    throw new Error('assertion failed: a void column is not stored');
  },
  variant: () => new Struct([new Field('metadata', new Binary(), false), new Field('value', new Binary(), false)]),
};
