import { DataType } from 'apache-arrow';
import { accountOfKey } from '../domain/entity-keys.ts';
import { SIDES } from '../domain/payment.ts';
import { type ColumnType, ENTITY_COLUMNS, type PaymentColumn } from '../domain/payment-row.ts';
import { parseInstant } from '../storage/types/calendar.ts';

/** What became of a cell of a user's file: its value, null where it is empty, or why it has none. */
export type ReadCell<T> = { readonly value: T | null } | { readonly problem: string };

const EMPTY = { value: null } as const;

/** Whether cells of a column may be instants; without a type they are texts. A number of an unknown unit is none. */
export function mayBeInstant(type: DataType | undefined): boolean {
  if (type === undefined) return true;
  const texts = DataType.isDictionary(type) ? type.dictionary : type;
  return (
    DataType.isTimestamp(type) ||
    DataType.isDate(type) ||
    DataType.isUtf8(texts) ||
    DataType.isLargeUtf8(texts) ||
    DataType.isUtf8View(texts)
  );
}

/**
 * An instant in microseconds since 1970: ISO 8601 (UTC where it names no zone), a timestamp or a date of the file's own.
 *
 * @param type of the column where the file has types. Its numbers say nothing alone: those of an integer may be of any unit.
 */
export function readInstant(type: DataType | undefined, cell: unknown): ReadCell<number> {
  if (isEmpty(cell)) return EMPTY;
  if (typeof cell === 'bigint' && DataType.isTimestamp(type)) return safe(Number(cell));
  // A date of Parquet or Arrow is a number of days.
  if (typeof cell === 'number' && DataType.isDate(type)) return safe(cell * 86_400_000_000);
  const micros = typeof cell === 'string' ? parseInstant(cell.trim())?.micros : undefined;
  return micros === undefined
    ? { problem: 'is no instant: write 2026-07-01T12:00:00Z or 2026-07-01' }
    : safe(Number(micros));
}

function safe(value: number): ReadCell<number> {
  return Number.isSafeInteger(value) ? { value } : { problem: 'is an instant that is too far from 1970' };
}

/** A text; numbers, which files have for ids too, as they are written. */
export function readText(cell: unknown): ReadCell<string> {
  if (isEmpty(cell)) return EMPTY;
  if (typeof cell === 'string') return { value: cell };
  if (typeof cell === 'bigint' || Number.isSafeInteger(cell)) return { value: String(cell) };
  return { problem: 'is no text' };
}

/** What names an entity: a text alone, as of an online read. A number has lost the zeros in front of it, and they count. */
export function readName(cell: unknown): ReadCell<string> {
  if (isEmpty(cell)) return EMPTY;
  return typeof cell === 'string' ? { value: cell } : { problem: 'is no text: the zeros in front of a number count' };
}

/** An account's key. */
export function readAccount(cell: unknown): ReadCell<string> {
  const read = readName(cell);
  if ('problem' in read || read.value === null || accountOfKey(read.value) !== undefined) return read;
  return { problem: 'is no key of the form ispb|branch|number' };
}

function readSide(cell: unknown): ReadCell<string> {
  if (isEmpty(cell)) return EMPTY;
  const side = SIDES.find((known) => known === cell);
  return side === undefined ? { problem: `is none of ${SIDES.join(', ')}` } : { value: side };
}

/** A label: 1 fraud, 0 not, empty unknown. */
export function readLabel(cell: unknown): ReadCell<1 | 0> {
  const read = readTruth(cell);
  return 'problem' in read ? { problem: 'is no label: 1 fraud, 0 not, empty unknown' } : labelOf(read.value);
}

function labelOf(value: boolean | null): ReadCell<1 | 0> {
  return { value: value === null ? null : value ? 1 : 0 };
}

function readTruth(cell: unknown): ReadCell<boolean> {
  if (isEmpty(cell)) return EMPTY;
  const text = String(cell).trim().toLowerCase();
  if (['1', '1.0', 'true'].includes(text)) return { value: true };
  return ['0', '0.0', 'false'].includes(text) ? { value: false } : { problem: 'is no boolean: true or false' };
}

function readWhole(cell: unknown): ReadCell<number> {
  if (isEmpty(cell)) return EMPTY;
  const value =
    typeof cell === 'string' ? (/^[+-]?\d{1,16}$/.test(cell.trim()) ? Number(cell) : Number.NaN) : Number(cell);
  return Number.isSafeInteger(value) ? { value } : { problem: 'is no whole number' };
}

/** A value of a column of payments, in the form of its type. @param own the file's type of it, where it has types. */
export function readColumn(
  { name, type }: PaymentColumn,
  own: DataType | undefined,
  cell: unknown,
): ReadCell<string | number | boolean> {
  if (name === 'side') return readSide(cell);
  if ((ENTITY_COLUMNS as readonly string[]).includes(name)) return readName(cell);
  return readTyped(type, own, cell);
}

function readTyped(type: ColumnType, own: DataType | undefined, cell: unknown): ReadCell<string | number | boolean> {
  switch (type) {
    case 'string':
      return readText(cell);
    case 'boolean':
      return readTruth(cell);
    case 'timestamp':
      return readInstant(own, cell);
    case 'long':
      return readWhole(cell);
    case 'date': {
      const read = readInstant(own, cell);
      if ('problem' in read || read.value === null) return read;
      return { value: Math.floor(read.value / 86_400_000_000) };
    }
  }
}

function isEmpty(cell: unknown): boolean {
  return cell === null || cell === undefined || cell === '' || (typeof cell === 'number' && Number.isNaN(cell));
}
