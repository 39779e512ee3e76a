import { AppError } from '../../base/errors.ts';
import { type ExactJson, parseExactJson, stringifyExactJson } from '../../base/exact-json.ts';

/**
 * A table's schema (PROTOCOL.md, "Schema Serialization Format"): a struct of fields, as JSON in
 * `metaData.schemaString`.
 */
const PRIMITIVE_TYPES = [
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
] as const;

/** A primitive type that is read and written. */
export type PrimitiveType = (typeof PRIMITIVE_TYPES)[number];

/** A type of a column. */
export type DeltaType = PrimitiveType | ArrayType | MapType | StructType;

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
  readonly metadata: Readonly<Record<string, ExactJson>>;
}

/** A field; nullable unless told. */
export function field(
  name: string,
  type: DeltaType,
  options: { readonly nullable?: boolean; readonly metadata?: Readonly<Record<string, ExactJson>> } = {},
): StructField {
  return { name, type, nullable: options.nullable ?? true, metadata: options.metadata ?? {} };
}

/** A struct of fields. */
export function structOf(fields: readonly StructField[]): StructType {
  return { type: 'struct', fields };
}

/** A list type whose elements may be null. */
export function arrayOf(elementType: DeltaType, containsNull = true): ArrayType {
  return { type: 'array', elementType, containsNull };
}

/** A map type whose values may be null. */
export function mapOf(keyType: DeltaType, valueType: DeltaType): MapType {
  return { type: 'map', keyType, valueType, valueContainsNull: true };
}

/** Whether a type is a primitive one. */
export function isPrimitive(type: DeltaType): type is PrimitiveType {
  return typeof type === 'string';
}

/** The text of `metaData.schemaString`. */
export function serializeSchema(schema: StructType): string {
  return stringifyExactJson(schema);
}

/**
 * Parses `metaData.schemaString`.
 *
 * @throws AppError table_unsupported for a type that is not read, table_corrupt for a broken text.
 */
export function parseSchema(text: string): StructType {
  let json: ExactJson;
  try {
    json = parseExactJson(text);
  } catch (error) {
    throw new AppError('table_corrupt', 'The schema in metaData is not JSON', {}, error);
  }
  const type = parseType(json, 'the table');
  if (isPrimitive(type) || type.type !== 'struct') {
    throw new AppError('table_corrupt', 'The schema in metaData is not a struct');
  }
  return type;
}

function parseType(json: ExactJson | undefined, where: string): DeltaType {
  if (typeof json === 'string') {
    const known = PRIMITIVE_TYPES.find((name) => name === json);
    if (known === undefined) {
      throw new AppError('table_unsupported', `The type ${json} of ${where} is not supported`, { type: json });
    }
    return known;
  }
  const members = membersOf(json, where);
  switch (members.type) {
    case 'struct':
      return structOf(listOf(members.fields, where).map((item) => parseField(item, where)));
    case 'array':
      return arrayOf(parseType(members.elementType, where), members.containsNull !== false);
    case 'map':
      return {
        type: 'map',
        keyType: parseType(members.keyType, where),
        valueType: parseType(members.valueType, where),
        valueContainsNull: members.valueContainsNull !== false,
      };
    default:
      throw new AppError('table_unsupported', `The type of ${where} is not supported`);
  }
}

function parseField(json: ExactJson, where: string): StructField {
  const members = membersOf(json, where);
  const name = members.name;
  if (typeof name !== 'string') throw new AppError('table_corrupt', `A field of ${where} has no name`);
  const metadata = members.metadata;
  return {
    name,
    type: parseType(members.type, `column ${name}`),
    nullable: members.nullable !== false,
    metadata: metadata === undefined || metadata === null ? {} : membersOf(metadata, `column ${name}`),
  };
}

function membersOf(json: ExactJson | undefined, where: string): { readonly [key: string]: ExactJson } {
  if (typeof json !== 'object' || json === null || isList(json)) {
    throw new AppError('table_corrupt', `The schema of ${where} is broken`);
  }
  return json;
}

function listOf(json: ExactJson | undefined, where: string): readonly ExactJson[] {
  if (json === undefined || !isList(json)) throw new AppError('table_corrupt', `The schema of ${where} is broken`);
  return json;
}

/** `Array.isArray` that narrows read-only lists. */
function isList(json: ExactJson): json is readonly ExactJson[] {
  return Array.isArray(json);
}
