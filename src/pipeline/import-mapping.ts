import { createHash } from 'node:crypto';
import { canonicalJson } from '../base/canonical-json.ts';
import { messageOf } from '../base/errors.ts';
import { readPlainYaml } from '../base/plain-yaml.ts';
import { LABEL_STATES, type LabelState } from '../domain/label.ts';
import { MappingReader, type Parts } from './import-mapping-reader.ts';
import { dayReader, TIME_FORMATS, type TimeReader, timeReader } from './import-times.ts';
import {
  AMOUNT_UNITS,
  amountReader,
  dateValue,
  type FieldKind,
  instantValue,
  PAYMENT_FIELDS,
  readBoolean,
  readInteger,
  readText,
  type ValueReader,
} from './import-values.ts';

/** Where a field's value comes from. */
export type FieldSource =
  | { readonly kind: 'column'; readonly column: string }
  | { readonly kind: 'constant'; readonly value: string };

/** How one field of the payment is made. */
export interface FieldRule {
  /** Dotted path in the body of `/v1/score`. */
  readonly field: string;
  readonly source: FieldSource;
  readonly read: ValueReader;
  /** Whether it is an amount, a count, a time or a truth value, and no name. */
  readonly counts: boolean;
  /** What a text of the file stands for; a text that is not named here is wrong. */
  readonly values: ReadonlyMap<string, string> | null;
}

/** When a row of the file was learned. */
export type KnownTimeRule =
  /** The largest event time so far, in the order of the file: assumed, and marked so. */
  | { readonly kind: 'running_max' }
  | { readonly kind: 'delay'; readonly delayMicros: number }
  | { readonly kind: 'column'; readonly column: string; readonly read: TimeReader };

/** The label that a row holds itself. */
export interface LabelRule {
  readonly column: string;
  /** Null: the text says that there is no label. */
  readonly states: ReadonlyMap<string, LabelState | null>;
  /** From the payment's event time to the label's, when it is known as well. */
  readonly delayMicros: number;
  /** Whether a label that is known at the same instant as a payment is numbered after it, or before. */
  readonly ties: 'after_payments' | 'before_payments';
}

/** How a file's records become payments. */
export interface ImportMapping {
  readonly format: 'csv' | 'ndjson' | null;
  readonly delimiter: string;
  readonly encoding: 'utf8' | 'latin1';
  /** Names of the columns where the file has no header line. */
  readonly header: readonly string[] | null;
  /** Texts that say that there is no value. */
  readonly nulls: ReadonlySet<string>;
  readonly fields: readonly FieldRule[];
  readonly knownTime: KnownTimeRule;
  readonly label: LabelRule | null;
  /** SHA-256 of what the mapping says, hex: two texts that say the same have the same. */
  readonly sha256: string;
}

const REQUIRED = ['endToEndId', 'side', 'amount', 'acceptedAt'];

/**
 * Reads a mapping (YAML, or JSON, which is YAML too).
 *
 * @param name of the file, for messages.
 * @throws AppError `invalid_mapping` that names the key and, where one is near, what was meant.
 */
export function parseMapping(text: string, name: string): ImportMapping {
  const read = new MappingReader(name);
  const yaml = readPlainYaml(text);
  if (!yaml.ok) {
    throw read.wrong('', `is no YAML${yaml.line === null ? '' : ` at ${yaml.line}:${yaml.column}`}: ${yaml.problem}`);
  }
  const root = read.object(yaml.value, '', ['format', 'csv', 'nulls', 'payment', 'known_time', 'label']);
  const csv = read.object(root.csv ?? {}, 'csv', ['delimiter', 'encoding', 'header']);
  const delimiter = csv.delimiter === undefined ? ',' : read.text(csv.delimiter, 'csv.delimiter');
  if (delimiter.length !== 1 || delimiter === '"') throw read.wrong('csv.delimiter', 'must be one character');
  return {
    format: root.format === undefined ? null : read.oneOf(root.format, 'format', ['csv', 'ndjson']),
    delimiter,
    encoding: csv.encoding === undefined ? 'utf8' : read.oneOf(csv.encoding, 'csv.encoding', ['utf8', 'latin1']),
    header: csv.header === undefined ? null : read.texts(csv.header, 'csv.header'),
    nulls: new Set(root.nulls === undefined ? [''] : read.texts(root.nulls, 'nulls')),
    fields: fieldRules(read, root.payment),
    knownTime: knownTimeRule(read, root.known_time),
    label: root.label === undefined ? null : labelRule(read, root.label),
    sha256: createHash('sha256').update(canonicalJson(yaml.value)).digest('hex'),
  };
}

function fieldRules(read: MappingReader, given: unknown): FieldRule[] {
  const payment = read.object(given ?? {}, 'payment', [...PAYMENT_FIELDS.keys()]);
  for (const field of REQUIRED) {
    if (!(field in payment)) throw read.wrong(`payment.${field}`, 'is missing: every payment has one');
  }
  return Object.entries(payment).map(([field, rule]) => fieldRule(read, field, rule));
}

function fieldRule(read: MappingReader, field: string, given: unknown): FieldRule {
  const where = `payment.${field}`;
  const rule = typeof given === 'string' ? { column: given } : given;
  const known = ['column', 'constant', 'unit', 'decimal', 'format', 'zone', 'values'];
  const parts = read.object(rule, where, known);
  const { column, constant, values } = parts;
  if ((column === undefined) === (constant === undefined)) {
    throw read.wrong(where, 'names a column or a constant, one of the two');
  }
  const kind = PAYMENT_FIELDS.get(field) ?? 'text';
  return {
    field,
    source:
      constant === undefined
        ? { kind: 'column', column: read.text(column, `${where}.column`) }
        : { kind: 'constant', value: read.text(constant, `${where}.constant`) },
    read: readerOf(read, kind, parts, where),
    counts: kind !== 'text',
    values: values === undefined ? null : textMap(read, values, `${where}.values`),
  };
}

function readerOf(read: MappingReader, kind: FieldKind, parts: Parts, where: string): ValueReader {
  const allowed = { amount: ['unit', 'decimal'], instant: ['format', 'zone'], date: ['format'] }[kind as string] ?? [];
  for (const part of ['unit', 'decimal', 'format', 'zone']) {
    if (parts[part] !== undefined && !allowed.includes(part)) {
      throw read.wrong(`${where}.${part}`, `has no meaning for a field of type ${kind}`);
    }
  }
  switch (kind) {
    case 'amount':
      return amountReader(
        parts.unit === undefined ? 'reais' : read.oneOf(parts.unit, `${where}.unit`, AMOUNT_UNITS),
        parts.decimal === undefined ? '.' : read.oneOf(parts.decimal, `${where}.decimal`, ['.', ',']),
      );
    case 'instant':
      return instantValue(timeReaderOf(read, parts, where));
    case 'date':
      return dateValue(knownFormat(read, dayReader(formatOf(read, parts, where)), where));
    case 'boolean':
      return readBoolean;
    case 'integer':
      return readInteger;
    case 'text':
      return readText;
  }
}

function timeReaderOf(read: MappingReader, parts: Parts, where: string): TimeReader {
  const format = formatOf(read, parts, where);
  const zone = parts.zone === undefined ? 'UTC' : read.text(parts.zone, `${where}.zone`);
  let reader: TimeReader | undefined;
  try {
    reader = timeReader(format, zone);
  } catch (error) {
    throw read.wrong(`${where}.zone`, `is no time zone: ${messageOf(error)}`);
  }
  return knownFormat(read, reader, where);
}

function formatOf(read: MappingReader, parts: Parts, where: string): string {
  return parts.format === undefined ? 'iso' : read.text(parts.format, `${where}.format`);
}

function knownFormat<T>(read: MappingReader, reader: T | undefined, where: string): T {
  if (reader === undefined) throw read.wrong(`${where}.format`, `must be ${TIME_FORMATS}`);
  return reader;
}

function knownTimeRule(read: MappingReader, given: unknown): KnownTimeRule {
  if (given === undefined || given === 'running_max') return { kind: 'running_max' };
  const where = 'known_time';
  if (typeof given === 'string') throw read.wrong(where, 'is running_max, or has a column or a delay');
  const parts = read.object(given, where, ['column', 'format', 'zone', 'delay']);
  if ((parts.column === undefined) === (parts.delay === undefined)) {
    throw read.wrong(where, 'is running_max, or has a column or a delay, one of the two');
  }
  if (parts.delay !== undefined) return { kind: 'delay', delayMicros: read.duration(parts.delay, `${where}.delay`) };
  return {
    kind: 'column',
    column: read.text(parts.column, `${where}.column`),
    read: timeReaderOf(read, parts, where),
  };
}

function labelRule(read: MappingReader, given: unknown): LabelRule {
  const parts = read.object(given, 'label', ['column', 'values', 'delay', 'ties']);
  if (parts.column === undefined) throw read.wrong('label.column', 'is missing');
  if (parts.values === undefined) throw read.wrong('label.values', 'is missing: say what each value stands for');
  const values = read.object(parts.values, 'label.values', null);
  const states = new Map<string, LabelState | null>();
  for (const [text, state] of Object.entries(values)) {
    const where = `label.values.${text}`;
    states.set(text, state === null ? null : read.oneOf(state, where, LABEL_STATES));
  }
  return {
    column: read.text(parts.column, 'label.column'),
    states,
    delayMicros: parts.delay === undefined ? 0 : read.duration(parts.delay, 'label.delay'),
    ties:
      parts.ties === undefined
        ? 'after_payments'
        : read.oneOf(parts.ties, 'label.ties', ['after_payments', 'before_payments']),
  };
}

function textMap(read: MappingReader, given: unknown, where: string): ReadonlyMap<string, string> {
  const parts = read.object(given, where, null);
  return new Map(Object.entries(parts).map(([text, value]) => [text, read.text(value, `${where}.${text}`)]));
}
