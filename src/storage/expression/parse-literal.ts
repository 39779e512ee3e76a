import { parseDate, parseInstant } from '../types/calendar.ts';
import { decimalText } from '../types/decimal.ts';
import { decimalOf } from '../types/delta-type.ts';
import type { LiteralExpression } from './expression.ts';

/*
 * The values of a text, typed as Spark does:
 *
 *   5        integer, else long, else decimal(digits, 0)      5L 5S 5Y    long, short, byte
 *   1.50     decimal by its digits: decimal(3, 2)             1e3BD       decimal
 *   1e3      double                                           1.5D 1.5F   double, float
 *   X'0AFF'  binary; an odd digit has a 0 before it
 *   DATE '2024-01-31'
 *   TIMESTAMP '2024-01-31 12:00:00.5-03:00'      UTC where it says no zone: Spark takes its session's
 *   TIMESTAMP_NTZ '2024-01-31 12:00:00'          with no zone
 */

/** The range of each integer type. */
export const INTEGER_RANGE = {
  byte: 2n ** 7n,
  short: 2n ** 15n,
  integer: 2n ** 31n,
  long: 2n ** 63n,
} as const;

/** Whether a whole number is of an integer type. */
export function fitsInteger(value: bigint, type: keyof typeof INTEGER_RANGE): boolean {
  return value < INTEGER_RANGE[type] && value >= -INTEGER_RANGE[type];
}

/** Digits that a decimal has at most. */
export const MAX_PRECISION = 38;

const NUMBER = /^(-?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?(bd|[lsydf])?$/;

/** The literal of a number's token, with a minus before it or not; undefined where no type holds it. */
export function numberLiteral(text: string): LiteralExpression | undefined {
  const match = NUMBER.exec(text.toLowerCase());
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction, exponent, suffix] = match;
  const isWhole = fraction === undefined && exponent === undefined;
  switch (suffix) {
    case 'l':
    case 's':
    case 'y':
      return isWhole ? integerLiteral(BigInt(sign + whole), [SUFFIX_TYPES[suffix]]) : undefined;
    case 'd':
      return floatLiteral('double', text.slice(0, -1));
    case 'f':
      return floatLiteral('float', text.slice(0, -1));
    case 'bd':
      return decimalLiteral(sign, whole, fraction ?? '', exponent ?? '0');
    default:
      if (isWhole)
        return integerLiteral(BigInt(sign + whole), ['integer', 'long']) ?? decimalLiteral(sign, whole, '', '0');
      return exponent === undefined ? decimalLiteral(sign, whole, fraction ?? '', '0') : floatLiteral('double', text);
  }
}

const SUFFIX_TYPES = { l: 'long', s: 'short', y: 'byte' } as const;

function integerLiteral(value: bigint, types: readonly (keyof typeof INTEGER_RANGE)[]): LiteralExpression | undefined {
  const type = types.find((candidate) => fitsInteger(value, candidate));
  if (type === undefined) return undefined;
  return { kind: 'literal', type, value: type === 'long' ? value : Number(value) };
}

function floatLiteral(type: 'double' | 'float', text: string): LiteralExpression | undefined {
  const value = type === 'float' ? Math.fround(Number(text)) : Number(text);
  return Number.isFinite(value) ? { kind: 'literal', type, value } : undefined;
}

function decimalLiteral(
  sign: string,
  whole: string,
  fraction: string,
  exponent: string,
): LiteralExpression | undefined {
  let digits = BigInt(whole + fraction);
  let scale = fraction.length - Number(exponent);
  if (Math.abs(scale) > 2 * MAX_PRECISION) return undefined;
  if (scale < 0) {
    digits *= 10n ** BigInt(-scale);
    scale = 0;
  }
  const precision = Math.max(digits.toString().length, scale);
  if (precision > MAX_PRECISION) return undefined;
  const value = decimalText(sign === '' ? digits : -digits, scale);
  return { kind: 'literal', type: decimalOf(precision, scale), value };
}

/** A word that makes a literal of the string behind it. */
interface TypedLiteral {
  /** What the string looks like, for errors. */
  readonly form: string;
  /** The literal of a string; undefined where it is not of the form. */
  read(text: string): LiteralExpression | undefined;
}

const INSTANT: TypedLiteral = {
  form: 'YYYY-MM-DD hh:mm:ss.ffffff and a zone, Z or ±hh:mm',
  read: (text) => instantLiteral('timestamp', text),
};

/** The words that make a literal of the string behind them. */
export const TYPED_LITERALS: ReadonlyMap<string, TypedLiteral> = new Map([
  ['X', { form: 'hexadecimal digits', read: binaryLiteral }],
  ['DATE', { form: 'YYYY-MM-DD', read: dateLiteral }],
  ['TIMESTAMP', INSTANT],
  ['TIMESTAMP_LTZ', INSTANT],
  [
    'TIMESTAMP_NTZ',
    { form: 'YYYY-MM-DD hh:mm:ss.ffffff without a zone', read: (text) => instantLiteral('timestamp_ntz', text) },
  ],
]);

function binaryLiteral(text: string): LiteralExpression | undefined {
  if (!/^[0-9a-fA-F]*$/.test(text)) return undefined;
  const hex = text.length % 2 === 0 ? text : `0${text}`;
  return { kind: 'literal', type: 'binary', value: new Uint8Array(Buffer.from(hex, 'hex')) };
}

function dateLiteral(text: string): LiteralExpression | undefined {
  const value = parseDate(text.trim());
  return value === undefined ? undefined : { kind: 'literal', type: 'date', value };
}

function instantLiteral(type: 'timestamp' | 'timestamp_ntz', text: string): LiteralExpression | undefined {
  const instant = parseInstant(text.trim());
  if (instant === undefined || (instant.hasZone && type === 'timestamp_ntz')) return undefined;
  return { kind: 'literal', type, value: instant.micros };
}
