import { physicalName } from '../log/physical-schema.ts';
import { cellReader, type Row } from '../types/cell.ts';
import { type DeltaType, isNested, type StructType } from '../types/delta-type.ts';

/** Gives rows the names that a table's files have for its columns, in structs too. */
export function storedRow(schema: StructType): (row: Row) => Row {
  const members = schema.fields.map((item) => ({
    read: cellReader(item.name),
    physical: physicalName(item),
    convert: storedValue(item.type),
  }));
  return (row) => {
    const stored: Record<string, unknown> = {};
    for (const { read, physical, convert } of members) {
      const value = read(row);
      stored[physical] = convert === undefined || value === null || value === undefined ? value : convert(value);
    }
    return stored;
  };
}

/** Undefined for a type that holds no struct. */
function storedValue(type: DeltaType): ((value: unknown) => unknown) | undefined {
  if (!isNested(type)) return undefined;
  switch (type.type) {
    case 'struct': {
      const convert = storedRow(type);
      return (value) => convert(value as Row);
    }
    case 'array': {
      const convert = storedValue(type.elementType);
      if (convert === undefined) return undefined;
      return (value) => (value as readonly unknown[]).map((item) => (item === null ? null : convert(item)));
    }
    case 'map': {
      const [key, inner] = [storedValue(type.keyType), storedValue(type.valueType)];
      if (key === undefined && inner === undefined) return undefined;
      return (value) =>
        entriesOf(value).map(([from, to]) => [
          key?.(from) ?? from,
          to === null || inner === undefined ? to : inner(to),
        ]);
    }
  }
}

function entriesOf(value: unknown): readonly (readonly [unknown, unknown])[] {
  if (value instanceof Map) return [...value.entries()];
  return Array.isArray(value) ? value : Object.entries(value as object);
}
