import {
  civilDate,
  DAY_MICROS,
  dayOfMicros,
  daysOf,
  floorDivide,
  isInstant,
  SECOND_MICROS,
} from '../types/calendar.ts';
import type { Cell } from '../types/cell.ts';
import { type DeltaType, isDecimal, typeName } from '../types/delta-type.ts';
import type { BoundDateTrunc, BoundSubstring, UnaryName } from './bound-expression.ts';
import { bigOf, checkedLong, negateOperation, numberOf, type UnaryOperation } from './evaluate-arithmetic.ts';
import { evaluationFailed } from './expression-error.ts';
import { isFloating } from './type-rules.ts';

/**
 * The operation of a function of one operand, as in Spark: lengths count code points (bytes of
 * binaries), trim takes spaces (U+0020) only, lower and upper are Unicode's full mappings, and
 * parts of an instant are those of UTC. floor and ceil of a float beyond long are errors, where Spark
 * gives the nearest long.
 */
export function functionOperation(name: UnaryName, type: DeltaType): UnaryOperation {
  switch (name) {
    case 'abs':
      return absOperation(type);
    case 'floor':
    case 'ceil':
      return roundOperation(name, type);
    case 'length':
      return (value) => (value instanceof Uint8Array ? value.length : codePointCount(String(value)));
    case 'lower':
      return (value) => String(value).toLowerCase();
    case 'upper':
      return (value) => String(value).toUpperCase();
    case 'trim':
      return (value) =>
        String(value)
          .replace(/^ +/, '')
          .replace(/(?<! ) +$/, '');
    case 'year':
    case 'month':
    case 'day':
      return (value) => civilDate(type === 'date' ? numberOf(value) : dayOfMicros(bigOf(value)))[name];
    case 'hour':
    case 'minute':
    case 'second':
      return (value) => clockPart(bigOf(value), name);
  }
}

/** The operation of `substring`: a start of 0 is as 1, one before the beginning takes less. */
export function substringOperation({ start, length }: BoundSubstring): UnaryOperation {
  return (value) => {
    const characters = [...String(value)];
    const from = start > 0 ? start - 1 : start < 0 ? characters.length + start : 0;
    const to = length === undefined ? characters.length : from + length;
    return characters.slice(Math.max(from, 0), Math.max(to, 0)).join('');
  };
}

/** The operation of `date_trunc`, in UTC. */
export function dateTruncOperation({ unit }: BoundDateTrunc): UnaryOperation {
  return (value) => {
    const micros = bigOf(value);
    const truncated =
      unit === 'HOUR' ? floorDivide(micros, HOUR_MICROS) * HOUR_MICROS : BigInt(firstDay(unit, micros)) * DAY_MICROS;
    if (isInstant(truncated)) return truncated;
    throw evaluationFailed('ARITHMETIC_OVERFLOW', 'date_trunc gives an instant beyond timestamp');
  };
}

const MINUTE_MICROS = 60n * SECOND_MICROS;
const HOUR_MICROS = 60n * MINUTE_MICROS;

function firstDay(unit: 'YEAR' | 'MONTH' | 'DAY', micros: bigint): number {
  const days = dayOfMicros(micros);
  const { year, month } = civilDate(days);
  if (unit === 'DAY') return days;
  return daysOf({ year, month: unit === 'YEAR' ? 1 : month, day: 1 });
}

function clockPart(micros: bigint, part: 'hour' | 'minute' | 'second'): number {
  const ofDay = Number(floorDivide(micros, SECOND_MICROS) - BigInt(dayOfMicros(micros)) * 86_400n);
  if (part === 'hour') return Math.floor(ofDay / 3600);
  return part === 'minute' ? Math.floor(ofDay / 60) % 60 : ofDay % 60;
}

function absOperation(type: DeltaType): UnaryOperation {
  const negate = negateOperation(type);
  if (isFloating(type)) return (value) => Math.abs(numberOf(value));
  return (value) => (isNegative(value) ? negate(value) : value);
}

function isNegative(value: Cell): boolean {
  return typeof value === 'bigint' ? value < 0n : numberOf(value) < 0;
}

function roundOperation(name: 'floor' | 'ceil', type: DeltaType): UnaryOperation {
  if (isDecimal(type)) {
    const divisor = 10n ** BigInt(type.scale);
    return (value) => (name === 'floor' ? floorDivide(bigOf(value), divisor) : -floorDivide(-bigOf(value), divisor));
  }
  if (!isFloating(type)) return bigOf;
  return (value) => {
    const whole = Math[name](numberOf(value));
    if (Number.isFinite(whole)) return checkedLong(BigInt(whole), name);
    throw evaluationFailed('ARITHMETIC_OVERFLOW', `${name} of a ${typeName(type)} that is no finite number`);
  };
}

function codePointCount(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
