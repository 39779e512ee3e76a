import { randomUUID } from 'node:crypto';
import type { Metadata } from '../log/actions.ts';
import { type DeltaType, isNested, type StructField, type StructType, structOf } from '../types/delta-type.ts';

/*
 * Column mapping (PROTOCOL.md, "Writer Requirements for Column Mapping"): every field of every struct
 * has an id, given once and never again, and a physical name that no other field ever had.
 */

/** The property that holds the greatest id that was given. */
export const MAX_COLUMN_ID = 'delta.columnMapping.maxColumnId';

/** How fields that have no physical name yet get one. */
export type PhysicalNaming = 'fresh' | 'as named';

/**
 * A schema whose every field has an id and a physical name; those that have them keep them.
 *
 * @param naming `as named` for a table whose files name their columns already.
 */
export function mappedFields(
  schema: StructType,
  { configuration }: Pick<Metadata, 'configuration'>,
  naming: PhysicalNaming = 'fresh',
): { readonly schema: StructType; readonly configuration: Readonly<Record<string, string>> } {
  let last = Math.max(Number(configuration[MAX_COLUMN_ID] ?? 0), greatestId(schema));
  const mapType = (type: DeltaType): DeltaType => {
    if (!isNested(type)) return type;
    switch (type.type) {
      case 'struct':
        return structOf(type.fields.map(mapField));
      case 'array':
        return { ...type, elementType: mapType(type.elementType) };
      case 'map':
        return { ...type, keyType: mapType(type.keyType), valueType: mapType(type.valueType) };
    }
  };
  const mapField = (item: StructField): StructField => {
    const id = item.metadata['delta.columnMapping.id'] ?? ++last;
    const fresh = naming === 'fresh' ? `col-${randomUUID()}` : item.name;
    const physical = item.metadata['delta.columnMapping.physicalName'] ?? fresh;
    return {
      ...item,
      type: mapType(item.type),
      metadata: { ...item.metadata, 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': physical },
    };
  };
  const mapped = structOf(schema.fields.map(mapField));
  return { schema: mapped, configuration: { [MAX_COLUMN_ID]: String(last) } };
}

function greatestId(type: DeltaType): number {
  if (!isNested(type)) return 0;
  switch (type.type) {
    case 'struct':
      return type.fields.reduce((most, { type: inner, metadata }) => {
        const id = metadata['delta.columnMapping.id'];
        return Math.max(most, typeof id === 'number' ? id : 0, greatestId(inner));
      }, 0);
    case 'array':
      return greatestId(type.elementType);
    case 'map':
      return Math.max(greatestId(type.keyType), greatestId(type.valueType));
  }
}
