import {
  type DecimalType,
  type DeltaType,
  decimalOf,
  isDecimal,
  isPrimitive,
  isSameType,
} from '../types/delta-type.ts';
import { INTEGER_RANGE, MAX_PRECISION } from './parse-literal.ts';

/*
 * Which types go together without a CAST:
 *
 * - byte, short, integer, long and decimals are exact numbers and compare by their value, whatever
 *   their sizes and scales; float and double compare as doubles. Others compare with their own type.
 * - Where one type is needed, it is the least that holds all values of both: the longer integer,
 *   double of float and double, the decimal with the digits of both on each side of the point.
 *
 * An exact number and a float never go together: which of the two is rounded would be a guess.
 */

/** The integer types. */
export type IntegerType = keyof typeof INTEGER_RANGE;

/** Integer types, each holding those before it. */
const INTEGERS: readonly IntegerType[] = ['byte', 'short', 'integer', 'long'];
/** Digits of each integer type as a decimal, as Spark counts them. */
const INTEGER_DIGITS = { byte: 3, short: 5, integer: 10, long: 20 } as const;

/** Whether a type is of integers. */
export function isInteger(type: DeltaType): type is IntegerType {
  return isPrimitive(type) && Object.hasOwn(INTEGER_RANGE, type);
}

/** Whether a type is of floating-point numbers. */
export function isFloating(type: DeltaType): type is 'float' | 'double' {
  return type === 'float' || type === 'double';
}

/** Types whose values compare with each other. */
export type Family =
  | 'exact'
  | 'floating'
  | 'string'
  | 'boolean'
  | 'binary'
  | 'date'
  | 'timestamp'
  | 'timestamp_ntz'
  | 'void';

/** The family of a type; undefined for nested types and variant, which do not compare. */
export function familyOf(type: DeltaType): Family | undefined {
  if (isInteger(type) || isDecimal(type)) return 'exact';
  if (isFloating(type)) return 'floating';
  return isPrimitive(type) && type !== 'variant' ? type : undefined;
}

/** An integer type as a decimal that holds it; a decimal as it is; undefined for other types. */
export function decimalOfExact(type: DeltaType): DecimalType | undefined {
  if (isDecimal(type)) return type;
  return isInteger(type) ? decimalOf(INTEGER_DIGITS[type], 0) : undefined;
}

/** The least type that holds all values of two; undefined where there is none. */
export function commonType(left: DeltaType, right: DeltaType): DeltaType | undefined {
  if (isSameType(left, right)) return left;
  if (left === 'void') return right;
  if (right === 'void') return left;
  if (isInteger(left) && isInteger(right)) return INTEGERS[Math.max(INTEGERS.indexOf(left), INTEGERS.indexOf(right))];
  if (isFloating(left) && isFloating(right)) return 'double';
  const [a, b] = [decimalOfExact(left), decimalOfExact(right)];
  return a === undefined || b === undefined ? undefined : commonDecimal(a, b);
}

/** The decimal that holds all values of two; undefined where it takes more than 38 digits. */
export function commonDecimal(left: DecimalType, right: DecimalType): DecimalType | undefined {
  const scale = Math.max(left.scale, right.scale);
  const precision = Math.max(left.precision - left.scale, right.precision - right.scale) + scale;
  return precision > MAX_PRECISION ? undefined : decimalOf(precision, scale);
}

/** Whether every value of a type is one of another, too, so that a cast changes and refuses none. */
export function isWidening(from: DeltaType, to: DeltaType): boolean {
  const common = commonType(from, to);
  return common !== undefined && isSameType(common, to);
}
