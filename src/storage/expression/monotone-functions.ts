import { AppError } from '../../base/errors.ts';
import type { Cell } from '../types/cell.ts';
import type { DeltaType } from '../types/delta-type.ts';
import type { BoundExpression } from './bound-expression.ts';
import { isTemporal } from './cast-rules.ts';
import type { UnaryOperation } from './evaluate-arithmetic.ts';
import { castOperation } from './evaluate-cast.ts';
import { dateTruncOperation, functionOperation, substringOperation } from './evaluate-function.ts';
import { familyOf, isFloating, isInteger } from './type-rules.ts';

/**
 * The operation of an expression that never orders two values otherwise than its one operand does, so
 * that bounds of the operand become its bounds; undefined for other expressions. The operation gives
 * undefined for a bound that it has no value for.
 */
export function monotoneOperation(bound: BoundExpression): ((value: Cell) => Cell | undefined) | undefined {
  const operation = operationOf(bound);
  return operation === undefined ? undefined : (value) => valueOrUndefined(operation, value);
}

function operationOf(bound: BoundExpression): UnaryOperation | undefined {
  switch (bound.kind) {
    case 'cast':
      return isMonotone(bound.operand.type, bound.type) ? castOperation(bound.operand.type, bound.type) : undefined;
    case 'floor':
    case 'ceil':
    case 'year':
      return functionOperation(bound.kind, bound.operand.type);
    case 'date_trunc':
      return dateTruncOperation(bound);
    case 'substring':
      // Beginnings of texts are ordered as the texts are.
      return bound.start === 0 || bound.start === 1 ? substringOperation(bound) : undefined;
    default:
      return undefined;
  }
}

function isMonotone(from: DeltaType, to: DeltaType): boolean {
  if (isTemporal(from)) return isTemporal(to);
  const isNumber = familyOf(from) === 'exact' || isFloating(from);
  return isNumber && (isInteger(to) || isFloating(to) || familyOf(to) === 'exact');
}

function valueOrUndefined(operation: UnaryOperation, value: Cell): Cell | undefined {
  try {
    return operation(value);
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}
