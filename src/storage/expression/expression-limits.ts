import { type Expression, operandsOf } from './expression.ts';

/** The limits of an expression's text, each with its reason. */
export const EXPRESSION_LIMITS = {
  /** A predicate of 10,000 short values fits; a longer list belongs in a table that is merged. */
  textLength: 64 * 1024,
  /** The walks over an expression are recursive: 100 levels are about 1,000 frames, a tenth of the stack. People write ten. */
  depth: 100,
  /** Every row pays for every node: at 10 ns each this is 100 µs a row. Values of an IN list are counted apart. */
  nodes: 10_000,
  /** One set lookup whatever its size, but DuckDB's planner takes a second for much longer lists. */
  inItems: 10_000,
  /** SQL for DuckDB, which says some operands twice: what nests them beyond this doubles with every level. */
  sqlLength: 4 * 1024 * 1024,
  /** What an error quotes of a text. */
  quoteLength: 80,
} as const;

/** Whether an expression has more levels than the limit. Chains lean to the left, so this walk takes no stack. */
export function isTooDeep(expression: Expression): boolean {
  let level: readonly Expression[] = [expression];
  for (let depth = 0; depth < EXPRESSION_LIMITS.depth; depth += 1) {
    level = level.flatMap(operandsOf);
    if (level.length === 0) return false;
  }
  return true;
}
