import { type DeltaType, isDecimal, isSameType, typeName } from '../types/delta-type.ts';
import { type BoundExpression, castTo, nullOf } from './bound-expression.ts';
import { literalAs } from './literal-fit.ts';
import type { Refuse } from './match-types.ts';
import { decimalOfExact, isInteger, isWidening } from './type-rules.ts';

/*
 * What goes into a column of a type without a CAST:
 *
 * - a value of the type, and NULL;
 * - a number in the text that the type holds exactly, a decimal also into a double that is written alike;
 * - an integer into any integer type and any decimal, a decimal into one with as many digits behind
 *   the point or more: a value that does not fit is an error of its row, so that `small + 1` goes into
 *   a smallint, as in Spark;
 * - float into double, and integers that a float or double holds exactly: byte and short into both,
 *   integer into double.
 *
 * Spark would also round decimals and doubles here, silently.
 */

/**
 * An expression as a value of a column's type.
 *
 * @throws AppError by `refuse` where it does not go in.
 */
export function assignmentTo(bound: BoundExpression, target: DeltaType, refuse: Refuse): BoundExpression {
  if (isSameType(bound.type, target)) return bound;
  if (bound.type === 'void') return nullOf(target);
  if (bound.kind === 'literal') {
    const literal = literalAs(bound, target);
    if (literal !== undefined) return literal;
    throw refuse(`a literal of ${typeName(bound.type)} is not exactly a value of ${typeName(target)}; write a CAST`);
  }
  if (isAssignable(bound.type, target)) return castTo(bound, target);
  throw refuse(`${typeName(bound.type)} does not go into a column of ${typeName(target)}; write a CAST`);
}

function isAssignable(from: DeltaType, to: DeltaType): boolean {
  if (isInteger(from) && isInteger(to)) return true;
  const exact = decimalOfExact(from);
  if (exact !== undefined && isDecimal(to)) return to.scale >= exact.scale;
  if (to === 'double') return from === 'integer' || from === 'short' || from === 'byte' || from === 'float';
  if (to === 'float') return from === 'short' || from === 'byte';
  return isWidening(from, to);
}
