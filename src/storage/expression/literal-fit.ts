import type { Cell } from '../types/cell.ts';
import { decimalText, fitsPrecision } from '../types/decimal.ts';
import { type DeltaType, isDecimal, isSameType } from '../types/delta-type.ts';
import { type BoundExpression, type BoundLiteral, castTo } from './bound-expression.ts';
import { decodeCell } from './cell-codec.ts';
import { fitsInteger } from './parse-literal.ts';
import { isInteger } from './type-rules.ts';

/** An exact number: `unscaled / 10^scale`. */
interface ExactNumber {
  readonly unscaled: bigint;
  readonly scale: number;
}

/**
 * A literal as one of another type with exactly its value; undefined where there is none. A decimal
 * becomes the double that is written with the same digits: 0.1 is 0.1D, as in Spark.
 */
export function literalAs(literal: BoundLiteral, type: DeltaType): BoundLiteral | undefined {
  if (literal.value === null || isSameType(literal.type, type)) return { ...literal, type };
  const exact = exactNumber(literal);
  const value = exact === undefined ? floatAs(literal, type) : exactAs(exact, type);
  return value === undefined ? undefined : { kind: 'literal', type, value };
}

/** An expression as one of a wider type, a literal as a literal. */
export function widenTo(bound: BoundExpression, type: DeltaType): BoundExpression {
  const literal = bound.kind === 'literal' ? literalAs(bound, type) : undefined;
  return literal ?? castTo(bound, type);
}

/** The number of an integer or decimal literal; undefined for others. */
function exactNumber({ type, value }: BoundLiteral): ExactNumber | undefined {
  if (!isInteger(type) && !isDecimal(type)) return undefined;
  const decoded = decodeCell(type, value, 'a literal');
  if (typeof decoded !== 'bigint' && typeof decoded !== 'number') return undefined;
  return { unscaled: BigInt(decoded), scale: isDecimal(type) ? type.scale : 0 };
}

function exactAs({ unscaled, scale }: ExactNumber, type: DeltaType): Cell | undefined {
  if (isDecimal(type)) {
    const rescaled = rescaledExactly(unscaled, scale, type.scale);
    return rescaled !== undefined && fitsPrecision(rescaled, type.precision)
      ? decimalText(rescaled, type.scale)
      : undefined;
  }
  if (isInteger(type)) {
    const whole = rescaledExactly(unscaled, scale, 0);
    if (whole === undefined || !fitsInteger(whole, type)) return undefined;
    return type === 'long' ? whole : Number(whole);
  }
  const text = decimalText(unscaled, scale);
  if (type === 'double') return readsBack(Number(text), String(Number(text)), text) ? Number(text) : undefined;
  if (type !== 'float') return undefined;
  const digits = Math.min(Math.max(text.replace(/[-.]/g, '').replace(/^0+/, '').length, 1), MAX_FLOAT_DIGITS);
  const value = Math.fround(Number(text));
  return readsBack(value, value.toPrecision(digits), text) ? value : undefined;
}

/** Digits that tell every float from its neighbours. */
const MAX_FLOAT_DIGITS = 9;

/** Whether a float, written with so many digits, is the number that was written. */
function readsBack(value: number, written: string, text: string): boolean {
  return Number.isFinite(value) && normalized(written) === normalized(text);
}

/** The digits and the power of ten of a number's text. */
function normalized(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/.exec(text) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}

function rescaledExactly(unscaled: bigint, from: number, to: number): bigint | undefined {
  if (to >= from) return unscaled * 10n ** BigInt(to - from);
  const divisor = 10n ** BigInt(from - to);
  return unscaled % divisor === 0n ? unscaled / divisor : undefined;
}

function floatAs({ type: from, value }: BoundLiteral, type: DeltaType): Cell | undefined {
  if (typeof value !== 'number') return undefined;
  if (from === 'float' && type === 'double') return value;
  if (from === 'double' && type === 'float') return Object.is(Math.fround(value), value) ? value : undefined;
  return undefined;
}
