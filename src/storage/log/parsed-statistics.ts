import { type Data, DataType } from 'apache-arrow';
import { type ExactJson, JsonNumber, stringifyExactJson } from '../../base/exact-json.ts';
import { cellReader, isValid } from '../types/arrow-cells.ts';
import type { Cell } from '../types/cell.ts';
import { dateBound, timestampBound } from '../types/statistics.ts';

/**
 * Statistics that a checkpoint holds in columns only (`add.stats_parsed`, where
 * `delta.checkpoint.writeStatsAsJson` is false), as the JSON text of `add.stats`.
 *
 * @returns a reader by row of the column; undefined where the row says nothing.
 */
export function parsedStatisticsReader(data: Data): (row: number) => string | undefined {
  const read = jsonReader(data);
  return (row) => {
    const json = read(row);
    return json === undefined ? undefined : stringifyExactJson(json);
  };
}

type JsonReaderOfRow = (row: number) => ExactJson | undefined;

function jsonReader(data: Data): JsonReaderOfRow {
  const { type } = data;
  if (DataType.isStruct(type)) {
    const members = type.children.map(({ name }, at) => [name, jsonReader(data.children[at] as Data)] as const);
    return (row) => {
      if (!isValid(data.nullBitmap, data.offset + row)) return undefined;
      const json: Record<string, ExactJson> = {};
      for (const [name, read] of members) {
        const value = read(row);
        if (value !== undefined) json[name] = value;
      }
      return json;
    };
  }
  const read = cellReader(data);
  return (row) => leafJson(type, read(row));
}

function leafJson(type: DataType, cell: Cell): ExactJson | undefined {
  if (cell === null || cell instanceof Uint8Array) return undefined;
  if (DataType.isDate(type)) return dateBound(Number(cell));
  if (DataType.isTimestamp(type)) {
    return timestampBound(cell as bigint, 'min', type.timezone == null ? 'timestamp_ntz' : 'timestamp');
  }
  if (DataType.isDecimal(type)) return new JsonNumber(String(cell));
  if (typeof cell === 'bigint') return Number.isSafeInteger(Number(cell)) ? Number(cell) : cell;
  if (typeof cell === 'number') return Number.isFinite(cell) ? cell : undefined;
  return typeof cell === 'string' || typeof cell === 'boolean' ? cell : undefined;
}
