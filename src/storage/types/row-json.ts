import { dateText, isoText } from './calendar.ts';
import type { Cell, CellRow } from './cell.ts';
import type { DeltaType, StructType } from './delta-type.ts';

/**
 * Writes rows as JSON, one text a row: int64 and decimals as exact numbers, NaN and Infinity as strings, binary
 * as base64, timestamps as ISO with microseconds and `Z`, those without a zone without it, variants as their JSON,
 * dates as `YYYY-MM-DD`, a map as an array of `[key, value]`. Null members are written, so that every row has every
 * column.
 *
 * @param columns the schema's fields in the order of the rows' members.
 */
export function rowJson(columns: StructType): (row: CellRow) => string {
  const members = columns.fields.map(({ name, type }) => ({ name, type, head: `${JSON.stringify(name)}:` }));
  return (row) => `{${members.map(({ name, type, head }) => head + cellJson(type, row[name] ?? null)).join(',')}}`;
}

/** A value as JSON, by the rules of {@link rowJson}. */
export function cellJson(type: DeltaType, cell: Cell): string {
  if (cell === null || cell === undefined) return 'null';
  if (typeof type === 'object') return nestedJson(type, cell);
  switch (type) {
    case 'timestamp':
    case 'timestamp_ntz':
    case 'date':
    case 'binary':
      return `"${plainText(type, cell)}"`;
    case 'variant':
      return String(cell);
    default:
      break;
  }
  if (typeof cell === 'bigint') return cell.toString();
  if (typeof cell === 'number' && !Number.isFinite(cell)) return `"${cell}"`;
  // JSON has a zero with a sign, which JSON.stringify does not write.
  return Object.is(cell, -0) ? '-0.0' : JSON.stringify(cell);
}

/** A value of a type whose JSON is a string without anything to escape, as that string. */
export function plainText(type: 'timestamp' | 'timestamp_ntz' | 'date' | 'binary', cell: Cell): string {
  switch (type) {
    case 'timestamp':
      return `${isoText(BigInt(cell as bigint | number))}Z`;
    case 'timestamp_ntz':
      return isoText(BigInt(cell as bigint | number));
    case 'date':
      return dateText(Number(cell));
    case 'binary':
      return Buffer.from(cell as Uint8Array).toString('base64');
  }
}

function nestedJson(type: Exclude<DeltaType, string>, cell: Cell): string {
  switch (type.type) {
    case 'decimal':
      return String(cell);
    case 'array':
      return `[${(cell as readonly Cell[]).map((item) => cellJson(type.elementType, item)).join(',')}]`;
    case 'struct':
      return rowJson(type)(cell as CellRow);
    case 'map': {
      const pairs = cell as readonly (readonly [Cell, Cell])[];
      return `[${pairs.map(([key, value]: readonly [Cell, Cell]) => `[${cellJson(type.keyType, key)},${cellJson(type.valueType, value)}]`).join(',')}]`;
    }
  }
}
