import type { ValueType } from './value-type.ts';

/** A value written out; booleans are 1 or 0. The type of `null` is open. */
export interface Literal {
  readonly kind: 'literal';
  readonly at: number;
  readonly type: ValueType | 'null';
  readonly value: number | string | null;
}

/**
 * What an expression says, before anything is known of its names. `at` is where a node's own word stands, in UTF-16
 * units from 1. Operators are calls by their sign or word: `-` with one argument is the sign of a number.
 */
export type Syntax =
  | Literal
  | { readonly kind: 'name'; readonly at: number; readonly name: string; readonly ofPayment: boolean }
  | { readonly kind: 'operator'; readonly at: number; readonly name: Operator; readonly args: readonly Syntax[] }
  | { readonly kind: 'call'; readonly at: number; readonly name: string; readonly args: readonly Syntax[] }
  | {
      readonly kind: 'in';
      readonly at: number;
      readonly operand: Syntax;
      readonly items: readonly Literal[];
      readonly isNegated: boolean;
    };

/** Signs of arithmetic. */
export const ARITHMETIC = ['+', '-', '*', '/', '%'] as const;
/** Signs of comparison. */
export const COMPARISONS = ['=', '<>', '<', '<=', '>', '>='] as const;
/** A sign of arithmetic. */
export type Arithmetic = (typeof ARITHMETIC)[number];
/** A sign of comparison. */
export type Comparison = (typeof COMPARISONS)[number];
/** What stands between or before operands. */
export type Operator = Arithmetic | Comparison | 'and' | 'or' | 'not' | 'is null' | 'is not null';

/** Names in an expression that may be features, in the order in which they are written, with their places. */
export function namesOf(syntax: Syntax): { readonly name: string; readonly at: number }[] {
  if (syntax.kind === 'name') return syntax.ofPayment ? [] : [syntax];
  return partsOf(syntax).flatMap(namesOf);
}

/** How many operations and operands an expression has. */
export function nodesOf(syntax: Syntax): number {
  return partsOf(syntax).reduce((count, part) => count + nodesOf(part), 1);
}

function partsOf(syntax: Syntax): readonly Syntax[] {
  switch (syntax.kind) {
    case 'literal':
    case 'name':
      return [];
    case 'operator':
    case 'call':
      return syntax.args;
    case 'in':
      return [syntax.operand];
  }
}
