import type { ExactJson } from '../../base/exact-json.ts';

/** Primitive types that have no parameters (PROTOCOL.md, "Primitive Types"), and `variant`. */
export const PRIMITIVE_TYPES = [
  'string',
  'long',
  'integer',
  'short',
  'byte',
  'double',
  'float',
  'boolean',
  'binary',
  'date',
  'timestamp',
  'timestamp_ntz',
  'void',
  'variant',
] as const;

/** A type without parameters. */
export type PrimitiveType = (typeof PRIMITIVE_TYPES)[number];

/** A type of a column. */
export type DeltaType = PrimitiveType | DecimalType | ArrayType | MapType | StructType;

/** A signed number of at most `precision` digits, `scale` of them after the point; 38 digits at most. */
export interface DecimalType {
  readonly type: 'decimal';
  readonly precision: number;
  readonly scale: number;
}

/** A list of values of one type. */
export interface ArrayType {
  readonly type: 'array';
  readonly elementType: DeltaType;
  readonly containsNull: boolean;
}

/** A list of keys and values. */
export interface MapType {
  readonly type: 'map';
  readonly keyType: DeltaType;
  readonly valueType: DeltaType;
  readonly valueContainsNull: boolean;
}

/** A row of named fields; a table's schema is one. */
export interface StructType {
  readonly type: 'struct';
  readonly fields: readonly StructField[];
}

/** A named field. */
export interface StructField {
  readonly name: string;
  readonly type: DeltaType;
  readonly nullable: boolean;
  readonly metadata: FieldMetadata;
}

/** What a schema says of a field beside its type: `delta.…` keys, defaults, comments. */
export type FieldMetadata = Readonly<Record<string, ExactJson>>;

/** A field; nullable unless told. */
export function field(
  name: string,
  type: DeltaType,
  options: { readonly nullable?: boolean; readonly metadata?: FieldMetadata } = {},
): StructField {
  return { name, type, nullable: options.nullable ?? true, metadata: options.metadata ?? {} };
}

/** A struct of fields. */
export function structOf(fields: readonly StructField[]): StructType {
  return { type: 'struct', fields };
}

/** The field of a name: written exactly, else whatever its case, as Spark finds it. */
export function findField({ fields }: Pick<StructType, 'fields'>, name: string): StructField | undefined {
  const exact = fields.find((item) => item.name === name);
  if (exact !== undefined) return exact;
  const lower = name.toLowerCase();
  return fields.find((item) => item.name.toLowerCase() === lower);
}

/** A list type whose elements may be null. */
export function arrayOf(elementType: DeltaType, containsNull = true): ArrayType {
  return { type: 'array', elementType, containsNull };
}

/** A map type whose values may be null. */
export function mapOf(keyType: DeltaType, valueType: DeltaType, valueContainsNull = true): MapType {
  return { type: 'map', keyType, valueType, valueContainsNull };
}

/** A decimal type. */
export function decimalOf(precision: number, scale: number): DecimalType {
  return { type: 'decimal', precision, scale };
}

/** Whether a type has no parameters. */
export function isPrimitive(type: DeltaType): type is PrimitiveType {
  return typeof type === 'string';
}

/** Whether a type is a decimal. */
export function isDecimal(type: DeltaType): type is DecimalType {
  return typeof type === 'object' && type.type === 'decimal';
}

/** Whether a type holds other types. */
export function isNested(type: DeltaType): type is ArrayType | MapType | StructType {
  return typeof type === 'object' && type.type !== 'decimal';
}

/** A type as people and errors write it: `array<decimal(10,2)>`. */
export function typeName(type: DeltaType): string {
  if (isPrimitive(type)) return type;
  switch (type.type) {
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'array':
      return `array<${typeName(type.elementType)}>`;
    case 'map':
      return `map<${typeName(type.keyType)},${typeName(type.valueType)}>`;
    case 'struct':
      return `struct<${type.fields.map(({ name, type: inner }) => `${name}:${typeName(inner)}`).join(',')}>`;
  }
}

/** Whether two types are the same, nullability and field metadata aside. */
export function isSameType(left: DeltaType, right: DeltaType): boolean {
  return typeName(left) === typeName(right);
}
