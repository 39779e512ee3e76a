import type { AppError } from '../../base/errors.ts';
import { type DeltaType, typeName } from '../types/delta-type.ts';
import { type BoundExpression, nullOf } from './bound-expression.ts';
import { isTemporal } from './cast-rules.ts';
import { literalAs, widenTo } from './literal-fit.ts';
import { commonType, familyOf, isFloating } from './type-rules.ts';

/** Makes the error of what is being resolved, with a reason. */
export type Refuse = (reason: string) => AppError;

/**
 * Operands that compare with each other: their types are of one family. A number that is written as
 * an integer or decimal becomes a double beside floats, NULL a null of the first type.
 *
 * @throws AppError by `refuse` where two types do not compare.
 */
export function comparableOperands(operands: readonly BoundExpression[], refuse: Refuse): readonly BoundExpression[] {
  const typed = withNullsTyped(withFloatLiterals(operands, refuse));
  const [first] = typed;
  for (const operand of typed) {
    const family = familyOf(operand.type);
    if (family === undefined) throw refuse(`values of ${typeName(operand.type)} do not compare`);
    if (first !== undefined && family !== familyOf(first.type)) throw refuse(mismatch(first, operand, 'compare'));
  }
  return typed;
}

/**
 * Operands as values of the least type that holds them all.
 *
 * @throws AppError by `refuse` where there is none.
 */
export function sameTypeOperands(operands: readonly BoundExpression[], refuse: Refuse): readonly BoundExpression[] {
  const typed = withNullsTyped(withFloatLiterals(operands, refuse));
  const [first, ...rest] = typed;
  if (first === undefined) return typed;
  let type = first.type;
  for (const operand of rest) {
    const common = commonType(type, operand.type);
    if (common === undefined) throw refuse(mismatch({ kind: first.kind, type }, operand, 'go together'));
    type = common;
  }
  return typed.map((operand) => widenTo(operand, type));
}

/** What the reason of a mismatch looks at. */
type TypedPart = Pick<BoundExpression, 'kind' | 'type'>;

/** The reason why two operands do not go together, and what to do. */
export function mismatch(left: TypedPart, right: TypedPart, what: string): string {
  const literal = [left, right].find(({ kind, type }) => kind === 'literal' && type === 'string');
  const temporal = [left, right].find(({ type }) => isTemporal(type));
  const advice =
    literal !== undefined && temporal !== undefined
      ? `write ${typeName(temporal.type).toUpperCase()} '…'`
      : 'write a CAST of one of them';
  return `${typeName(left.type)} and ${typeName(right.type)} do not ${what}; ${advice}`;
}

/** Operands with the numbers that stand beside floats as doubles. */
export function withFloatLiterals(operands: readonly BoundExpression[], refuse: Refuse): readonly BoundExpression[] {
  if (!operands.some(({ type }) => isFloating(type))) return operands;
  return operands.map((operand) => {
    if (operand.kind !== 'literal' || operand.value === null || familyOf(operand.type) !== 'exact') return operand;
    const double = literalAs(operand, 'double');
    if (double === undefined)
      throw refuse('a number beside a double is not exactly one; write it with a D to round it');
    return double;
  });
}

function withNullsTyped(operands: readonly BoundExpression[]): readonly BoundExpression[] {
  const type: DeltaType | undefined = operands.find((operand) => operand.type !== 'void')?.type;
  if (type === undefined) return operands;
  return operands.map((operand) => (operand.type === 'void' ? nullOf(type) : operand));
}
