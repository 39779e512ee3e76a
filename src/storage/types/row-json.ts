import type { Cell, CellRow } from './cell.ts';
import type { DeltaType, StructType } from './delta-type.ts';

/**
 * Writes rows as JSON, one text a row: int64 and decimals as exact numbers, NaN and Infinity as strings, binary
 * as base64, timestamps as ISO with microseconds and `Z`, those without a zone without it, variants as their JSON, dates as `YYYY-MM-DD`, a map as an array
 * of `[key, value]`. Null members are written, so that every row has every column.
 */
export function rowJson(schema: StructType): (row: CellRow) => string {
  const types = new Map(schema.fields.map(({ name, type }) => [name, type] as const));
  return (row) => {
    const members = Object.entries(row).map(
      ([name, cell]) => `${JSON.stringify(name)}:${cellJson(types.get(name) ?? 'string', cell)}`,
    );
    return `{${members.join(',')}}`;
  };
}

function cellJson(type: DeltaType, cell: Cell): string {
  if (cell === null || cell === undefined) return 'null';
  if (typeof type === 'object') return nestedJson(type, cell);
  switch (type) {
    case 'timestamp':
      return `"${isoMicros(BigInt(cell as bigint | number))}Z"`;
    case 'timestamp_ntz':
      return `"${isoMicros(BigInt(cell as bigint | number))}"`;
    case 'variant':
      return String(cell);
    case 'date':
      return `"${new Date(Number(cell) * 86_400_000).toISOString().slice(0, 10)}"`;
    case 'binary':
      return `"${Buffer.from(cell as Uint8Array).toString('base64')}"`;
    default:
      break;
  }
  if (typeof cell === 'bigint') return cell.toString();
  if (typeof cell === 'number' && !Number.isFinite(cell)) return `"${cell}"`;
  return JSON.stringify(cell);
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

function isoMicros(micros: bigint): string {
  const rest = ((micros % 1000n) + 1000n) % 1000n;
  const text = new Date(Number((micros - rest) / 1000n)).toISOString().slice(0, -1);
  return `${text}${rest.toString().padStart(3, '0')}`;
}
