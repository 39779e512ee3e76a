import {
  civilDate,
  DAY_MICROS,
  dateText,
  dayOfMicros,
  instantText,
  isInstant,
  parseDate,
  parseInstant,
} from '../types/calendar.ts';
import type { Cell } from '../types/cell.ts';
import { decimalText } from '../types/decimal.ts';
import { type DecimalType, type DeltaType, isDecimal, isSameType, typeName } from '../types/delta-type.ts';
import { checkedDecimal, rescaled } from './decimal-math.ts';
import { bigOf, numberOf, type UnaryOperation } from './evaluate-arithmetic.ts';
import { evaluationFailed } from './expression-error.ts';
import { fitsInteger } from './parse-literal.ts';
import { type IntegerType, isFloating, isInteger } from './type-rules.ts';

/**
 * The operation of a cast, by the table of `cast-rules.ts`.
 *
 * It throws AppError invalid_request for a row: CAST_INVALID_INPUT for a string that is not of the
 * form, else CAST_OVERFLOW for a value that the target does not hold.
 */
export function castOperation(from: DeltaType, to: DeltaType): UnaryOperation {
  if (isSameType(from, to)) return (value) => value;
  if (from === 'string') return fromString(to);
  if (isInteger(to)) return (value) => integerOf(wholeOf(from, value), from, to);
  if (isDecimal(to)) return toDecimal(from, to);
  if (isFloating(to)) return toFloating(from, to);
  return to === 'string' ? toText(from) : toTemporal(from, to);
}

/** The forms of strings that casts take; DuckDB tests them by the same patterns. */
export const STRING_FORMS = {
  integer: '[+-]?[0-9]+',
  decimal: String.raw`[+-]?[0-9]+(\.[0-9]+)?`,
  double: String.raw`[+-]?([0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|Infinity)|NaN`,
  date: '(000[1-9]|00[1-9][0-9]|0[1-9][0-9][0-9]|[1-9][0-9]{3})-[0-9]{2}-[0-9]{2}',
  time: String.raw`[ T]([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\.[0-9]{1,6})?`,
} as const;

const INTEGER_FORM = fullForm(STRING_FORMS.integer);
const DECIMAL_FORM = fullForm(STRING_FORMS.decimal);
const DOUBLE_FORM = fullForm(STRING_FORMS.double);
const DATE_FORM = fullForm(STRING_FORMS.date);
const TIMESTAMP_FORM = fullForm(`${STRING_FORMS.date}${STRING_FORMS.time}Z?`);
const TIMESTAMP_NTZ_FORM = fullForm(STRING_FORMS.date + STRING_FORMS.time);

function fullForm(form: string): RegExp {
  return new RegExp(`^(?:${form})$`);
}

function fromString(to: DeltaType): UnaryOperation {
  const read = stringReader(to);
  return (value) => {
    const result = read(String(value));
    if (result === undefined)
      throw evaluationFailed('CAST_INVALID_INPUT', `a string is not of the form of ${typeName(to)}`);
    return result;
  };
}

function stringReader(to: DeltaType): (text: string) => Cell | undefined {
  if (isDecimal(to)) return (text) => (DECIMAL_FORM.test(text) ? decimalOfText(text, to) : undefined);
  if (isInteger(to)) return (text) => (INTEGER_FORM.test(text) ? integerOfText(text, to) : undefined);
  if (to === 'double') return (text) => (DOUBLE_FORM.test(text) ? Number(text) : undefined);
  if (to === 'date') return (text) => (DATE_FORM.test(text) ? parseDate(text) : undefined);
  const form = to === 'timestamp' ? TIMESTAMP_FORM : TIMESTAMP_NTZ_FORM;
  return (text) => (form.test(text) ? parseInstant(text)?.micros : undefined);
}

/** Longer texts hold no value of any type, or zeros before it. */
const MAX_DIGITS = 39;

function integerOfText(text: string, to: IntegerType): Cell | undefined {
  const digits = text.replace(/^[+-]?0*/, '').slice(0, MAX_DIGITS);
  const value = BigInt(`${text.startsWith('-') ? '-' : ''}${digits === '' ? '0' : digits}`);
  if (!fitsInteger(value, to)) return undefined;
  return to === 'long' ? value : Number(value);
}

function decimalOfText(text: string, to: DecimalType): Cell {
  const [whole = '', fraction = ''] = text.replace(/^[+-]?0*/, '').split('.');
  // One digit beyond the scale decides how the last is rounded.
  const kept = fraction.slice(0, to.scale + 1).padEnd(to.scale + 1, '0');
  const magnitude = rescaled(BigInt(whole.slice(0, MAX_DIGITS) + kept), to.scale + 1, to.scale);
  return checkedDecimal(text.startsWith('-') ? -magnitude : magnitude, to, 'a CAST of string');
}

/** The whole part of a number as a bigint; undefined where it has none: NaN and infinities. */
function wholeOf(from: DeltaType, value: Cell): bigint | undefined {
  if (isDecimal(from)) return bigOf(value) / 10n ** BigInt(from.scale);
  if (isInteger(from)) return bigOf(value);
  const whole = Math.trunc(numberOf(value));
  return Number.isFinite(whole) ? BigInt(whole) : undefined;
}

function integerOf(value: bigint | undefined, from: DeltaType, to: IntegerType): Cell {
  if (value === undefined || !fitsInteger(value, to)) throw castOverflow(from, to);
  return to === 'long' ? value : Number(value);
}

function toDecimal(from: DeltaType, to: DecimalType): UnaryOperation {
  const scale = isDecimal(from) ? from.scale : 0;
  const what = `a CAST of ${typeName(from)}`;
  return (value) => checkedDecimal(rescaled(bigOf(value), scale, to.scale), to, what);
}

function toFloating(from: DeltaType, to: 'float' | 'double'): UnaryOperation {
  if (isDecimal(from)) return (value) => Number(decimalText(bigOf(value), from.scale));
  if (to === 'double') return numberOf;
  if (from === 'long') return (value) => floatOfLong(bigOf(value));
  return (value) => {
    const [double, float] = [numberOf(value), Math.fround(numberOf(value))];
    if (Number.isFinite(double) && !Number.isFinite(float)) throw castOverflow(from, to);
    return float;
  };
}

/** The nearest float of a long. By way of a double it would be rounded twice. */
function floatOfLong(value: bigint): number {
  if (value <= 2n ** 53n && value >= -(2n ** 53n)) return Math.fround(Number(value));
  // The twelve lowest bits only tell which side of a middle the rest lies on: their last stands for all.
  const high = value >> 12n;
  return Math.fround(Number((value & 4095n) === 0n ? high : high | 1n)) * 4096;
}

function toText(from: DeltaType): UnaryOperation {
  if (isDecimal(from)) return (value) => decimalText(bigOf(value), from.scale);
  if (from === 'date') return (value) => dateText(ofPlainYear(numberOf(value), numberOf(value), from));
  if (from === 'timestamp' || from === 'timestamp_ntz') {
    return (value) => instantText(ofPlainYear(bigOf(value), dayOfMicros(bigOf(value)), from));
  }
  return String;
}

/** A value whose day is in the years 1 to 9999: beyond, engines write years differently. */
function ofPlainYear<T>(value: T, days: number, from: DeltaType): T {
  const { year } = civilDate(days);
  if (year < 1 || year > 9999) throw castOverflow(from, 'string');
  return value;
}

function toTemporal(from: DeltaType, to: DeltaType): UnaryOperation {
  if (to === 'date') return (value) => dayOfMicros(bigOf(value));
  if (from !== 'date') return (value) => value;
  return (value) => {
    const micros = bigOf(value) * DAY_MICROS;
    if (!isInstant(micros)) throw castOverflow(from, to);
    return micros;
  };
}

function castOverflow(from: DeltaType, to: DeltaType): Error {
  return evaluationFailed('CAST_OVERFLOW', `a value of ${typeName(from)} is not one of ${typeName(to)}`);
}
