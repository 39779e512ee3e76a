import { AppError } from '../../base/errors.ts';
import { arrayOf, type DeltaType, decimalOf, field, mapOf, type StructField, structOf } from '../types/delta-type.ts';
import type { FileColumn } from './file-shape.ts';

const LEAVES: Readonly<Record<string, DeltaType>> = {
  VARCHAR: 'string',
  JSON: 'string',
  UUID: 'string',
  BIGINT: 'long',
  UINTEGER: 'long',
  INTEGER: 'integer',
  USMALLINT: 'integer',
  SMALLINT: 'short',
  UTINYINT: 'short',
  TINYINT: 'byte',
  DOUBLE: 'double',
  FLOAT: 'float',
  BOOLEAN: 'boolean',
  BLOB: 'binary',
  DATE: 'date',
  'TIMESTAMP WITH TIME ZONE': 'timestamp',
  TIMESTAMP: 'timestamp_ntz',
  TIMESTAMP_NS: 'timestamp_ntz',
  TIMESTAMP_MS: 'timestamp_ntz',
};

/** The fields of a table that would hold a Parquet file's columns. @throws AppError invalid_file for a type that Delta has not. */
export function fieldsOfFile(columns: readonly FileColumn[]): StructField[] {
  return columns.map((column) => field(column.name, typeOfFile(column)));
}

function typeOfFile({ name, kind, leafType, children, isVariant }: FileColumn): DeltaType {
  const [first, second] = children.map((child) => () => typeOfFile(child));
  switch (kind) {
    case 'struct':
      if (isVariant === true) {
        throw new AppError('invalid_file', `The column ${name} is a variant, which cannot be taken from a file`, {
          column: name,
        });
      }
      return structOf(fieldsOfFile(children));
    case 'list':
      return arrayOf(first?.() ?? 'void');
    case 'map':
      return mapOf(first?.() ?? 'void', second?.() ?? 'void');
    case 'leaf': {
      const decimal = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(leafType);
      if (decimal !== null) return decimalOf(Number(decimal[1]), Number(decimal[2]));
      const type = LEAVES[leafType];
      if (type !== undefined) return type;
      throw new AppError('invalid_file', `The column ${name} is ${leafType}, which a Delta table cannot hold`, {
        column: name,
      });
    }
  }
}
