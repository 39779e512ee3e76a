import { type Expression, operandsOf } from './expression.ts';

/*
 * Where the parts of a text stand. It is kept beside the nodes, not in them: two expressions that say
 * the same are then equal, wherever they were written.
 */
const POSITIONS = new WeakMap<Expression, number>();

/** Notes where a node begins, counted from 1; without a place it begins where its first operand does. */
export function placed<T extends Expression>(node: T, position: number | undefined): T {
  const [first] = operandsOf(node);
  const at = position ?? (first === undefined ? undefined : POSITIONS.get(first));
  if (at !== undefined) POSITIONS.set(node, at);
  return node;
}

/** Where a node begins in its text, in UTF-16 units from 1; undefined for one that no text was parsed for. */
export function positionOf(expression: Expression): number | undefined {
  return POSITIONS.get(expression);
}
