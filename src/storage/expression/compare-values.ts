import { compareUtf8 } from '../store/object-store.ts';
import type { Cell } from '../types/cell.ts';
import { type DeltaType, isDecimal } from '../types/delta-type.ts';
import { isFloating } from './type-rules.ts';

/** Order of two values that are not null, as `cell-codec.ts` decodes them: negative, zero or positive. */
export type Comparator = (left: Cell, right: Cell) => number;

/**
 * The order of two types of one family, as Spark and DuckDB have it: strings and binaries by their
 * bytes, strings in UTF-8; NaN is equal to NaN and greater than all other numbers, −0 equal to 0;
 * exact numbers by their value, whatever their scales; false before true.
 */
export function comparatorOf(left: DeltaType, right: DeltaType): Comparator {
  if (isDecimal(left) || isDecimal(right)) return decimalComparator(scaleOf(left), scaleOf(right));
  if (isFloating(left)) return compareFloats;
  if (left === 'string') return compareStrings;
  return left === 'binary' ? compareBinaries : compareOrdered;
}

function scaleOf(type: DeltaType): number {
  return isDecimal(type) ? type.scale : 0;
}

function decimalComparator(leftScale: number, rightScale: number): Comparator {
  const scale = Math.max(leftScale, rightScale);
  const [leftFactor, rightFactor] = [10n ** BigInt(scale - leftScale), 10n ** BigInt(scale - rightScale)];
  return (left, right) => compareOrdered(bigintOf(left) * leftFactor, bigintOf(right) * rightFactor);
}

function compareFloats(left: Cell, right: Cell): number {
  const [isLeftNan, isRightNan] = [Number.isNaN(left), Number.isNaN(right)];
  return isLeftNan || isRightNan ? Number(isLeftNan) - Number(isRightNan) : compareOrdered(left, right);
}

function compareStrings(left: Cell, right: Cell): number {
  return typeof left === 'string' && typeof right === 'string' ? compareUtf8(left, right) : 0;
}

function compareBinaries(left: Cell, right: Cell): number {
  return left instanceof Uint8Array && right instanceof Uint8Array ? Buffer.compare(left, right) : 0;
}

/** JavaScript orders numbers and bigints among each other, by their value. */
function compareOrdered(left: Cell, right: Cell): number {
  if (!isOrdered(left) || !isOrdered(right)) return 0;
  if (left < right) return -1;
  return left > right ? 1 : 0;
}

function isOrdered(value: Cell): value is number | bigint | boolean {
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';
}

function bigintOf(value: Cell): bigint {
  return typeof value === 'bigint' || typeof value === 'number' ? BigInt(value) : 0n;
}

/** What stands for a value in a Set, which holds NaN equal to NaN and 0 to −0 as we do. */
export function setKey(value: Cell): Cell {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}
