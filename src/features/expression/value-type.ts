import type { ColumnType } from '../../domain/payment-row.ts';

/**
 * Types of values. Whole numbers, instants (microseconds since 1970), dates (days since 1970) and spans (microseconds)
 * are held as doubles and stay within ±(2^53 − 1), where a double is exact; a boolean is held as 1 or 0.
 */
export type ValueType = ColumnType | 'double' | 'duration';

/** Types whose values are whole and exact. */
export function isWhole(type: ValueType): boolean {
  return type !== 'double' && type !== 'string' && type !== 'boolean';
}

/** Whether values of the type can be calculated with. */
export function isNumber(type: ValueType): boolean {
  return type === 'long' || type === 'double';
}

/** A type as messages write it, with its article. */
export function aType(type: ValueType): string {
  return TYPE_WORDS[type];
}

/** One of some types, as messages write it: `a timestamp or a date`. */
export function oneOf(types: readonly ValueType[]): string {
  const isAnyNumber = types.includes('long') && types.includes('double');
  return types
    .filter((type) => type !== 'long' || !isAnyNumber)
    .map(aType)
    .join(' or ');
}

const TYPE_WORDS: Readonly<Record<ValueType, string>> = {
  long: 'a whole number',
  double: 'a number',
  boolean: 'a boolean',
  string: 'a text',
  timestamp: 'a timestamp',
  date: 'a date',
  duration: 'a span of time',
};
