import { DAY_MICROS, dateText, floorDivide, timeOfDay } from '../types/calendar.ts';
import { decimalText, fitsPrecision } from '../types/decimal.ts';
import { corruptVariant, DECIMAL_DIGITS, PRIMITIVE, unsupportedVariant } from './variant-format.ts';
import type { VariantReader } from './variant-reader.ts';

/** The JSON text of a primitive, and where it ends. */
export interface PrimitiveText {
  readonly text: string;
  readonly end: number;
}

const DAY_NANOS = DAY_MICROS * 1000n;

/**
 * The JSON text of a primitive (VariantEncoding.md, "Encoding types", "Variant primitive types").
 *
 * Integers and decimals keep all their digits; NaN and Infinity are texts, as Spark's `to_json` has
 * them; binary is base64; times are ISO 8601 with all digits of their unit, those of an instant
 * with `Z`.
 *
 * @param type the upper six bits of its first byte; `at` follows that byte.
 * @throws AppError table_corrupt, table_unsupported for a type that we do not know.
 */
export function primitiveText(reader: VariantReader, type: number, at: number): PrimitiveText {
  switch (type) {
    case PRIMITIVE.null:
      return { text: 'null', end: at };
    case PRIMITIVE.true:
      return { text: 'true', end: at };
    case PRIMITIVE.false:
      return { text: 'false', end: at };
    case PRIMITIVE.int8:
      return { text: String(reader.signed(at, 1)), end: at + 1 };
    case PRIMITIVE.int16:
      return { text: String(reader.signed(at, 2)), end: at + 2 };
    case PRIMITIVE.int32:
      return { text: String(reader.signed(at, 4)), end: at + 4 };
    case PRIMITIVE.int64:
      return { text: String(reader.int64(at)), end: at + 8 };
    case PRIMITIVE.float:
      return { text: numberText(shortestOfFloat(reader.float(at))), end: at + 4 };
    case PRIMITIVE.double:
      return { text: numberText(reader.double(at)), end: at + 8 };
    case PRIMITIVE.decimal4:
      return decimal(reader, at, BigInt(reader.signed(at + 1, 4)), 4);
    case PRIMITIVE.decimal8:
      return decimal(reader, at, reader.int64(at + 1), 8);
    case PRIMITIVE.decimal16:
      return decimal(reader, at, reader.int128(at + 1), 16);
    case PRIMITIVE.date:
      return { text: `"${dateText(reader.signed(at, 4))}"`, end: at + 4 };
    case PRIMITIVE.binary:
    case PRIMITIVE.string:
      return bytesText(reader, type, at);
    case PRIMITIVE.uuid:
      return { text: `"${uuidText(reader.slice(at, 16).toString('hex'))}"`, end: at + 16 };
    default:
      return timeText(reader, type, at);
  }
}

function timeText(reader: VariantReader, type: number, at: number): PrimitiveText {
  const end = at + 8;
  switch (type) {
    case PRIMITIVE.timestamp:
      return { text: `"${instant(reader.int64(at), 6)}Z"`, end };
    case PRIMITIVE.timestampNtz:
      return { text: `"${instant(reader.int64(at), 6)}"`, end };
    case PRIMITIVE.timestampNanos:
      return { text: `"${instant(reader.int64(at), 9)}Z"`, end };
    case PRIMITIVE.timestampNanosNtz:
      return { text: `"${instant(reader.int64(at), 9)}"`, end };
    case PRIMITIVE.time: {
      const micros = reader.int64(at);
      if (micros < 0n || micros >= DAY_MICROS) throw corruptVariant(`a day has no time ${micros} µs`);
      return { text: `"${timeOfDay(micros, 6)}"`, end };
    }
    default:
      throw unsupportedVariant(`it has a value of type ${type}, which we do not know`);
  }
}

function decimal(reader: VariantReader, at: number, unscaled: bigint, size: number): PrimitiveText {
  const scale = reader.unsigned(at, 1);
  if (scale > DECIMAL_DIGITS || !fitsPrecision(unscaled, DECIMAL_DIGITS)) {
    throw corruptVariant(`a decimal has more than ${DECIMAL_DIGITS} digits`);
  }
  return { text: decimalText(unscaled, scale), end: at + 1 + size };
}

function bytesText(reader: VariantReader, type: number, at: number): PrimitiveText {
  const size = reader.unsigned(at, 4);
  const end = at + 4 + size;
  if (type === PRIMITIVE.string) return { text: JSON.stringify(reader.utf8(at + 4, size)), end };
  return { text: `"${reader.slice(at + 4, size).toString('base64')}"`, end };
}

/**
 * A double; JSON has no NaN and no Infinity, and `JSON.stringify` would lose the sign of −0. A whole
 * one has a zero after the point, as Spark writes it: else it would be an integer when it is parsed.
 */
function numberText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** The double of fewest digits that is nearest to no other float: 1.1 for the float 1.10000002384. */
function shortestOfFloat(value: number): number {
  for (let digits = 1; digits < 9; digits += 1) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return Number.isFinite(value) ? Number(value.toPrecision(9)) : value;
}

/** `YYYY-MM-DDThh:mm:ss.f` of a time since 1970 in units of which a second has 10^`digits`. */
function instant(units: bigint, digits: 6 | 9): string {
  const ofDay = digits === 6 ? DAY_MICROS : DAY_NANOS;
  const day = floorDivide(units, ofDay);
  return `${dateText(Number(day))}T${timeOfDay(units - day * ofDay, digits)}`;
}

function uuidText(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
