import { fitsPrecision } from '../types/decimal.ts';
import { DECIMAL_DIGITS, PRIMITIVE } from './variant-format.ts';

const INTEGER = /^-?\d+$/;
const DECIMAL = /^(-?\d+)(?:\.(\d+))?$/;

/** Digits, and digits after the point, that a decimal of 4 and of 8 bytes holds. */
const DECIMAL4_DIGITS = 9;
const DECIMAL8_DIGITS = 18;

/**
 * A number of JSON as a variant's primitive, of the type that Spark chooses.
 *
 * @param text a number as JSON writes it.
 * @returns undefined for one whose double is infinite.
 */
export function encodeNumber(text: string): Buffer | undefined {
  if (INTEGER.test(text)) {
    const value = BigInt(text);
    if (BigInt.asIntN(64, value) === value) return integer(value);
  }
  const match = DECIMAL.exec(text);
  if (match !== null) {
    const [, whole = '', fraction = ''] = match;
    const unscaled = BigInt(whole + fraction);
    if (fraction.length <= DECIMAL_DIGITS && fitsPrecision(unscaled, DECIMAL_DIGITS)) {
      return decimal(unscaled, fraction.length);
    }
  }
  const value = Number(text);
  if (!Number.isFinite(value)) return undefined;
  const bytes = primitive(PRIMITIVE.double, 8);
  bytes.writeDoubleLE(value, 1);
  return bytes;
}

function integer(value: bigint): Buffer {
  if (BigInt.asIntN(32, value) !== value) {
    const bytes = primitive(PRIMITIVE.int64, 8);
    bytes.writeBigInt64LE(value, 1);
    return bytes;
  }
  const small = Number(value);
  const [type, size] =
    (small << 24) >> 24 === small
      ? ([PRIMITIVE.int8, 1] as const)
      : (small << 16) >> 16 === small
        ? ([PRIMITIVE.int16, 2] as const)
        : ([PRIMITIVE.int32, 4] as const);
  const bytes = primitive(type, size);
  bytes.writeIntLE(small, 1, size);
  return bytes;
}

function decimal(unscaled: bigint, scale: number): Buffer {
  const fits = (digits: number): boolean => scale <= digits && fitsPrecision(unscaled, digits);
  if (fits(DECIMAL4_DIGITS)) {
    const bytes = primitive(PRIMITIVE.decimal4, 5);
    bytes.writeInt32LE(Number(unscaled), 2);
    return withScale(bytes, scale);
  }
  if (fits(DECIMAL8_DIGITS)) {
    const bytes = primitive(PRIMITIVE.decimal8, 9);
    bytes.writeBigInt64LE(unscaled, 2);
    return withScale(bytes, scale);
  }
  const bytes = primitive(PRIMITIVE.decimal16, 17);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, unscaled), 2);
  bytes.writeBigInt64LE(unscaled >> 64n, 10);
  return withScale(bytes, scale);
}

function withScale(bytes: Buffer, scale: number): Buffer {
  bytes.writeUInt8(scale, 1);
  return bytes;
}

function primitive(type: number, dataSize: number): Buffer {
  const bytes = Buffer.alloc(1 + dataSize);
  bytes.writeUInt8(type << 2, 0);
  return bytes;
}
