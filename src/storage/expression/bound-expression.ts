import type { Cell } from '../types/cell.ts';
import { type DeltaType, isSameType } from '../types/delta-type.ts';
import type { ArithmeticOperator, ComparisonOperator, FunctionName } from './expression.ts';
import type { PatternCharacter } from './like-pattern.ts';

/**
 * An expression whose names are columns of a schema and whose every part has a type. Only
 * `resolve-expression.ts` makes it; the evaluator, the SQL and the pruning rely on its rules:
 *
 * - The sides of a comparison are of one family (`type-rules.ts`), not always of one type.
 * - The operands of arithmetic are of one type, except decimals.
 * - The results of CASE, the operands of coalesce, greatest, least, and what IN and a CASE with an
 *   operand compare, are of one type.
 */
export type BoundExpression =
  | BoundLiteral
  | BoundColumn
  | BoundComparison
  | BoundLogical
  | BoundTest
  | BoundIn
  | BoundBetween
  | BoundLike
  | BoundArithmetic
  | BoundUnary
  | BoundChain
  | BoundNullif
  | BoundCase
  | BoundSubstring
  | BoundDateTrunc;

/** A value, in the form of a cell. */
export interface BoundLiteral {
  readonly kind: 'literal';
  readonly type: DeltaType;
  readonly value: Cell;
}

/** Which column: what the SQL of a column is asked by. */
export interface ColumnReference {
  /** The alias of its relation, in a scope that has relations. */
  readonly relation: string | undefined;
  /** The column, and the names of the fields that lead into it, as the schema writes them. */
  readonly path: readonly string[];
}

/** A column or a field in it. */
export interface BoundColumn extends ColumnReference {
  readonly kind: 'column';
  readonly type: DeltaType;
}

/** A comparison. Both sides are always evaluated. */
export interface BoundComparison {
  readonly kind: 'comparison';
  readonly type: 'boolean';
  readonly op: ComparisonOperator;
  readonly left: BoundExpression;
  readonly right: BoundExpression;
}

/** A chain of AND or OR, evaluated from the left until the result is sure. */
export interface BoundLogical {
  readonly kind: 'and' | 'or';
  readonly type: 'boolean';
  readonly operands: readonly BoundExpression[];
}

/** A test of one operand. */
export interface BoundTest {
  readonly kind: 'not' | 'isNull' | 'isTrue' | 'isFalse';
  readonly type: 'boolean';
  readonly operand: BoundExpression;
}

/** IN: values and columns of the operand's type. */
export interface BoundIn {
  readonly kind: 'in';
  readonly type: 'boolean';
  readonly operand: BoundExpression;
  /** Cells, none of them null. A value that no cell of the type equals is left out, so they may be none. */
  readonly values: readonly Cell[];
  readonly columns: readonly BoundExpression[];
  /** Whether NULL is in the list: what is not found is then unknown. */
  readonly hasNull: boolean;
}

/** BETWEEN. All three operands are always evaluated. */
export interface BoundBetween {
  readonly kind: 'between';
  readonly type: 'boolean';
  readonly operand: BoundExpression;
  readonly low: BoundExpression;
  readonly high: BoundExpression;
}

/** LIKE of a string. */
export interface BoundLike {
  readonly kind: 'like';
  readonly type: 'boolean';
  readonly operand: BoundExpression;
  readonly pattern: readonly PatternCharacter[];
}

/** Arithmetic. Both sides are always evaluated. */
export interface BoundArithmetic {
  readonly kind: 'arithmetic';
  readonly type: DeltaType;
  readonly op: ArithmeticOperator;
  readonly left: BoundExpression;
  readonly right: BoundExpression;
}

/** A function of one operand: null where it is null. */
export type UnaryName = Extract<
  FunctionName,
  | 'abs'
  | 'ceil'
  | 'day'
  | 'floor'
  | 'hour'
  | 'length'
  | 'lower'
  | 'minute'
  | 'month'
  | 'second'
  | 'trim'
  | 'upper'
  | 'year'
>;

/** A sign, a cast or a function of one operand. */
export interface BoundUnary {
  readonly kind: 'negate' | 'cast' | UnaryName;
  readonly type: DeltaType;
  readonly operand: BoundExpression;
}

/** What takes operands of one type: all are evaluated, but coalesce ends at the first that is not null. */
export interface BoundChain {
  readonly kind: 'concat' | 'coalesce' | 'greatest' | 'least';
  readonly type: DeltaType;
  readonly operands: readonly BoundExpression[];
}

/** `nullif(left, right)`: of the left side's type. */
export interface BoundNullif {
  readonly kind: 'nullif';
  readonly type: DeltaType;
  readonly left: BoundExpression;
  readonly right: BoundExpression;
}

/** CASE: only the taken branch's result is evaluated. */
export interface BoundCase {
  readonly kind: 'case';
  readonly type: DeltaType;
  /** Evaluated once; without it, every `when` is boolean. */
  readonly operand: BoundExpression | undefined;
  readonly branches: readonly { readonly when: BoundExpression; readonly result: BoundExpression }[];
  readonly otherwise: BoundExpression | undefined;
}

/** `substring(operand, start[, length])`: counted in code points from 1, from the end where negative. */
export interface BoundSubstring {
  readonly kind: 'substring';
  readonly type: 'string';
  readonly operand: BoundExpression;
  readonly start: number;
  /** To the end without it. */
  readonly length: number | undefined;
}

/** What an instant is cut to. */
export const DATE_UNITS = ['YEAR', 'MONTH', 'DAY', 'HOUR'] as const;

/** `date_trunc(unit, operand)` in UTC. */
export interface BoundDateTrunc {
  readonly kind: 'date_trunc';
  readonly type: 'timestamp';
  readonly unit: (typeof DATE_UNITS)[number];
  readonly operand: BoundExpression;
}

/** What a bound expression holds directly, from left to right. */
export function boundOperands(bound: BoundExpression): readonly BoundExpression[] {
  switch (bound.kind) {
    case 'literal':
    case 'column':
      return [];
    case 'comparison':
    case 'arithmetic':
    case 'nullif':
      return [bound.left, bound.right];
    case 'and':
    case 'or':
    case 'concat':
    case 'coalesce':
    case 'greatest':
    case 'least':
      return bound.operands;
    case 'in':
      return [bound.operand, ...bound.columns];
    case 'between':
      return [bound.operand, bound.low, bound.high];
    case 'case': {
      const branches = bound.branches.flatMap(({ when, result }) => [when, result]);
      return [bound.operand, ...branches, bound.otherwise].filter((part) => part !== undefined);
    }
    default:
      return [bound.operand];
  }
}

/** The columns that an expression reads, each once, as they come in it. */
export function columnsOf(bound: BoundExpression): readonly ColumnReference[] {
  const found = new Map<string, ColumnReference>();
  const visit = (part: BoundExpression): void => {
    if (part.kind === 'column') {
      const { relation, path } = part;
      found.set(JSON.stringify([relation ?? null, ...path]), { relation, path });
    } else for (const operand of boundOperands(part)) visit(operand);
  };
  visit(bound);
  return [...found.values()];
}

/** Whether an expression reads no column. */
export function isConstant(bound: BoundExpression): boolean {
  return bound.kind !== 'column' && boundOperands(bound).every(isConstant);
}

/** The null of a type. */
export function nullOf(type: DeltaType): BoundLiteral {
  return { kind: 'literal', type, value: null };
}

/** A cast, or the expression itself where it has the type. */
export function castTo(bound: BoundExpression, type: DeltaType): BoundExpression {
  if (isSameType(bound.type, type)) return bound;
  // A value of void is never anything but null.
  if (bound.type === 'void' || (bound.kind === 'literal' && bound.value === null)) return nullOf(type);
  return { kind: 'cast', type, operand: bound };
}
