import { type DeltaType, isDecimal, isSameType } from '../types/delta-type.ts';
import { isFloating, isInteger, isWidening } from './type-rules.ts';

/*
 * The casts that there are, as Spark's ANSI mode does them; a value that the target cannot hold is
 * an error of its row, never another value.
 *
 * | from | to | |
 * |---|---|---|
 * | integers | integers, decimal | |
 * | integers | float, double | the nearest |
 * | decimal | integers | the fraction is cut off |
 * | decimal | decimal | rounded half away from zero |
 * | decimal | double | the nearest |
 * | float, double | integers | the fraction is cut off |
 * | float, double | each other | the nearest; beyond a float's range an error, where Spark gives infinity |
 * | string | integers | `[+-]digits` |
 * | string | decimal | `[+-]digits[.digits]`, rounded half away from zero |
 * | string | double | `[+-]digits[.digits][e[+-]digits]`, `NaN`, `[+-]Infinity` |
 * | string | date | `YYYY-MM-DD`, years 0001 to 9999 |
 * | string | timestamp | `YYYY-MM-DD hh:mm:ss[.f][Z]`, UTC; the space may be a `T` |
 * | string | timestamp_ntz | as timestamp, without a `Z` |
 * | integers, decimal, boolean | string | decimals with all digits of their scale |
 * | date, timestamp, timestamp_ntz | string | years 0001 to 9999; timestamps in UTC |
 * | date | timestamp, timestamp_ntz | midnight, UTC |
 * | timestamp, timestamp_ntz | date, each other | in UTC |
 *
 * Spark reads more forms of strings (spaces, single digits of months). Casts of floats to decimal and
 * to string, and of strings to float and boolean, are left out: engines differ in them.
 */

/** Whether there is a cast between two types. */
export function isCastable(from: DeltaType, to: DeltaType): boolean {
  if (isSameType(from, to) || from === 'void') return true;
  if (isInteger(from)) return isInteger(to) || isDecimal(to) || isFloating(to) || to === 'string';
  if (isDecimal(from)) return isInteger(to) || isDecimal(to) || to === 'double' || to === 'string';
  if (isFloating(from)) return isInteger(to) || isFloating(to);
  switch (from) {
    case 'string':
      return isInteger(to) || isDecimal(to) || to === 'double' || isTemporal(to);
    case 'boolean':
      return to === 'string';
    case 'date':
    case 'timestamp':
    case 'timestamp_ntz':
      return to === 'string' || isTemporal(to);
    default:
      return false;
  }
}

/** Whether a type is of days or instants. */
export function isTemporal(type: DeltaType): type is 'date' | 'timestamp' | 'timestamp_ntz' {
  return type === 'date' || type === 'timestamp' || type === 'timestamp_ntz';
}

/** Whether a cast gives a value for every value: no row of it is an error. */
export function isTotalCast(from: DeltaType, to: DeltaType): boolean {
  if (from === 'void' || isSameType(from, to)) return true;
  if (isInteger(from) && isFloating(to)) return true;
  if (isDecimal(from) && to === 'double') return true;
  if (to === 'string') return !isTemporal(from);
  // Days reach further than instants do.
  if (isTemporal(from) && isTemporal(to)) return from !== 'date';
  return isWidening(from, to);
}
