import { AppError } from '../../base/errors.ts';
import {
  type ExactJson,
  isJsonObject,
  type JsonObject,
  parseExactJson,
  stringifyExactJson,
} from '../../base/exact-json.ts';
import {
  type DeltaType,
  decimalOf,
  isPrimitive,
  PRIMITIVE_TYPES,
  type StructField,
  type StructType,
  structOf,
} from './delta-type.ts';

/*
 * A table's schema (PROTOCOL.md, "Schema Serialization Format"): a struct of fields, as JSON in
 * `metaData.schemaString`. A primitive type is a string, a decimal `decimal(p,s)`, others an object
 * whose `type` is `struct`, `array` or `map`.
 */

/** How deep types may nest: Spark gives up at about 100 as well, and a hostile schema ends here. */
const MAX_DEPTH = 100;
/** Digits that a decimal has at most. */
const MAX_PRECISION = 38;

/** The text of `metaData.schemaString`. */
export function serializeSchema(schema: StructType): string {
  return stringifyExactJson(jsonOfType(schema));
}

/** A type in the form of the JSON. */
export function jsonOfType(type: DeltaType): ExactJson {
  if (isPrimitive(type)) return type;
  switch (type.type) {
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'array':
      return { type: 'array', elementType: jsonOfType(type.elementType), containsNull: type.containsNull };
    case 'map':
      return {
        type: 'map',
        keyType: jsonOfType(type.keyType),
        valueType: jsonOfType(type.valueType),
        valueContainsNull: type.valueContainsNull,
      };
    case 'struct':
      return {
        type: 'struct',
        fields: type.fields.map(({ name, type: inner, nullable, metadata }) => ({
          name,
          type: jsonOfType(inner),
          nullable,
          metadata,
        })),
      };
  }
}

/**
 * Parses `metaData.schemaString`.
 *
 * @throws AppError table_unsupported for a type that is not known, table_corrupt for a broken text.
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

/**
 * Parses a type in the form of the JSON.
 *
 * @param where how an error names what has the type.
 * @throws AppError as {@link parseSchema}.
 */
export function parseType(json: ExactJson | undefined, where: string, depth = 0): DeltaType {
  if (depth > MAX_DEPTH) throw broken(where, `nests deeper than ${MAX_DEPTH}`);
  if (typeof json === 'string') return parseTypeName(json, where);
  const members = membersOf(json, where);
  switch (members.type) {
    case 'struct':
      return structOf(listOf(members.fields, where).map((item) => parseField(item, where, depth)));
    case 'array':
      return {
        type: 'array',
        elementType: parseType(members.elementType, where, depth + 1),
        containsNull: members.containsNull !== false,
      };
    case 'map':
      return {
        type: 'map',
        keyType: parseType(members.keyType, where, depth + 1),
        valueType: parseType(members.valueType, where, depth + 1),
        valueContainsNull: members.valueContainsNull !== false,
      };
    default:
      // The specification's own example writes a variant element as an object of its name.
      if (typeof members.type === 'string') return parseTypeName(members.type, where);
      throw broken(where, 'has a type of no known form');
  }
}

const DECIMAL = /^decimal\(\s*(\d{1,2})\s*,\s*(-?\d{1,2})\s*\)$/;

function parseTypeName(text: string, where: string): DeltaType {
  const known = PRIMITIVE_TYPES.find((name) => name === text);
  if (known !== undefined) return known;
  // Names that Spark has written: `decimal` alone is decimal(10,0), `null` is void, char and varchar are strings.
  if (text === 'decimal') return decimalOf(10, 0);
  if (text === 'null') return 'void';
  if (/^(var)?char\(\d+\)$/.test(text)) return 'string';
  const decimal = DECIMAL.exec(text);
  if (decimal !== null) {
    const [precision, scale] = [Number(decimal[1]), Number(decimal[2])];
    if (precision >= 1 && precision <= MAX_PRECISION && scale >= 0 && scale <= precision)
      return decimalOf(precision, scale);
  }
  throw new AppError('table_unsupported', `The type ${text.slice(0, 80)} of ${where} is not supported`, {
    type: text.slice(0, 80),
  });
}

function parseField(json: ExactJson, where: string, depth: number): StructField {
  const members = membersOf(json, where);
  const { name, metadata } = members;
  if (typeof name !== 'string') throw broken(where, 'has a field without a name');
  return {
    name,
    type: parseType(members.type, `column ${name}`, depth + 1),
    nullable: members.nullable !== false,
    metadata: metadata === undefined || metadata === null ? {} : membersOf(metadata, `column ${name}`),
  };
}

function membersOf(json: ExactJson | undefined, where: string): JsonObject {
  if (!isJsonObject(json)) throw broken(where, 'is no object');
  return json;
}

function listOf(json: ExactJson | undefined, where: string): readonly ExactJson[] {
  if (!Array.isArray(json)) throw broken(where, 'has no list of fields');
  return json as readonly ExactJson[];
}

function broken(where: string, what: string): AppError {
  return new AppError('table_corrupt', `The schema in metaData is broken: ${where} ${what}`);
}
