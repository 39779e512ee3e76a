import { isUtf8 } from 'node:buffer';
import { canonicalJson } from '../base/canonical-json.ts';
import { AppError, messageOf } from '../base/errors.ts';
import { isJsonObject, parseWrittenJson } from '../base/exact-json.ts';
import { NO_INSTANT } from '../domain/instant.ts';
import type { LabelState } from '../domain/label.ts';
import { parseImportedPayment, parsePayment } from '../domain/parse-payment.ts';
import type { ImportedPayment, PaymentRow } from '../domain/payment-row.ts';
import { csvFields } from './import-csv.ts';
import { headerPlaces } from './import-header.ts';
import type { FileRecord } from './import-lines.ts';
import type { FieldRule, ImportMapping } from './import-mapping.ts';
import { memberText, type OddMember } from './import-member.ts';

/** A record that is a payment. */
export interface GoodRow {
  readonly kind: 'payment';
  readonly line: number;
  readonly raw: Buffer;
  /** Canonical JSON of the payment. */
  readonly payment: string;
  readonly row: PaymentRow;
  /** The file's own id where it is not the endToEndId. */
  readonly sourceId: string | null;
  /** Microseconds; null where the rule does not read it from the record. */
  readonly knownMicros: number | null;
  readonly label: LabelState | null;
  /** Set where the row's label cannot be read; the payment stands. */
  readonly labelProblem: string | null;
}

/** A record that is none. */
export interface BadRow {
  readonly kind: 'bad';
  readonly line: number;
  readonly raw: Buffer;
  readonly code: string;
  /** Never holds a value of the file. */
  readonly reason: string;
}

/** What a record is. */
export type ImportedRow = GoodRow | BadRow;

/** Reads the records of one file, in their order: the first of a CSV file may be its header. */
export type RowReader = (record: FileRecord) => ImportedRow | null;

/** Reads NDJSON lines that are bodies of `/v1/score`. */
export function bodyReader(): RowReader {
  return (record) =>
    readRow(record, () => {
      const body = parseJson(decode(record.bytes, 'utf8'));
      const { payment, row } = parsePayment(body);
      return { ...asRow(record, payment, row), sourceId: null, knownMicros: null, label: null, labelProblem: null };
    });
}

/**
 * Reads records by a mapping. The reader answers null for a header.
 *
 * @throws AppError `invalid_mapping` where the header lacks a column that the mapping names.
 */
export function mappedReader(mapping: ImportMapping, format: 'csv' | 'ndjson', file: string): RowReader {
  return format === 'csv' ? csvReader(mapping, file) : ndjsonReader(mapping);
}

/** The text of a column in one record; undefined where the record has none. */
type Cells = (column: string) => string | OddMember | undefined;

function csvReader(mapping: ImportMapping, file: string): RowReader {
  let columns: ReadonlyMap<string, number> | undefined;
  if (mapping.header !== null) columns = headerPlaces(mapping, mapping.header, file);
  return (record) => {
    if (columns === undefined) {
      const names = csvFields(decode(record.bytes, mapping.encoding), mapping.delimiter);
      columns = headerPlaces(mapping, names ?? [], file);
      return null;
    }
    const places = columns;
    return readRow(record, () => {
      const cells = csvFields(decode(record.bytes, mapping.encoding), mapping.delimiter);
      if (cells === undefined) throw new AppError('invalid_file', 'a quote stands where none may');
      if (cells.length !== places.size) {
        throw new AppError('invalid_file', `the record has ${cells.length} fields, the header ${places.size}`);
      }
      return mapRow(mapping, record, (column) => cells[places.get(column) ?? -1]);
    });
  };
}

function ndjsonReader(mapping: ImportMapping): RowReader {
  return (record) =>
    readRow(record, () => {
      const body = parsed(decode(record.bytes, 'utf8'), parseWrittenJson);
      if (!isJsonObject(body)) throw new AppError('invalid_json', 'the line is no JSON object');
      return mapRow(mapping, record, (column) => memberText(body, column));
    });
}

function mapRow(mapping: ImportMapping, record: FileRecord, cells: Cells): GoodRow {
  const body: Record<string, unknown> = {};
  let sourceId: string | null = null;
  for (const rule of mapping.fields) {
    const text = textOf(rule, mapping, cells);
    if (text === undefined) continue;
    const read = rule.read(text);
    if (!read.ok) throw new AppError('invalid_payment', `${rule.field} ${read.problem}`);
    if (rule.field === 'endToEndId') {
      const id = String(read.value);
      const padded = id.padStart(32, '0');
      if (padded !== id) sourceId = id;
      body.endToEndId = padded;
    } else put(body, rule.field, read.value);
  }
  const { payment, row } = parseImportedPayment(body);
  return {
    ...asRow(record, payment, row),
    sourceId,
    knownMicros: knownOf(mapping, row, cells),
    ...labelOf(mapping, cells),
  };
}

function textOf(rule: FieldRule, mapping: ImportMapping, cells: Cells): string | undefined {
  if (rule.source.kind === 'constant') return rule.source.value;
  // What is looked up by its text must be told as it is written.
  const counts = rule.counts && rule.values === null;
  const text = cellText(cells(rule.source.column), counts, rule.field);
  if (text === undefined || mapping.nulls.has(text)) return undefined;
  if (rule.values === null) return text;
  const value = rule.values.get(text);
  if (value === undefined) {
    throw new AppError('invalid_payment', `${rule.field} has a value that the mapping does not name`);
  }
  return mapping.nulls.has(value) ? undefined : value;
}

/** @param counts whether a number in exponent form may stand there. */
function cellText(cell: ReturnType<Cells>, counts: boolean, field: string): string | undefined {
  if (typeof cell !== 'object') return cell?.trim();
  if (counts && cell.digits !== null) return cell.digits;
  throw new AppError('invalid_payment', `${field} ${cell.problem}`);
}

function put(body: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.');
  const last = names.pop() ?? path;
  let at = body;
  for (const name of names) {
    const inner = at[name] ?? {};
    at[name] = inner;
    at = inner as Record<string, unknown>;
  }
  at[last] = value;
}

function knownOf(mapping: ImportMapping, row: PaymentRow, cells: Cells): number | null {
  const rule = mapping.knownTime;
  switch (rule.kind) {
    case 'running_max':
      return null;
    case 'delay':
      return heldMicros(row.event_time + rule.delayMicros);
    case 'column': {
      const micros = rule.read(cellText(cells(rule.column), true, 'known_time') ?? '');
      if (micros === undefined) throw new AppError('invalid_payment', 'known_time is no time of its format');
      return heldMicros(micros);
    }
  }
}

/** @throws AppError `invalid_payment` for a time that no table holds. */
function heldMicros(knownMicros: number): number {
  if (Number.isSafeInteger(knownMicros)) return knownMicros;
  throw new AppError('invalid_payment', `known_time ${NO_INSTANT}`);
}

function labelOf(mapping: ImportMapping, cells: Cells): Pick<GoodRow, 'label' | 'labelProblem'> {
  const rule = mapping.label;
  const cell = rule === null ? undefined : cells(rule.column);
  if (rule === null || cell === undefined) return { label: null, labelProblem: null };
  if (typeof cell === 'object') return { label: null, labelProblem: `the label ${cell.problem}` };
  const text = cell.trim();
  const state = rule.states.get(text);
  if (state === undefined && !mapping.nulls.has(text)) {
    return { label: null, labelProblem: 'the label has a value that the mapping does not name' };
  }
  return { label: state ?? null, labelProblem: null };
}

function asRow(record: FileRecord, payment: ImportedPayment, row: PaymentRow) {
  return { kind: 'payment', line: record.line, raw: record.bytes, payment: canonicalJson(payment), row } as const;
}

/** What a reader throws as an AppError is the record's own fault and ends in quarantine. */
function readRow(record: FileRecord, read: () => GoodRow): ImportedRow {
  const bad = (code: string, reason: string): BadRow => ({
    kind: 'bad',
    line: record.line,
    raw: record.bytes,
    code,
    reason,
  });
  if (record.problem !== null) return bad(record.problem.code, record.problem.reason);
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return bad(error.code === 'invalid_file' ? 'invalid_csv' : error.code, messageOf(error));
  }
}

function decode(bytes: Buffer, encoding: 'utf8' | 'latin1'): string {
  if (encoding === 'utf8' && !isUtf8(bytes)) throw new AppError('invalid_encoding', 'the record is not UTF-8');
  if (bytes.includes(0)) throw new AppError('invalid_encoding', 'the record holds a NUL byte');
  return bytes.toString(encoding);
}

/** Parses JSON whose faults are told without its text. */
export function parseJson(text: string): unknown {
  return parsed(text, JSON.parse);
}

function parsed<T>(text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    throw new AppError('invalid_json', 'the line is not JSON', {}, error);
  }
}

/** The text of a record that is JSON in UTF-8. @throws AppError `invalid_encoding`. */
export function jsonText(bytes: Buffer): string {
  return decode(bytes, 'utf8');
}
