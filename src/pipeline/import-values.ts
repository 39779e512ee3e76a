import type { TObject, TSchema } from 'typebox';
import {
  DATE_PATTERN,
  dateOfDays,
  INSTANT_PATTERN,
  instantOfMicros,
  microsOfInstant,
  NO_INSTANT,
} from '../domain/instant.ts';
import { AMOUNT_PATTERN, amountOf } from '../domain/money.ts';
import { PaymentSchema } from '../domain/payment.ts';
import type { DayReader, TimeReader } from './import-times.ts';

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

/** Times and dates as the wire has them. */
export function instantValue(read: TimeReader): ValueReader {
  return (text) => {
    const micros = read(text);
    return micros === undefined ? bad('is no time of its format') : wireInstant(micros);
  };
}

/** A day as the wire has it. */
export function dateValue(read: DayReader): ValueReader {
  return (text) => {
    const day = read(text);
    return day === undefined ? bad('is no date of its format') : good(dateOfDays(day));
  };
}

function wireInstant(micros: number): ReadValue {
  const text = instantOfMicros(micros);
  return microsOfInstant(text) === undefined || text.length > 27 ? bad(NO_INSTANT) : good(text);
}
