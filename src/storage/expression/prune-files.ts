import { AppError } from '../../base/errors.ts';
import type { Cell } from '../types/cell.ts';
import {
  type BoundBetween,
  type BoundExpression,
  type BoundLike,
  boundOperands,
  isConstant,
} from './bound-expression.ts';
import { decodeCell } from './cell-codec.ts';
import { comparatorOf } from './compare-values.ts';
import { compileExpression } from './evaluate-expression.ts';
import { columnRange, type KnownFile } from './file-facts.ts';
import { patternPrefix } from './like-pattern.ts';
import { monotoneOperation } from './monotone-functions.ts';
import { membershipOutcomes } from './prune-membership.ts';
import { mayFail } from './sql-faults.ts';
import {
  ANY_OUTCOME,
  andOutcomes,
  anyValue,
  comparisonOutcomes,
  eitherOutcome,
  isPresent,
  NO_OUTCOME,
  notOutcomes,
  type Outcomes,
  partsOf,
  singleValue,
  testOutcomes,
  type ValueRange,
} from './value-range.ts';

/** What a condition is for a file: true for no row, for all rows, or perhaps for some. */
export type FileVerdict = 'none' | 'some' | 'all';

/** Tests a file. @throws AppError invalid_request for a bound that is not of its column's type. */
export type FileTest = (file: KnownFile) => FileVerdict;

/**
 * Compiles a condition to a test of files by what is known of them. Where the knowledge is not
 * enough, the verdict is `some`; `none` and `all` hold for every row that the file may have. A row
 * that the condition fails on (a division by zero) never counts as true, and `none` may hide it.
 *
 * @param predicate a boolean expression.
 */
export function compileFileTest(predicate: BoundExpression): FileTest {
  const outcomesOf = compileOutcomes(predicate);
  const isTotal = !mayFail(predicate);
  return (file) => {
    if (file.facts.numRecords === 0) return 'none';
    const { mayBeTrue, mayBeFalse, mayBeNull } = outcomesOf(file);
    if (!mayBeTrue) return 'none';
    return isTotal && !mayBeFalse && !mayBeNull ? 'all' : 'some';
  };
}

type OutcomesOf = (file: KnownFile) => Outcomes;
type RangeOf = (file: KnownFile) => ValueRange;

/** What a condition may be, by its form. Parts are taken as if they did not depend on each other, which only widens. */
function compileOutcomes(bound: BoundExpression): OutcomesOf {
  switch (bound.kind) {
    case 'literal':
    case 'column':
      return compose(compileRange(bound), booleanOutcomes);
    case 'and':
      return chainOutcomes(bound.operands.map(compileOutcomes));
    case 'or': {
      // By De Morgan's law.
      const negated = bound.operands.map((operand) => compose(compileOutcomes(operand), notOutcomes));
      return compose(chainOutcomes(negated), notOutcomes);
    }
    case 'not':
      return compose(compileOutcomes(bound.operand), notOutcomes);
    case 'isNull':
      return compose(compileRange(bound.operand), (range) => testOutcomes(range.mayBeNull, isPresent(range)));
    case 'isTrue':
      return compose(compileOutcomes(bound.operand), (of) => testOutcomes(of.mayBeTrue, of.mayBeFalse || of.mayBeNull));
    case 'isFalse':
      return compose(compileOutcomes(bound.operand), (of) => testOutcomes(of.mayBeFalse, of.mayBeTrue || of.mayBeNull));
    case 'comparison': {
      const [left, right] = [compileRange(bound.left), compileRange(bound.right)];
      const compare = comparatorOf(bound.left.type, bound.right.type);
      return (file) => comparisonOutcomes(bound.op, left(file), right(file), compare);
    }
    case 'between':
      return betweenOutcomes(bound);
    case 'in':
      return compose(compileRange(bound.operand), membershipOutcomes(bound));
    case 'like':
      return likeOutcomes(bound);
    default:
      return () => ANY_OUTCOME;
  }
}

function compileRange(bound: BoundExpression): RangeOf {
  if (isConstant(bound)) {
    const range = constantRange(bound);
    return () => range;
  }
  if (bound.kind === 'column') return (file) => columnRange(bound, file);
  if (bound.type === 'boolean') return compose(compileOutcomes(bound), booleanRange);
  const operands = boundOperands(bound).map(compileRange);
  switch (bound.kind) {
    case 'case':
    case 'nullif':
      return () => anyValue(bound.type);
    case 'coalesce':
    case 'greatest':
    case 'least':
      return (file) =>
        anyValue(
          bound.type,
          operands.every((operand) => operand(file).mayBeNull),
        );
    default: {
      // All others are null where an operand is, and only there.
      const operation = monotoneOperation(bound);
      return (file) =>
        strictRange(
          bound,
          operands.map((operand) => operand(file)),
          operation,
        );
    }
  }
}

function strictRange(
  { type }: BoundExpression,
  operands: readonly ValueRange[],
  operation: ((value: Cell) => Cell | undefined) | undefined,
): ValueRange {
  if (operands.some((operand) => !isPresent(operand))) return singleValue(null);
  const range = anyValue(
    type,
    operands.some(({ mayBeNull }) => mayBeNull),
  );
  const [operand] = operands;
  if (operation === undefined || operand === undefined) return range;
  const apply = (bound: Cell | undefined): Cell | undefined => (bound === undefined ? undefined : operation(bound));
  return {
    ...range,
    low: apply(operand.low),
    high: apply(operand.high),
    mayBeValue: operand.mayBeValue,
    mayBeNan: range.mayBeNan && operand.mayBeNan,
  };
}

function constantRange(bound: BoundExpression): ValueRange {
  try {
    return singleValue(decodeCell(bound.type, compileExpression(bound)({}), 'a constant'));
  } catch (error) {
    // It fails on every row: whoever evaluates it says so.
    if (error instanceof AppError) return anyValue(bound.type);
    throw error;
  }
}

function booleanOutcomes({ low, high, mayBeValue, mayBeNull }: ValueRange): Outcomes {
  return { mayBeTrue: mayBeValue && high !== false, mayBeFalse: mayBeValue && low !== true, mayBeNull };
}

function booleanRange({ mayBeTrue, mayBeFalse, mayBeNull }: Outcomes): ValueRange {
  const mayBeValue = mayBeTrue || mayBeFalse;
  return { low: !mayBeFalse, high: mayBeTrue, mayBeNull, mayBeValue, mayBeNan: false };
}

function chainOutcomes(operands: readonly OutcomesOf[]): OutcomesOf {
  return (file) => operands.map((operand) => operand(file)).reduce(andOutcomes, testOutcomes(true, false));
}

/** Both bounds are held against one value: NaN is above the greatest and still not within. */
function betweenOutcomes({ operand, low, high }: BoundBetween): OutcomesOf {
  const [range, lowRange, highRange] = [compileRange(operand), compileRange(low), compileRange(high)];
  const [compareLow, compareHigh] = [comparatorOf(operand.type, low.type), comparatorOf(operand.type, high.type)];
  return (file) => {
    const [least, greatest] = [lowRange(file), highRange(file)];
    return partsOf(range(file))
      .map((part) =>
        andOutcomes(
          comparisonOutcomes('>=', part, least, compareLow),
          comparisonOutcomes('<=', part, greatest, compareHigh),
        ),
      )
      .reduce(eitherOutcome, NO_OUTCOME);
  };
}

/** Texts with a prefix lie next to each other, so bounds that have it both enclose no other. */
function likeOutcomes({ operand, pattern }: BoundLike): OutcomesOf {
  const prefix = patternPrefix(pattern);
  const compare = comparatorOf('string', 'string');
  return compose(compileRange(operand), ({ low, high, mayBeValue, mayBeNull }) => {
    const isBelow = high !== undefined && compare(high, prefix.text) < 0;
    const isAbove = low !== undefined && compare(low, prefix.text) > 0 && !hasPrefix(low, prefix.text);
    const isSame = low !== undefined && low === high && low === prefix.text;
    const isSure =
      prefix.rest === 'any'
        ? hasPrefix(low, prefix.text) && hasPrefix(high, prefix.text)
        : prefix.rest === 'none' && isSame;
    return { mayBeTrue: mayBeValue && !isBelow && !isAbove, mayBeFalse: mayBeValue && !isSure, mayBeNull };
  });
}

function hasPrefix(value: Cell | undefined, prefix: string): boolean {
  return typeof value === 'string' && value.startsWith(prefix);
}

function compose<A, B>(first: (file: KnownFile) => A, then: (value: A) => B): (file: KnownFile) => B {
  return (file) => then(first(file));
}
