import { AppError } from '../../base/errors.ts';
import type { Cell } from '../types/cell.ts';
import { decimalText, unscaledOf } from '../types/decimal.ts';
import {
  type DecimalType,
  type DeltaType,
  isDecimal,
  isNested,
  type PrimitiveType,
  typeName,
} from '../types/delta-type.ts';

/*
 * Values as expressions calculate with them, from the cells of rows and back:
 *
 *   long, timestamp, timestamp_ntz   bigint
 *   decimal(p, s)                    bigint, the value times 10^s
 *   float                            a number that a float holds
 *   others                           as `cell.ts` has them
 */

/**
 * A cell as expressions calculate with it. Null and values of nested types and variant stay as they are.
 *
 * @param what names the cell in errors.
 * @throws AppError invalid_request for a cell that is not of the type.
 */
export function decodeCell(type: DeltaType, cell: Cell, what: string): Cell {
  if (cell === null || isNested(type) || type === 'variant') return cell;
  const decoded = isDecimal(type) ? decodeDecimal(type, cell) : decodePrimitive(type, cell);
  if (decoded !== undefined) return decoded;
  throw new AppError('invalid_request', `The value of ${what} is no ${typeName(type)}`, { type: typeName(type) });
}

/** The cell of a value that an expression of a type has given. */
export function encodeCell(type: DeltaType, value: Cell): Cell {
  return isDecimal(type) && typeof value === 'bigint' ? decimalText(value, type.scale) : value;
}

function decodePrimitive(type: PrimitiveType, cell: Cell): Cell | undefined {
  switch (type) {
    case 'string':
      return typeof cell === 'string' ? cell : undefined;
    case 'boolean':
      return typeof cell === 'boolean' ? cell : undefined;
    case 'binary':
      return cell instanceof Uint8Array ? cell : undefined;
    case 'integer':
    case 'short':
    case 'byte':
    case 'date':
      return typeof cell === 'number' && Number.isInteger(cell) ? cell : undefined;
    case 'double':
      return typeof cell === 'number' ? cell : undefined;
    case 'float':
      return typeof cell === 'number' ? Math.fround(cell) : undefined;
    case 'long':
    case 'timestamp':
    case 'timestamp_ntz':
      if (typeof cell === 'bigint') return cell;
      return typeof cell === 'number' && Number.isSafeInteger(cell) ? BigInt(cell) : undefined;
    case 'void':
    case 'variant':
      return undefined;
  }
}

function decodeDecimal({ scale }: DecimalType, cell: Cell): Cell | undefined {
  if (typeof cell === 'string') return unscaledOf(cell, scale);
  if (typeof cell === 'bigint') return cell * 10n ** BigInt(scale);
  return typeof cell === 'number' && Number.isSafeInteger(cell) ? BigInt(cell) * 10n ** BigInt(scale) : undefined;
}
