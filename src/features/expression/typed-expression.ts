import type { ColumnName } from './derived-columns.ts';
import type { Arithmetic, Comparison } from './syntax.ts';
import type { ValueType } from './value-type.ts';

/** What a call computes; what it takes and gives is in `functions.ts` and `operators.ts`. */
export type Computation =
  | Arithmetic
  | Comparison
  | 'negate'
  | 'and'
  | 'or'
  | 'not'
  | 'is null'
  | 'never_seen'
  | 'abs'
  | 'floor'
  | 'sqrt'
  | 'ln'
  | 'least'
  | 'greatest'
  | 'coalesce'
  | 'if'
  | 'hour'
  | 'weekday'
  | 'is_night'
  | 'is_weekend'
  | 'utc_hour'
  | 'utc_weekday'
  | 'days_since'
  | 'since'
  | 'multiple_of'
  | 'starts_with';

/**
 * An expression whose names and types were checked: what is compiled. It is data, shared by all threads' engines.
 * `null` of a constant is of the type that its place asks for.
 */
export type TypedExpression =
  | { readonly kind: 'constant'; readonly type: ValueType; readonly value: number | string | null }
  | { readonly kind: 'column'; readonly type: ValueType; readonly column: ColumnName }
  /** A feature, by its place in the vector. */
  | { readonly kind: 'feature'; readonly type: ValueType; readonly output: number }
  | {
      readonly kind: 'call';
      readonly type: ValueType;
      readonly does: Computation;
      readonly args: readonly TypedExpression[];
    }
  | {
      readonly kind: 'in';
      readonly type: 'boolean';
      readonly operand: TypedExpression;
      readonly items: readonly (number | string)[];
    }
  | {
      readonly kind: 'code';
      readonly type: 'long';
      readonly operand: TypedExpression;
      readonly codes: ReadonlyMap<string, number>;
    };

/** The columns that an expression reads, each once. */
export function columnsOf(expression: TypedExpression): Set<ColumnName> {
  return new Set(leavesOf(expression).flatMap((leaf) => (leaf.kind === 'column' ? [leaf.column] : [])));
}

/** The places in the vector that an expression reads. */
export function outputsOf(expression: TypedExpression): number[] {
  return leavesOf(expression).flatMap((leaf) => (leaf.kind === 'feature' ? [leaf.output] : []));
}

/** How many parts an expression has: itself, its operands, theirs. */
export function sizeOf(expression: TypedExpression): number {
  return partsOf(expression).reduce((size, part) => size + sizeOf(part), 1);
}

function leavesOf(expression: TypedExpression): readonly TypedExpression[] {
  const parts = partsOf(expression);
  return parts.length === 0 ? [expression] : parts.flatMap(leavesOf);
}

function partsOf(expression: TypedExpression): readonly TypedExpression[] {
  switch (expression.kind) {
    case 'call':
      return expression.args;
    case 'in':
    case 'code':
      return [expression.operand];
    default:
      return [];
  }
}
