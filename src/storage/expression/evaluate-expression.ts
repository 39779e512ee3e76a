import type { Cell, CellRow } from '../types/cell.ts';
import type {
  BoundBetween,
  BoundCase,
  BoundChain,
  BoundExpression,
  BoundIn,
  ColumnReference,
} from './bound-expression.ts';
import { decodeCell, encodeCell } from './cell-codec.ts';
import { type Comparator, comparatorOf, setKey } from './compare-values.ts';
import {
  arithmeticOperation,
  type BinaryOperation,
  negateOperation,
  type UnaryOperation,
} from './evaluate-arithmetic.ts';
import { castOperation } from './evaluate-cast.ts';
import { dateTruncOperation, functionOperation, substringOperation } from './evaluate-function.ts';
import type { ComparisonOperator } from './expression.ts';
import { patternTest } from './like-pattern.ts';

/**
 * Gives the value of an expression for a row. A column that the row lacks is null. In a scope of
 * relations the row holds their rows by alias; one that is null or not there has nulls only.
 */
export type Evaluator = (row: CellRow) => Cell;

/**
 * Compiles an expression to a function of rows, with the meaning of Spark's ANSI mode: three-valued
 * logic, and errors instead of wrong values. Every operand is evaluated, except behind what decides
 * AND, OR, CASE and coalesce; Spark also skips the right side of an operator beside a null.
 *
 * The function gives cells in the forms that rows are read in, and throws AppError invalid_request
 * with the fault (DIVIDE_BY_ZERO, …) in its context for a row that has no value, and for a cell that
 * is not of its column's type.
 */
export function compileExpression(bound: BoundExpression): Evaluator {
  const evaluate = compile(bound);
  const { type } = bound;
  return typeof type === 'object' ? (row) => encodeCell(type, evaluate(row)) : evaluate;
}

/** Compiles to values as `cell-codec.ts` decodes them. */
function compile(bound: BoundExpression): Evaluator {
  switch (bound.kind) {
    case 'literal': {
      const value = decodeCell(bound.type, bound.value, 'a literal');
      return () => value;
    }
    case 'column':
      return columnOf(bound, (cell) => decodeCell(bound.type, cell, bound.path.join('.')));
    case 'comparison': {
      const compare = comparatorOf(bound.left.type, bound.right.type);
      const [left, right] = [compile(bound.left), compile(bound.right)];
      return bound.op === '<=>'
        ? nullSafeEqual(left, right, compare)
        : binary(left, right, COMPARISONS[bound.op](compare));
    }
    case 'and':
      return chain(bound.operands.map(compile), false);
    case 'or':
      return chain(bound.operands.map(compile), true);
    case 'not':
      return unary(compile(bound.operand), (value) => value !== true);
    case 'isNull':
      return tested(compile(bound.operand), null);
    case 'isTrue':
      return tested(compile(bound.operand), true);
    case 'isFalse':
      return tested(compile(bound.operand), false);
    case 'in':
      return membership(bound);
    case 'between':
      return betweenOf(bound);
    case 'like': {
      const matches = patternTest(bound.pattern);
      return unary(compile(bound.operand), (value) => typeof value === 'string' && matches(value));
    }
    case 'arithmetic':
      return binary(compile(bound.left), compile(bound.right), arithmeticOperation(bound));
    case 'negate':
      return unary(compile(bound.operand), negateOperation(bound.type));
    case 'cast':
      return unary(compile(bound.operand), castOperation(bound.operand.type, bound.type));
    case 'concat':
      return bound.operands.map(compile).reduce((left, right) => binary(left, right, concatenated));
    case 'coalesce':
    case 'greatest':
    case 'least':
      return chainOf(bound);
    case 'nullif': {
      const compare = comparatorOf(bound.left.type, bound.right.type);
      const [left, right] = [compile(bound.left), compile(bound.right)];
      return (row) => {
        const [a, b] = [left(row), right(row)];
        return a !== null && b !== null && compare(a, b) === 0 ? null : a;
      };
    }
    case 'case':
      return caseOf(bound);
    case 'substring':
      return unary(compile(bound.operand), substringOperation(bound));
    case 'date_trunc':
      return unary(compile(bound.operand), dateTruncOperation(bound));
    default:
      return unary(compile(bound.operand), functionOperation(bound.kind, bound.operand.type));
  }
}

/** What the operators that compare make of an order. */
const COMPARISONS: Readonly<Record<Exclude<ComparisonOperator, '<=>'>, (compare: Comparator) => BinaryOperation>> = {
  '=': (compare) => (left, right) => compare(left, right) === 0,
  '<>': (compare) => (left, right) => compare(left, right) !== 0,
  '<': (compare) => (left, right) => compare(left, right) < 0,
  '<=': (compare) => (left, right) => compare(left, right) <= 0,
  '>': (compare) => (left, right) => compare(left, right) > 0,
  '>=': (compare) => (left, right) => compare(left, right) >= 0,
};

function columnOf({ relation, path }: ColumnReference, decode: (cell: Cell) => Cell): Evaluator {
  const [first = '', ...rest] = relation === undefined ? path : [relation, ...path];
  if (rest.length === 0) return (row) => decode(cellOf(row, first));
  return (row) => {
    let cell: Cell = cellOf(row, first);
    for (const name of rest) cell = isStruct(cell) ? cellOf(cell, name) : null;
    return decode(cell);
  };
}

/** Only its own: a column may be called `constructor`. */
function cellOf(row: CellRow, name: string): Cell {
  return Object.hasOwn(row, name) ? (row[name] ?? null) : null;
}

function isStruct(cell: Cell): cell is CellRow {
  return typeof cell === 'object' && cell !== null && !Array.isArray(cell) && !(cell instanceof Uint8Array);
}

function unary(operand: Evaluator, operation: UnaryOperation): Evaluator {
  return (row) => {
    const value = operand(row);
    return value === null ? null : operation(value);
  };
}

function binary(left: Evaluator, right: Evaluator, operation: BinaryOperation): Evaluator {
  return (row) => {
    const [a, b] = [left(row), right(row)];
    return a === null || b === null ? null : operation(a, b);
  };
}

function nullSafeEqual(left: Evaluator, right: Evaluator, compare: Comparator): Evaluator {
  return (row) => {
    const [a, b] = [left(row), right(row)];
    return a === null || b === null ? a === b : compare(a, b) === 0;
  };
}

function tested(operand: Evaluator, wanted: boolean | null): Evaluator {
  return (row) => operand(row) === wanted;
}

/** AND, which false decides, or OR, which true does. */
function chain(operands: readonly Evaluator[], decisive: boolean): Evaluator {
  return (row) => {
    let result: Cell = !decisive;
    for (const operand of operands) {
      const value = operand(row);
      if (value === decisive) return decisive;
      if (value === null) result = null;
    }
    return result;
  };
}

function betweenOf({ operand, low, high }: BoundBetween): Evaluator {
  const [evaluate, evaluateLow, evaluateHigh] = [compile(operand), compile(low), compile(high)];
  const [compareLow, compareHigh] = [comparatorOf(operand.type, low.type), comparatorOf(operand.type, high.type)];
  return (row) => {
    const [value, least, greatest] = [evaluate(row), evaluateLow(row), evaluateHigh(row)];
    if (value === null) return null;
    if (least !== null && compareLow(value, least) < 0) return false;
    if (greatest !== null && compareHigh(value, greatest) > 0) return false;
    return least === null || greatest === null ? null : true;
  };
}

function membership({ operand, values, columns, hasNull }: BoundIn): Evaluator {
  const evaluate = compile(operand);
  const keys = new Set(values.map((value) => setKey(decodeCell(operand.type, value, 'a literal'))));
  const others = columns.map(compile);
  const compare = comparatorOf(operand.type, operand.type);
  return (row) => {
    const value = evaluate(row);
    if (value === null || keys.has(setKey(value))) return value === null ? null : true;
    let isUnknown = hasNull;
    for (const other of others) {
      const item = other(row);
      if (item === null) isUnknown = true;
      else if (compare(value, item) === 0) return true;
    }
    return isUnknown ? null : false;
  };
}

function concatenated(left: Cell, right: Cell): Cell {
  if (!(left instanceof Uint8Array) || !(right instanceof Uint8Array)) return String(left) + String(right);
  const joined = new Uint8Array(left.length + right.length);
  joined.set(left);
  joined.set(right, left.length);
  return joined;
}

function chainOf({ kind, type, operands }: BoundChain): Evaluator {
  const evaluators = operands.map(compile);
  const compare = kind === 'coalesce' ? undefined : comparatorOf(type, type);
  return (row) => {
    let best: Cell = null;
    for (const evaluate of evaluators) {
      const value = evaluate(row);
      if (value === null) continue;
      if (compare === undefined) return value;
      const order = best === null ? 0 : compare(value, best);
      if (best === null || (kind === 'greatest' ? order > 0 : order < 0)) best = value;
    }
    return best;
  };
}

function caseOf({ operand, branches, otherwise }: BoundCase): Evaluator {
  const subject = operand === undefined ? undefined : compile(operand);
  const compare = operand === undefined ? undefined : comparatorOf(operand.type, operand.type);
  const compiled = branches.map(({ when, result }) => ({ when: compile(when), result: compile(result) }));
  const last = otherwise === undefined ? () => null : compile(otherwise);
  return (row) => {
    const value = subject?.(row) ?? null;
    for (const { when, result } of compiled) {
      const condition = when(row);
      const isTaken =
        compare === undefined
          ? condition === true
          : value !== null && condition !== null && compare(value, condition) === 0;
      if (isTaken) return result(row);
    }
    return last(row);
  };
}
