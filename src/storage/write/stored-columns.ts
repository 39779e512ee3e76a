import type { ColumnMappingMode } from '../log/physical-schema.ts';
import { physicalName } from '../log/physical-schema.ts';
import { isStored } from '../types/arrow-types.ts';
import { type DeltaType, isNested, type StructField } from '../types/delta-type.ts';
import { sqlName } from '../types/sql-types.ts';

/*
 * A table's columns as its files keep them (PROTOCOL.md, "Writer Requirements for Column Mapping"):
 * by their physical names and with their ids as Parquet field ids.
 */

/** An expression of a column's value as its files name the fields in it. */
export function storedSql(mode: ColumnMappingMode, sql: string, type: DeltaType, depth = 0): string {
  if (mode === 'none' || !isNested(type) || !isRenamed(type)) return sql;
  const item = `x${depth}`;
  switch (type.type) {
    case 'struct': {
      const members = type.fields.filter(isStored).map((member) => {
        const value = storedSql(mode, `(${sql}).${sqlName(member.name)}`, member.type, depth);
        return `${sqlName(physicalName(member))} := ${value}`;
      });
      return `CASE WHEN ${sql} IS NULL THEN NULL ELSE struct_pack(${members.join(', ')}) END`;
    }
    case 'array':
      return `list_transform(${sql}, lambda ${item}: ${storedSql(mode, item, type.elementType, depth + 1)})`;
    case 'map': {
      const key = storedSql(mode, `${item}.key`, type.keyType, depth + 1);
      const value = storedSql(mode, `${item}.value`, type.valueType, depth + 1);
      return `map_from_entries(list_transform(map_entries(${sql}), lambda ${item}: {'key': ${key}, 'value': ${value}}))`;
    }
  }
}

function isRenamed(type: DeltaType): boolean {
  if (!isNested(type)) return false;
  switch (type.type) {
    case 'struct':
      return type.fields.some((member) => physicalName(member) !== member.name || isRenamed(member.type));
    case 'array':
      return isRenamed(type.elementType);
    case 'map':
      return isRenamed(type.keyType) || isRenamed(type.valueType);
  }
}

/** DuckDB's `FIELD_IDS` of columns; undefined where none has an id. */
export function fieldIdsSql(fields: readonly StructField[]): string | undefined {
  const members = fields.filter(isStored).flatMap((member) => {
    const ids = idsOf(member.type, member.metadata['delta.columnMapping.id']);
    return ids === undefined ? [] : [`${sqlName(physicalName(member))}: ${ids}`];
  });
  return members.length === 0 ? undefined : `{${members.join(', ')}}`;
}

function idsOf(type: DeltaType, id: unknown): string | undefined {
  const own = typeof id === 'number' ? id : undefined;
  if (!isNested(type)) return own === undefined ? undefined : String(own);
  const inner = innerIds(type);
  if (inner.length === 0) return own === undefined ? undefined : String(own);
  return `{${[...(own === undefined ? [] : [`__duckdb_field_id: ${own}`]), ...inner].join(', ')}}`;
}

function innerIds(type: DeltaType): string[] {
  if (!isNested(type)) return [];
  const named = (name: string, ids: string | undefined): string[] => (ids === undefined ? [] : [`${name}: ${ids}`]);
  switch (type.type) {
    case 'struct':
      return type.fields
        .filter(isStored)
        .flatMap((member) =>
          named(sqlName(physicalName(member)), idsOf(member.type, member.metadata['delta.columnMapping.id'])),
        );
    case 'array':
      return named('element', idsOf(type.elementType, undefined));
    case 'map':
      return [...named('key', idsOf(type.keyType, undefined)), ...named('value', idsOf(type.valueType, undefined))];
  }
}
