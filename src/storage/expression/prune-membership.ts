import type { Cell } from '../types/cell.ts';
import type { BoundIn } from './bound-expression.ts';
import { decodeCell } from './cell-codec.ts';
import { type Comparator, comparatorOf } from './compare-values.ts';
import type { Outcomes, ValueRange } from './value-range.ts';

/** What IN may be by the range of its operand. The list is sorted once: files are many and lists long. */
export function membershipOutcomes({ operand, values, columns, hasNull }: BoundIn): (range: ValueRange) => Outcomes {
  const compare = comparatorOf(operand.type, operand.type);
  const decoded = values.map((value) => decodeCell(operand.type, value, 'a literal'));
  const hasNan = decoded.some((value) => Number.isNaN(value));
  const sorted = decoded.filter((value) => !Number.isNaN(value)).sort(compare);
  return (range) => {
    const { low, high, mayBeValue, mayBeNan, mayBeNull } = range;
    const isListed = isAnyWithin(sorted, low, high, compare);
    const isOne = low !== undefined && high !== undefined && compare(low, high) === 0;
    const mayMiss = (mayBeValue && !(isOne && isListed)) || (mayBeNan && !hasNan);
    const isOpen = columns.length > 0;
    return {
      mayBeTrue: (mayBeValue && isListed) || (mayBeNan && hasNan) || (isOpen && (mayBeValue || mayBeNan)),
      mayBeFalse: mayMiss && !hasNull,
      mayBeNull: mayBeNull || (mayMiss && (hasNull || isOpen)),
    };
  };
}

/** Whether any of sorted values lies between two bounds. */
function isAnyWithin(
  sorted: readonly Cell[],
  low: Cell | undefined,
  high: Cell | undefined,
  compare: Comparator,
): boolean {
  let [from, to] = [0, sorted.length];
  while (low !== undefined && from < to) {
    const middle = (from + to) >>> 1;
    if (compare(sorted[middle] ?? null, low) < 0) from = middle + 1;
    else to = middle;
  }
  const next = sorted[from];
  return next !== undefined && (high === undefined || compare(next, high) <= 0);
}
