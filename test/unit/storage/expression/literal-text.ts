import { AppError } from '../../../../src/base/errors.ts';
import { decodeCell, encodeCell } from '../../../../src/storage/expression/cell-codec.ts';
import { numberLiteral } from '../../../../src/storage/expression/parse-literal.ts';
import { dateText, instantText } from '../../../../src/storage/types/calendar.ts';
import type { Cell } from '../../../../src/storage/types/cell.ts';
import { type DeltaType, isDecimal, typeName } from '../../../../src/storage/types/delta-type.ts';

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

/** A string as a literal, in an escape form that every version of Spark reads alike. */
function escapeString(value: string): string {
  let out = '';
  for (const char of value) {
    const code = char.charCodeAt(0);
    if (char === '\\' || char === "'") out += `\\${char}`;
    else if (code < 0x20 || code === 0x7f) out += `\\u${code.toString(16).padStart(4, '0')}`;
    else out += char;
  }
  return `'${out}'`;
}
