import type { ErrorCode } from '../../base/errors.ts';
import type { Cell } from '../types/cell.ts';
import type { DeltaType } from '../types/delta-type.ts';

/**
 * An expression as it is written, before its names and types are known. `parse-expression.ts` makes
 * it of a text, `resolve-expression.ts` binds it to a schema.
 */
export type Expression =
  | LiteralExpression
  | ColumnExpression
  | ComparisonExpression
  | LogicalExpression
  | NotExpression
  | IsNullExpression
  | IsTruthExpression
  | InExpression
  | BetweenExpression
  | LikeExpression
  | ArithmeticExpression
  | NegateExpression
  | ConcatExpression
  | CastExpression
  | CaseExpression
  | CallExpression;

/** A value that stands in the text: `5`, `'x'`, `DATE '2024-01-31'`, `NULL` (of type `void`). */
export interface LiteralExpression {
  readonly kind: 'literal';
  readonly type: DeltaType;
  readonly value: Cell;
}

/** A column, or a field of a struct by the names that lead to it. */
export interface ColumnExpression {
  readonly kind: 'column';
  readonly path: readonly string[];
}

/** The operators that compare; `<=>` holds null equal to null and is never null. */
export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=' | '<=>';

/** `left op right`. */
export interface ComparisonExpression {
  readonly kind: 'comparison';
  readonly op: ComparisonOperator;
  readonly left: Expression;
  readonly right: Expression;
}

/** A chain `a AND b AND c`, or of OR: two operands or more. */
export interface LogicalExpression {
  readonly kind: 'and' | 'or';
  readonly operands: readonly Expression[];
}

/** `NOT operand`. */
export interface NotExpression {
  readonly kind: 'not';
  readonly operand: Expression;
}

/** `operand IS NULL`. */
export interface IsNullExpression {
  readonly kind: 'isNull';
  readonly operand: Expression;
}

/** `operand IS TRUE`, `IS FALSE` or `IS UNKNOWN`: never null. */
export interface IsTruthExpression {
  readonly kind: 'isTruth';
  readonly operand: Expression;
  readonly truth: 'true' | 'false' | 'unknown';
}

/** `operand IN (items)`. */
export interface InExpression {
  readonly kind: 'in';
  readonly operand: Expression;
  readonly items: readonly Expression[];
}

/** `operand BETWEEN low AND high`. */
export interface BetweenExpression {
  readonly kind: 'between';
  readonly operand: Expression;
  readonly low: Expression;
  readonly high: Expression;
}

/** `operand LIKE pattern`: `%` is any text, `_` any character, after `escape` both are themselves. */
export interface LikeExpression {
  readonly kind: 'like';
  readonly operand: Expression;
  readonly pattern: string;
  /** One character. */
  readonly escape: string;
}

/** The escape of LIKE where the text says none. */
export const DEFAULT_ESCAPE = '\\';

/** The operators that calculate; `div` is the whole part of a quotient. */
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | 'div';

/** `left op right`. */
export interface ArithmeticExpression {
  readonly kind: 'arithmetic';
  readonly op: ArithmeticOperator;
  readonly left: Expression;
  readonly right: Expression;
}

/** `-operand`; the minus of a number belongs to its literal. */
export interface NegateExpression {
  readonly kind: 'negate';
  readonly operand: Expression;
}

/** A chain `a || b || c`: two operands or more. */
export interface ConcatExpression {
  readonly kind: 'concat';
  readonly operands: readonly Expression[];
}

/** `CAST(operand AS type)`. */
export interface CastExpression {
  readonly kind: 'cast';
  readonly operand: Expression;
  readonly type: DeltaType;
}

/** `CASE [operand] WHEN … THEN … [ELSE …] END`. */
export interface CaseExpression {
  readonly kind: 'case';
  readonly operand: Expression | undefined;
  readonly branches: readonly CaseBranch[];
  readonly otherwise: Expression | undefined;
}

/** `WHEN when THEN result`. */
export interface CaseBranch {
  readonly when: Expression;
  readonly result: Expression;
}

/** `name(args)`, of the functions that there are. */
export interface CallExpression {
  readonly kind: 'call';
  readonly name: FunctionName;
  readonly args: readonly Expression[];
}

/** The functions, with how many arguments each takes. What cannot be exact, as `round`, is left out. */
export const FUNCTIONS = {
  abs: [1, 1],
  ceil: [1, 1],
  coalesce: [1, 100],
  concat: [1, 100],
  current_date: [0, 0],
  current_timestamp: [0, 0],
  date_trunc: [2, 2],
  day: [1, 1],
  floor: [1, 1],
  greatest: [2, 100],
  hour: [1, 1],
  least: [2, 100],
  length: [1, 1],
  lower: [1, 1],
  minute: [1, 1],
  month: [1, 1],
  nullif: [2, 2],
  second: [1, 1],
  substring: [2, 3],
  to_date: [1, 1],
  trim: [1, 1],
  upper: [1, 1],
  year: [1, 1],
} as const satisfies Record<string, readonly [number, number]>;

/** The name of a function. */
export type FunctionName = keyof typeof FUNCTIONS;

/**
 * The code of an error in an expression: of the user's own text, or of a table's metadata, where it
 * means that we cannot write the table.
 */
export type ExpressionErrorCode = Extract<ErrorCode, 'invalid_request' | 'table_unsupported'>;

/** What an expression holds directly, from left to right. */
export function operandsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'literal':
    case 'column':
      return [];
    case 'comparison':
    case 'arithmetic':
      return [expression.left, expression.right];
    case 'and':
    case 'or':
    case 'concat':
      return expression.operands;
    case 'not':
    case 'isNull':
    case 'isTruth':
    case 'like':
    case 'negate':
    case 'cast':
      return [expression.operand];
    case 'in':
      return [expression.operand, ...expression.items];
    case 'between':
      return [expression.operand, expression.low, expression.high];
    case 'case':
      return [
        expression.operand,
        ...expression.branches.flatMap(({ when, result }) => [when, result]),
        expression.otherwise,
      ].filter((part) => part !== undefined);
    case 'call':
      return expression.args;
  }
}
