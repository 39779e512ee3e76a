import { AppError } from '../../base/errors.ts';
import { dateText, instantText } from '../types/calendar.ts';
import type { Cell } from '../types/cell.ts';
import { type DeltaType, isDecimal, typeName } from '../types/delta-type.ts';
import { decodeCell, encodeCell } from './cell-codec.ts';
import { numberLiteral } from './parse-literal.ts';
import { escapeString } from './string-escapes.ts';

/**
 * A value as the text of a literal of its type.
 *
 * @throws AppError invalid_request for a value that is not of the type, and for the types that no
 *   literal has: nested ones and variant.
 */
export function literalText(type: DeltaType, value: Cell): string {
  if (value === null) return 'NULL';
  const decoded = decodeCell(type, value, 'a literal');
  if (isDecimal(type)) return decimalLiteralText(type.precision, type.scale, String(encodeCell(type, decoded)));
  switch (type) {
    case 'string':
      return escapeString(String(decoded));
    case 'integer':
    case 'boolean':
      return String(decoded).toUpperCase();
    case 'long':
      return `${String(decoded)}L`;
    case 'short':
      return `${String(decoded)}S`;
    case 'byte':
      return `${String(decoded)}Y`;
    case 'double':
    case 'float':
      return floatText(type, Number(decoded));
    default:
      return typedText(type, decoded);
  }
}

function typedText(type: DeltaType, decoded: Cell): string {
  if (type === 'binary' && decoded instanceof Uint8Array)
    return `X'${Buffer.from(decoded).toString('hex').toUpperCase()}'`;
  if (type === 'date' && typeof decoded === 'number') return `DATE '${dateText(decoded)}'`;
  if (type === 'timestamp' && typeof decoded === 'bigint') return `TIMESTAMP '${instantText(decoded)}Z'`;
  if (type === 'timestamp_ntz' && typeof decoded === 'bigint') return `TIMESTAMP_NTZ '${instantText(decoded)}'`;
  throw new AppError('invalid_request', `Values of ${typeName(type)} have no literal`);
}

function floatText(type: 'double' | 'float', value: number): string {
  if (Number.isFinite(value)) return `${Object.is(value, -0) ? '-0' : String(value)}${type === 'double' ? 'D' : 'F'}`;
  const text = `CAST('${value}' AS DOUBLE)`;
  return type === 'double' ? text : `CAST(${text} AS FLOAT)`;
}

function decimalLiteralText(precision: number, scale: number, value: string): string {
  const text = `${value}BD`;
  const plain = numberLiteral(text);
  const isPlain =
    plain !== undefined && isDecimal(plain.type) && plain.type.precision === precision && plain.type.scale === scale;
  return isPlain ? text : `CAST(${text} AS DECIMAL(${precision},${scale}))`;
}
