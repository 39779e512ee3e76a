import type { TObject, TSchema } from 'typebox';
import { civilZone } from '../base/civil-time.ts';
import {
  DATE_PATTERN,
  dateOfDays,
  daysOfCivil,
  INSTANT_PATTERN,
  instantOfMicros,
  microsOfInstant,
  NO_INSTANT,
} from '../domain/instant.ts';
import { AMOUNT_PATTERN, amountOf } from '../domain/money.ts';
import { PaymentSchema } from '../domain/payment.ts';

/** What a field of a payment takes. */
export type FieldKind = 'text' | 'amount' | 'instant' | 'date' | 'boolean' | 'integer';

/** A value as the body of `/v1/score` has it, or what is wrong with the text (never the text itself). */
export type ReadValue =
  | { readonly ok: true; readonly value: string | number | boolean }
  | { readonly ok: false; readonly problem: string };

/** Reads a field's text. */
export type ValueReader = (text: string) => ReadValue;

/** Every field of a payment that can be mapped, by its dotted path. */
export const PAYMENT_FIELDS: ReadonlyMap<string, FieldKind> = new Map(fieldsOf(PaymentSchema, ''));

function fieldsOf(schema: TObject, prefix: string): [string, FieldKind][] {
  return Object.entries(schema.properties).flatMap(([name, member]: [string, TSchema]): [string, FieldKind][] =>
    isObject(member) ? fieldsOf(member, `${prefix}${name}.`) : [[`${prefix}${name}`, kindOf(member)]],
  );
}

function isObject(schema: TSchema): schema is TObject {
  return 'properties' in schema;
}

function kindOf(schema: TSchema): FieldKind {
  const pattern = 'pattern' in schema ? schema.pattern : undefined;
  if (pattern === INSTANT_PATTERN) return 'instant';
  if (pattern === DATE_PATTERN) return 'date';
  if (pattern === AMOUNT_PATTERN) return 'amount';
  const type = 'type' in schema ? schema.type : undefined;
  return type === 'boolean' || type === 'integer' ? type : 'text';
}

const good = (value: string | number | boolean): ReadValue => ({ ok: true, value });
const bad = (problem: string): ReadValue => ({ ok: false, problem });

/** Units in which a file counts money. */
export const AMOUNT_UNITS = ['reais', 'centavos'] as const;
/** A unit in which a file counts money. */
export type AmountUnit = (typeof AMOUNT_UNITS)[number];

/** Thousands in groups. `10.50` and `0.500` are none: a file that has such does not write its amounts with commas. */
const GROUPED = /^-?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d{0,2})?$/;

/**
 * Reads money: reais with up to two places, or whole centavos.
 *
 * @param decimal what divides reais from centavos; with `,` a `.` may group thousands, all of them.
 */
export function amountReader(unit: AmountUnit, decimal: '.' | ','): ValueReader {
  return (given) => {
    if (decimal === ',' && given.includes('.') && !GROUPED.test(given))
      return bad('has a point that groups no thousands');
    const text = decimal === ',' ? given.replaceAll('.', '').replace(',', '.') : given;
    if (/^-\d/.test(text)) return bad('is negative');
    const match = (unit === 'centavos' ? /^0*(\d{1,12})()$/ : /^0*(\d{1,10})(?:\.(\d{0,2}))?$/).exec(text);
    if (match === null) {
      const cleaned = unit === 'reais' ? withoutNoise(text) : undefined;
      if (cleaned !== undefined) return good(cleaned);
      return bad(
        unit === 'centavos' ? 'is no whole number of centavos' : 'is no amount of at most 10 digits and two places',
      );
    }
    const [, whole = '0', places = ''] = match;
    return good(amountOf(unit === 'centavos' ? Number(whole) : Number(whole) * 100 + Number(places.padEnd(2, '0'))));
  };
}

/**
 * What adding in doubles leaves behind: `140.29999999999998` is 140.30. Undefined where a text is
 * further from an amount of two places than such noise, 4 units in the last place.
 */
function withoutNoise(text: string): string | undefined {
  if (!/^\d{1,10}\.\d{10,20}$/.test(text)) return undefined;
  const value = Number(text);
  const centavos = Math.round(value * 100);
  return Math.abs(value - centavos / 100) <= value * 2 ** -50 ? amountOf(centavos) : undefined;
}

/** Reads true/false, yes/no, 1/0 in any case. */
export const readBoolean: ValueReader = (text) => {
  const lower = text.toLowerCase();
  if (['true', 't', 'yes', 'y', '1'].includes(lower)) return good(true);
  if (['false', 'f', 'no', 'n', '0'].includes(lower)) return good(false);
  return bad('is neither true nor false');
};

/** Reads a whole number that a double holds exactly. */
export const readInteger: ValueReader = (text) => {
  const value = Number(text);
  return /^-?\d{1,15}$/.test(text) ? good(value) : bad('is no whole number');
};

/** Texts are taken as they are. */
export const readText: ValueReader = good;

/** A text to microseconds since 1970; undefined where it is no time of the format. */
export type TimeReader = (text: string) => number | undefined;

const EPOCHS: Readonly<Record<string, number>> = { epoch_s: 1_000_000, epoch_ms: 1000, epoch_us: 1 };
const TOKENS = /YYYY|MM|DD|HH|mm|ss|SSSSSS|SSS/g;
const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?)?\s?(Z|[+-]\d{2}:?\d{2})?$/;

/** Names of time formats, and what patterns are made of: for messages. */
export const TIME_FORMATS = 'iso, epoch_s, epoch_ms, epoch_us or a pattern of YYYY MM DD HH mm ss SSS SSSSSS';

/**
 * A reader of times. A text that names its own offset keeps it; others are in `zone`.
 *
 * @returns undefined where the format is none.
 * @throws RangeError where the zone is none.
 */
export function timeReader(format: string, zone: string): TimeReader | undefined {
  const scale = EPOCHS[format];
  if (scale !== undefined) {
    return (text) =>
      /^-?\d{1,16}$/.test(text) && Math.abs(Number(text) * scale) < 2 ** 53 ? Number(text) * scale : undefined;
  }
  const toUtc = zoneReader(zone);
  if (format === 'iso') {
    return (text) => {
      const match = ISO.exec(text);
      if (match === null) return undefined;
      const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', offset] = match;
      const local = microsOf([year, month, day, hour, minute, second], fraction);
      if (local === undefined) return undefined;
      return offset === undefined ? toUtc(local) : local - offsetMicros(offset);
    };
  }
  return patternReader(format, toUtc);
}

function patternReader(format: string, toUtc: (local: number) => number): TimeReader | undefined {
  const names: readonly string[] = format.match(TOKENS) ?? [];
  if (!['YYYY', 'MM', 'DD'].every((name) => names.filter((one) => one === name).length === 1)) return undefined;
  if (new Set(names).size !== names.length) return undefined;
  const literal = format.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pattern = new RegExp(`^${literal.replace(TOKENS, (token) => `(\\d{${token.length}})`)}$`);
  return (text) => {
    const match = pattern.exec(text);
    if (match === null) return undefined;
    const part = (name: string): string => match[names.indexOf(name) + 1] ?? '0';
    const fraction = names.includes('SSS') ? part('SSS') : names.includes('SSSSSS') ? part('SSSSSS') : '';
    const local = microsOf(
      ['YYYY', 'MM', 'DD', 'HH', 'mm', 'ss'].map((name) => (names.includes(name) ? part(name) : '0')),
      fraction,
    );
    return local === undefined ? undefined : toUtc(local);
  };
}

function microsOf(parts: readonly (string | undefined)[], fraction: string): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number);
  const days = daysOfCivil(year, month, day);
  if (days === undefined || hour > 23 || minute > 59 || second > 59) return undefined;
  return (days * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000 + Number(fraction.padEnd(6, '0'));
}

function offsetMicros(offset: string): number {
  if (offset === 'Z') return 0;
  const digits = offset.replace(':', '');
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5));
  return (offset.startsWith('-') ? -minutes : minutes) * 60_000_000;
}

/** Local time to UTC. An hour that comes twice is its first; one that never was is moved on. */
function zoneReader(zone: string): (local: number) => number {
  if (zone === 'UTC' || zone === 'Z') return (local) => local;
  const of = civilZone(zone);
  return (local) => {
    const before = local - of.offsetSeconds(local - 86_400_000_000) * 1_000_000;
    const after = local - of.offsetSeconds(local + 86_400_000_000) * 1_000_000;
    if (before === after) return before;
    const fits = [before, after].filter((utc) => utc + of.offsetSeconds(utc) * 1_000_000 === local);
    return fits.length > 0 ? Math.min(...fits) : before;
  };
}

/** Times and dates as the wire has them. */
export function instantValue(read: TimeReader): ValueReader {
  return (text) => {
    const micros = read(text);
    return micros === undefined ? bad('is no time of its format') : wireInstant(micros);
  };
}

/** The civil date of a time, as the file's own zone tells it. */
export function dateValue(read: TimeReader): ValueReader {
  return (text) => {
    const micros = read(text);
    return micros === undefined
      ? bad('is no date of its format')
      : good(dateOfDays(Math.floor(micros / 86_400_000_000)));
  };
}

function wireInstant(micros: number): ReadValue {
  const text = instantOfMicros(micros);
  return microsOfInstant(text) === undefined || text.length > 27 ? bad(NO_INSTANT) : good(text);
}
