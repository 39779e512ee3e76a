import type { Cell, CellRow } from './cell.ts';
import type { DeltaType, StructType } from './delta-type.ts';
import { cellJson, plainText } from './row-json.ts';

/*
 * Rows as CSV by RFC 4180: lines end with CRLF, and a field with a comma, a quote or a line break is in
 * quotes, its quotes doubled. Null is an empty field and an empty text `""`. Values are written as in
 * JSON (`rowJson`), texts without its quotes and escapes, nested values and variants as their JSON.
 */

/** The line of the columns' names. */
export function csvHeader({ fields }: StructType): string {
  return `${fields.map(({ name }) => quoted(name)).join(',')}\r\n`;
}

/** Writes rows, one line each. */
export function rowCsv({ fields }: StructType): (row: CellRow) => string {
  return (row) => `${fields.map(({ name, type }) => cellCsv(type, row[name] ?? null)).join(',')}\r\n`;
}

function cellCsv(type: DeltaType, cell: Cell): string {
  if (cell === null) return '';
  switch (type) {
    case 'string':
      return cell === '' ? '""' : quoted(String(cell));
    case 'timestamp':
    case 'timestamp_ntz':
    case 'date':
    case 'binary':
      return plainText(type, cell);
    default:
      return typeof cell === 'number' && !Number.isFinite(cell) ? String(cell) : quoted(cellJson(type, cell));
  }
}

const NEEDS_QUOTES = /[",\r\n]/;

function quoted(text: string): string {
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
