import { AppError } from '../../base/errors.ts';
import {
  type BoundBetween,
  type BoundCase,
  type BoundExpression,
  type BoundLiteral,
  boundOperands,
  isConstant,
  nullOf,
} from './bound-expression.ts';
import { compileExpression } from './evaluate-expression.ts';

/*
 * Constant parts are calculated when an expression is bound, by the evaluator, so that rows, SQL and
 * pruning begin from the same literals. A null beside what may fail, and a FALSE behind it in an AND,
 * then give the same everywhere: Spark's and DuckDB's optimizers leave out what cannot matter any
 * more, with its failures, and so do we. A constant that fails stays, and fails on the rows that
 * reach it.
 */

/** An expression with its constant parts as literals. */
export function foldConstants(bound: BoundExpression): BoundExpression {
  if (bound.kind === 'literal' || bound.kind === 'column') return bound;
  const folded = shortened(withOperands(bound, foldConstants));
  if (folded.kind === 'literal' || folded.kind === 'column') return folded;
  if (isDecided(folded)) return { kind: 'literal', type: 'boolean', value: folded.kind === 'or' };
  if (isNullByOperand(folded)) return nullOf(folded.type);
  return isConstant(folded) ? (literalOf(folded) ?? folded) : folded;
}

/** A choice without what no row reaches. */
function shortened(bound: BoundExpression): BoundExpression {
  if (bound.kind === 'case') return shortenedCase(bound);
  if (bound.kind === 'between') return shortenedBetween(bound);
  if (bound.kind !== 'coalesce') return bound;
  const present = bound.operands.filter((operand) => !isNullLiteral(operand));
  const last = present.findIndex((operand) => operand.kind === 'literal');
  const operands = last === -1 ? present : present.slice(0, last + 1);
  const [first, second] = operands;
  if (first === undefined) return nullOf(bound.type);
  return second === undefined ? first : { ...bound, operands };
}

/** BETWEEN as two comparisons, where one of them is sure: false decides, and NULL leaves the other. */
function shortenedBetween({ operand, low, high, ...bound }: BoundBetween): BoundExpression {
  if (operand.kind !== 'literal' && !isNullLiteral(low) && !isNullLiteral(high))
    return { ...bound, operand, low, high };
  const compared = [
    { op: '>=', right: low },
    { op: '<=', right: high },
  ] as const;
  const operands = compared.map(({ op, right }) =>
    foldConstants({ kind: 'comparison', type: 'boolean', op, left: operand, right }),
  );
  return { kind: 'and', type: 'boolean', operands };
}

function shortenedCase({ type, operand, branches, otherwise }: BoundCase): BoundExpression {
  const kept: { readonly when: BoundExpression; readonly result: BoundExpression }[] = [];
  let last = otherwise;
  for (const { when, result } of branches) {
    const isTaken = isTakenAlways(operand, when);
    if (isTaken === undefined) kept.push({ when, result });
    if (isTaken !== true) continue;
    last = result;
    break;
  }
  const isNull = kept.every(({ result }) => isNullLiteral(result)) && (last === undefined || isNullLiteral(last));
  if (isNull) return nullOf(type);
  if (kept.length === 0 && last !== undefined) return last;
  return { kind: 'case', type, operand, branches: kept, otherwise: last };
}

/** Whether a branch of CASE is taken; undefined where that depends on the row. */
function isTakenAlways(operand: BoundExpression | undefined, when: BoundExpression): boolean | undefined {
  if (operand === undefined) return when.kind === 'literal' ? when.value === true : undefined;
  if (isNullLiteral(operand) || isNullLiteral(when)) return false;
  if (operand.kind !== 'literal' || when.kind !== 'literal') return undefined;
  const compared = literalOf({ kind: 'comparison', type: 'boolean', op: '=', left: operand, right: when });
  return compared?.value === true;
}

/** Whether an AND holds a FALSE, or an OR a TRUE. */
function isDecided(bound: BoundExpression): boolean {
  if (bound.kind !== 'and' && bound.kind !== 'or') return false;
  return bound.operands.some((operand) => operand.kind === 'literal' && operand.value === (bound.kind === 'or'));
}

/** Whether one operand that is the literal NULL makes the whole null. */
function isNullByOperand(bound: BoundExpression): boolean {
  switch (bound.kind) {
    case 'isNull':
    case 'isTrue':
    case 'isFalse':
    case 'and':
    case 'or':
    case 'case':
    case 'coalesce':
    case 'greatest':
    case 'least':
      return false;
    case 'comparison':
      return bound.op !== '<=>' && boundOperands(bound).some(isNullLiteral);
    case 'nullif':
      return isNullLiteral(bound.left);
    case 'in':
    case 'between':
      return isNullLiteral(bound.operand);
    default:
      return boundOperands(bound).some(isNullLiteral);
  }
}

function isNullLiteral(bound: BoundExpression): boolean {
  return bound.kind === 'literal' && bound.value === null;
}

function literalOf(bound: BoundExpression): BoundLiteral | undefined {
  try {
    return { kind: 'literal', type: bound.type, value: compileExpression(bound)({}) };
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

/** The same expression of other operands. */
function withOperands(bound: BoundExpression, map: (operand: BoundExpression) => BoundExpression): BoundExpression {
  switch (bound.kind) {
    case 'literal':
    case 'column':
      return bound;
    case 'comparison':
    case 'arithmetic':
    case 'nullif':
      return { ...bound, left: map(bound.left), right: map(bound.right) };
    case 'and':
    case 'or':
    case 'concat':
    case 'coalesce':
    case 'greatest':
    case 'least':
      return { ...bound, operands: bound.operands.map(map) };
    case 'in':
      return { ...bound, operand: map(bound.operand), columns: bound.columns.map(map) };
    case 'between':
      return { ...bound, operand: map(bound.operand), low: map(bound.low), high: map(bound.high) };
    case 'case':
      return {
        ...bound,
        operand: bound.operand === undefined ? undefined : map(bound.operand),
        branches: bound.branches.map(({ when, result }) => ({ when: map(when), result: map(result) })),
        otherwise: bound.otherwise === undefined ? undefined : map(bound.otherwise),
      };
    default:
      return { ...bound, operand: map(bound.operand) };
  }
}
