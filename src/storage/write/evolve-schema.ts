import { AppError } from '../../base/errors.ts';
import { isSupported } from '../log/table-features.ts';
import { isEnabled } from '../log/table-properties.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import {
  type DeltaType,
  findField,
  isNested,
  isSameType,
  type StructField,
  type StructType,
  structOf,
  typeName,
} from '../types/delta-type.ts';
import { serializeSchema } from '../types/schema-json.ts';
import { isWider, widened } from './widen-type.ts';

/**
 * The schema of a table that takes rows of another: with the columns that it lacks (they are null in older
 * files) and its types widened, where it may; undefined where it takes them as it is.
 *
 * @throws AppError invalid_request where the rows do not fit.
 */
export function evolvedSchema(snapshot: Snapshot, rows: StructType): StructType | undefined {
  const merged = mergedStruct(snapshot, snapshot.schema, rows, '');
  return serializeSchema(merged) === serializeSchema(snapshot.schema) ? undefined : merged;
}

function mergedStruct(snapshot: Snapshot, own: StructType, rows: StructType, path: string): StructType {
  const kept = own.fields.map((item) => {
    const found = findField(rows, item.name);
    return found === undefined ? item : mergedField(snapshot, item, found, `${path}${item.name}`);
  });
  const added = rows.fields
    .filter(({ name }) => findField(own, name) === undefined)
    .map((item) => ({ ...item, nullable: true, metadata: {} }));
  return structOf([...kept, ...added]);
}

function mergedField(snapshot: Snapshot, own: StructField, rows: StructField, path: string): StructField {
  if (isSameType(own.type, rows.type)) return own;
  if (isStruct(own.type) && isStruct(rows.type)) {
    return { ...own, type: mergedStruct(snapshot, own.type, rows.type, `${path}.`) };
  }
  const mayWiden =
    isSupported(snapshot.protocol, 'typeWidening') && isEnabled(snapshot.metadata, 'delta.enableTypeWidening');
  const wider = mayWiden ? widened(own, rows.type) : undefined;
  if (wider !== undefined) return wider;
  // A narrower type of the rows fits as it is.
  if (isWider(rows.type, own.type)) return own;
  throw new AppError(
    'invalid_request',
    `The column ${path} is ${typeName(own.type)} and the rows have ${typeName(rows.type)}`,
    { column: path },
  );
}

function isStruct(type: DeltaType): type is StructType {
  return isNested(type) && type.type === 'struct';
}
