import type { DeltaType, StructField, StructType } from '../types/delta-type.ts';
import { structOf } from '../types/delta-type.ts';
import type { Metadata, Protocol } from './actions.ts';
import { isSupported } from './table-features.ts';

/*
 * Column mapping (PROTOCOL.md, "Column Mapping"): in the modes `name` and `id` a column is stored
 * under a physical name, which its metadata holds, and data files, partition values, statistics and
 * clustering columns go by that.
 */

/** How a table's columns are found in its files. */
export type ColumnMappingMode = 'none' | 'name' | 'id';

/** What decides on the mode: the property counts only where the protocol knows the feature. */
export interface MappedTable {
  readonly protocol: Protocol;
  readonly metadata: Metadata;
}

/** The mode of a table. */
export function columnMappingMode({ protocol, metadata }: MappedTable): ColumnMappingMode {
  const mode = metadata.configuration['delta.columnMapping.mode'];
  if ((mode !== 'name' && mode !== 'id') || !isSupported(protocol, 'columnMapping')) return 'none';
  return mode;
}

/** The physical name of a field. */
export function physicalName({ name, metadata }: StructField): string {
  const mapped = metadata['delta.columnMapping.physicalName'];
  return typeof mapped === 'string' ? mapped : name;
}

/** The name by which a field is stored: in files, partition values and statistics. */
export function storedName(item: StructField, mode: ColumnMappingMode): string {
  return mode === 'none' ? item.name : physicalName(item);
}

/** A schema as data files have it: every field of every struct by its physical name, its metadata kept. */
export function physicalSchema(schema: StructType, mode: ColumnMappingMode): StructType {
  return mode === 'none' ? schema : physicalStruct(schema);
}

function physicalStruct({ fields }: StructType): StructType {
  return structOf(fields.map((item) => ({ ...item, name: physicalName(item), type: physicalType(item.type) })));
}

function physicalType(type: DeltaType): DeltaType {
  if (typeof type === 'string' || type.type === 'decimal') return type;
  switch (type.type) {
    case 'struct':
      return physicalStruct(type);
    case 'array':
      return { ...type, elementType: physicalType(type.elementType) };
    case 'map':
      return { ...type, keyType: physicalType(type.keyType), valueType: physicalType(type.valueType) };
  }
}
