import { type DeltaType, decimalOf } from '../types/delta-type.ts';
import { MAX_PRECISION } from './parse-literal.ts';
import type { TokenReader } from './token-reader.ts';

const TYPE_NAMES: ReadonlyMap<string, DeltaType> = new Map<string, DeltaType>([
  ['BOOLEAN', 'boolean'],
  ['TINYINT', 'byte'],
  ['BYTE', 'byte'],
  ['SMALLINT', 'short'],
  ['SHORT', 'short'],
  ['INT', 'integer'],
  ['INTEGER', 'integer'],
  ['BIGINT', 'long'],
  ['LONG', 'long'],
  ['FLOAT', 'float'],
  ['REAL', 'float'],
  ['DOUBLE', 'double'],
  ['STRING', 'string'],
  ['BINARY', 'binary'],
  ['DATE', 'date'],
  ['TIMESTAMP', 'timestamp'],
  ['TIMESTAMP_LTZ', 'timestamp'],
  ['TIMESTAMP_NTZ', 'timestamp_ntz'],
]);
const DECIMAL_NAMES = ['DECIMAL', 'DEC', 'NUMERIC'];
/** `DECIMAL` alone, as Spark has it. */
const DEFAULT_DECIMAL = decimalOf(10, 0);

/**
 * Reads a type of CAST:
 *
 *   type = name | ("DECIMAL" | "DEC" | "NUMERIC") ["(" digits ["," digits] ")"]
 *
 * @throws AppError for another name, also of the nested types, of VARCHAR and of CHAR.
 */
export function parseCastType(reader: TokenReader): DeltaType {
  const token = reader.peek();
  const name = token.text.toUpperCase();
  const named = token.kind === 'word' ? TYPE_NAMES.get(name) : undefined;
  if (named !== undefined) {
    reader.take();
    return named;
  }
  if (token.kind !== 'word' || !DECIMAL_NAMES.includes(name)) {
    throw reader.unexpected('a type', [...TYPE_NAMES.keys(), ...DECIMAL_NAMES]);
  }
  reader.take();
  if (!reader.takeSymbol('(')) return DEFAULT_DECIMAL;
  const precision = digits(reader, 1, MAX_PRECISION, 'a precision');
  const scale = reader.takeSymbol(',') ? digits(reader, 0, precision, 'a scale') : 0;
  reader.expectSymbol(')');
  return decimalOf(precision, scale);
}

function digits(reader: TokenReader, least: number, most: number, what: string): number {
  const token = reader.peek();
  const value = token.kind === 'number' && /^\d{1,2}$/.test(token.text) ? Number(token.text) : Number.NaN;
  if (!(value >= least && value <= most)) throw reader.unexpected(`${what} from ${least} to ${most}`);
  reader.take();
  return value;
}
