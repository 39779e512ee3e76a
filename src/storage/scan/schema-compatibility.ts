import { physicalName } from '../log/physical-schema.ts';
import {
  type DeltaType,
  findField,
  isNested,
  type StructField,
  type StructType,
  typeName,
} from '../types/delta-type.ts';

/**
 * Why rows of an older schema cannot be told as rows of a newer one (Delta Spark,
 * `SchemaUtils.isReadCompatible` and `hasNoColumnMappingSchemaChanges`): columns may have been added,
 * and nothing else. Undefined where they can.
 */
export function incompatibility(older: StructType, newer: StructType): string | undefined {
  return structDifference(older.fields, newer.fields, '');
}

function structDifference(
  older: readonly StructField[],
  newer: readonly StructField[],
  prefix: string,
): string | undefined {
  for (const before of older) {
    const name = prefix + before.name;
    const after = findField({ fields: newer }, before.name);
    if (after === undefined) return `the column ${name} was dropped or renamed`;
    if (after.name !== before.name || physicalName(after) !== physicalName(before)) {
      return `the column ${name} was renamed or replaced`;
    }
    if (before.nullable && !after.nullable) return `the column ${name} takes no nulls any more`;
    const inner = typeDifference(before.type, after.type, name);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

function typeDifference(before: DeltaType, after: DeltaType, name: string): string | undefined {
  const changed = `the column ${name} was ${typeName(before)} and is ${typeName(after)}`;
  if (!isNested(before) || !isNested(after)) return typeName(before) === typeName(after) ? undefined : changed;
  if (before.type === 'struct') {
    return after.type === 'struct' ? structDifference(before.fields, after.fields, `${name}.`) : changed;
  }
  if (before.type === 'array') {
    if (after.type !== 'array') return changed;
    if (before.containsNull && !after.containsNull) return `the elements of ${name} take no nulls any more`;
    return typeDifference(before.elementType, after.elementType, `${name}.element`);
  }
  if (after.type !== 'map') return changed;
  if (before.valueContainsNull && !after.valueContainsNull) return `the values of ${name} take no nulls any more`;
  return (
    typeDifference(before.keyType, after.keyType, `${name}.key`) ??
    typeDifference(before.valueType, after.valueType, `${name}.value`)
  );
}
