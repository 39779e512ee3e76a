import type { Cell } from '../types/cell.ts';
import type { DeltaType } from '../types/delta-type.ts';
import type { Comparator } from './compare-values.ts';
import type { ComparisonOperator } from './expression.ts';
import { isFloating } from './type-rules.ts';

/**
 * What values an expression may have in the rows of a file. It may say too much, never too little:
 * every value of every row is within.
 */
export interface ValueRange {
  /** Bounds of the values that are neither null nor NaN, as `cell-codec.ts` decodes them; undefined where there is none. */
  readonly low: Cell | undefined;
  readonly high: Cell | undefined;
  readonly mayBeNull: boolean;
  /** Whether there may be a value that is neither null nor NaN. */
  readonly mayBeValue: boolean;
  readonly mayBeNan: boolean;
}

/** What a condition may be in the rows of a file. */
export interface Outcomes {
  readonly mayBeTrue: boolean;
  readonly mayBeFalse: boolean;
  readonly mayBeNull: boolean;
}

/** Nothing is known of a value but its type. */
export function anyValue(type: DeltaType, mayBeNull = true): ValueRange {
  return { low: undefined, high: undefined, mayBeNull, mayBeValue: true, mayBeNan: isFloating(type) };
}

/** Exactly one value, decoded. */
export function singleValue(value: Cell): ValueRange {
  const isNan = Number.isNaN(value);
  const isValue = value !== null && !isNan;
  const bound = isValue ? value : undefined;
  return { low: bound, high: bound, mayBeNull: value === null, mayBeValue: isValue, mayBeNan: isNan };
}

/** A condition of no row. */
export const NO_OUTCOME: Outcomes = { mayBeTrue: false, mayBeFalse: false, mayBeNull: false };
/** Nothing is known of a condition. */
export const ANY_OUTCOME: Outcomes = { mayBeTrue: true, mayBeFalse: true, mayBeNull: true };

/** The parts of a range whose values are of one kind: values, NaN, null. */
export function partsOf(range: ValueRange): readonly ValueRange[] {
  const parts: ValueRange[] = [];
  if (range.mayBeValue) parts.push({ ...range, mayBeNan: false, mayBeNull: false });
  if (range.mayBeNan) parts.push(singleValue(Number.NaN));
  if (range.mayBeNull) parts.push(singleValue(null));
  return parts;
}

/** How values of two ranges may be ordered. */
interface Orders {
  readonly less: boolean;
  readonly equal: boolean;
  readonly greater: boolean;
}

/** What a comparison of values of two ranges may be. */
export function comparisonOutcomes(
  op: ComparisonOperator,
  left: ValueRange,
  right: ValueRange,
  compare: Comparator,
): Outcomes {
  const orders = ordersOf(left, right, compare);
  const mayBeNull = left.mayBeNull || right.mayBeNull;
  switch (op) {
    case '=':
      return { mayBeTrue: orders.equal, mayBeFalse: orders.less || orders.greater, mayBeNull };
    case '<>':
      return { mayBeTrue: orders.less || orders.greater, mayBeFalse: orders.equal, mayBeNull };
    case '<':
      return { mayBeTrue: orders.less, mayBeFalse: orders.equal || orders.greater, mayBeNull };
    case '<=':
      return { mayBeTrue: orders.less || orders.equal, mayBeFalse: orders.greater, mayBeNull };
    case '>':
      return { mayBeTrue: orders.greater, mayBeFalse: orders.less || orders.equal, mayBeNull };
    case '>=':
      return { mayBeTrue: orders.greater || orders.equal, mayBeFalse: orders.less, mayBeNull };
    case '<=>': {
      const isOneNull = (left.mayBeNull && isPresent(right)) || (right.mayBeNull && isPresent(left));
      return {
        mayBeTrue: orders.equal || (left.mayBeNull && right.mayBeNull),
        mayBeFalse: orders.less || orders.greater || isOneNull,
        mayBeNull: false,
      };
    }
  }
}

/** Whether a value may be anything but null. */
export function isPresent({ mayBeValue, mayBeNan }: ValueRange): boolean {
  return mayBeValue || mayBeNan;
}

/** What may be in either of two. */
export function eitherOutcome(left: Outcomes, right: Outcomes): Outcomes {
  return {
    mayBeTrue: left.mayBeTrue || right.mayBeTrue,
    mayBeFalse: left.mayBeFalse || right.mayBeFalse,
    mayBeNull: left.mayBeNull || right.mayBeNull,
  };
}

/** AND of two conditions. */
export function andOutcomes(left: Outcomes, right: Outcomes): Outcomes {
  const [leftPasses, rightPasses] = [left.mayBeTrue || left.mayBeNull, right.mayBeTrue || right.mayBeNull];
  return {
    mayBeTrue: left.mayBeTrue && right.mayBeTrue,
    mayBeFalse: left.mayBeFalse || right.mayBeFalse,
    mayBeNull: (left.mayBeNull && rightPasses) || (right.mayBeNull && leftPasses),
  };
}

/** NOT of a condition. */
export function notOutcomes({ mayBeTrue, mayBeFalse, mayBeNull }: Outcomes): Outcomes {
  return { mayBeTrue: mayBeFalse, mayBeFalse: mayBeTrue, mayBeNull };
}

/** A test that is never null. */
export function testOutcomes(mayBeTrue: boolean, mayBeFalse: boolean): Outcomes {
  return { mayBeTrue, mayBeFalse, mayBeNull: false };
}

function ordersOf(left: ValueRange, right: ValueRange, compare: Comparator): Orders {
  const values = left.mayBeValue && right.mayBeValue ? valueOrders(left, right, compare) : NO_ORDER;
  // NaN is greater than every other number.
  return {
    less: values.less || (left.mayBeValue && right.mayBeNan),
    equal: values.equal || (left.mayBeNan && right.mayBeNan),
    greater: values.greater || (left.mayBeNan && right.mayBeValue),
  };
}

const NO_ORDER: Orders = { less: false, equal: false, greater: false };

function valueOrders(left: ValueRange, right: ValueRange, compare: Comparator): Orders {
  const lowest = orderOf(left.low, right.high, compare);
  const highest = orderOf(left.high, right.low, compare);
  return {
    less: lowest === undefined || lowest < 0,
    equal: (lowest === undefined || lowest <= 0) && (highest === undefined || highest >= 0),
    greater: highest === undefined || highest > 0,
  };
}

function orderOf(left: Cell | undefined, right: Cell | undefined, compare: Comparator): number | undefined {
  return left === undefined || right === undefined ? undefined : compare(left, right);
}
