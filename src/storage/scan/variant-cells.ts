import type { DuckDbChunk } from '../parquet/duckdb.ts';
import type { Cell, CellRow } from '../types/cell.ts';
import type { DeltaType, StructField } from '../types/delta-type.ts';
import { decodeVariant } from '../variant/decode-variant.ts';

/*
 * In SQL a variant is its two binaries, STRUCT(metadata, value), so that rows which are copied keep
 * theirs; in rows that JavaScript gets it is its JSON text.
 */

/** A chunk of a scan's rows with variants as JSON texts. @throws AppError table_corrupt, table_unsupported. */
export function withVariantTexts(chunk: DuckDbChunk, fields: readonly StructField[]): DuckDbChunk {
  const convert = structConverter(fields);
  return convert === undefined ? chunk : { ...chunk, rows: () => chunk.rows().map((row) => convert(row) as CellRow) };
}

type Converter = ((cell: Cell) => Cell) | undefined;

/** Undefined for a type without variants. */
function converterOf(type: DeltaType): Converter {
  if (type === 'variant') return variantText;
  if (typeof type === 'string' || type.type === 'decimal') return undefined;
  switch (type.type) {
    case 'struct':
      return structConverter(type.fields);
    case 'array':
      return listConverter(converterOf(type.elementType));
    case 'map': {
      const [key, value] = [converterOf(type.keyType), converterOf(type.valueType)];
      if (key === undefined && value === undefined) return undefined;
      return listConverter((entry) => {
        const [from, to] = entry as readonly [Cell, Cell];
        return [key?.(from) ?? from, to === null ? null : (value?.(to) ?? to)];
      });
    }
  }
}

function structConverter(fields: readonly StructField[]): Converter {
  const members = fields.flatMap(({ name, type }) => {
    const convert = converterOf(type);
    return convert === undefined ? [] : [{ name, convert }];
  });
  if (members.length === 0) return undefined;
  return (cell) => {
    const row = { ...(cell as Record<string, Cell>) };
    for (const { name, convert } of members) {
      const value = row[name] ?? null;
      if (value !== null) row[name] = convert(value);
    }
    return row;
  };
}

function listConverter(convert: Converter): Converter {
  if (convert === undefined) return undefined;
  return (cell) => (cell as readonly Cell[]).map((item) => (item === null ? null : convert(item)));
}

function variantText(cell: Cell): Cell {
  const { metadata, value } = cell as { readonly metadata: Cell; readonly value: Cell };
  // Both are required in a variant that is there; a group of nulls is none.
  if (!(metadata instanceof Uint8Array) || !(value instanceof Uint8Array)) return null;
  return decodeVariant({ metadata, value });
}
