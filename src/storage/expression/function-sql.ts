import { type DeltaType, isDecimal } from '../types/delta-type.ts';
import { sqlText, sqlTypeOf } from '../types/sql-types.ts';
import type { BoundSubstring, UnaryName } from './bound-expression.ts';
import { utcSql } from './cast-sql.ts';
import { faultSql } from './sql-faults.ts';
import { isFloating } from './type-rules.ts';

/** A function of one operand in DuckDB's SQL, with the meaning of `evaluate-function.ts`. */
export function functionSql(name: UnaryName, operand: string, from: DeltaType, to: DeltaType): string {
  switch (name) {
    case 'abs':
      return `abs(${operand})`;
    case 'floor':
    case 'ceil':
      return isDecimal(from) || isFloating(from)
        ? `CAST(${name}(${operand}) AS ${sqlTypeOf(to)})`
        : `CAST(${operand} AS BIGINT)`;
    case 'length':
      return `CAST(${from === 'binary' ? 'octet_length' : 'length'}(${operand}) AS INTEGER)`;
    case 'lower':
      return caseSql(name, operand, LOWER_DIFFERS);
    case 'upper':
      return caseSql(name, `replace(${operand}, 'ß', 'SS')`, UPPER_DIFFERS);
    case 'trim':
      return `trim(${operand}, ' ')`;
    default:
      return `CAST(${name}(${utcSql(operand, from)}) AS INTEGER)`;
  }
}

/** `substring` in DuckDB's SQL, whose own takes other places where it counts from the end. */
export function substringSql({ start, length }: BoundSubstring, operand: string): string {
  if (length !== undefined && length <= 0) return `left(${operand}, 0)`;
  if (start >= 0) return `substring(${operand}, ${Math.max(start, 1)}${length === undefined ? '' : `, ${length}`})`;
  const tail = `right(${operand}, ${-start})`;
  // What is left off at the end is counted from there, however short the text is.
  return length === undefined || length >= -start ? tail : `left(${tail}, ${length + start})`;
}

/*
 * DuckDB maps the case of one character to one: not ß to SS, not the last sigma of a word, and of an
 * older Unicode than Node's. Strings with characters that it maps otherwise than Unicode's full
 * mappings are an error; a test compares all code points.
 */
const LOWER_DIFFERS = String.raw`[\x{130}\x{3A3}\x{1C89}\x{A7CB}-\x{A7DC}\x{10D50}-\x{10D65}\x{16EA0}-\x{16EB8}]`;
const UPPER_DIFFERS = String.raw`[\x{149}\x{19B}\x{1F0}\x{264}\x{390}\x{3B0}\x{587}\x{1C8A}\x{1E96}-\x{1E9A}\x{1F50}-\x{1FFC}\x{A7CD}-\x{A7DB}\x{FB00}-\x{FB17}\x{10D70}-\x{10D85}\x{16EBB}-\x{16ED3}]`;

function caseSql(name: 'lower' | 'upper', operand: string, differs: string): string {
  const fault = faultSql(
    'CAST_INVALID_INPUT',
    `DuckDB does not map a character of a string to ${name} case as Unicode does`,
  );
  return `(CASE WHEN regexp_matches(${operand}, ${sqlText(differs)}) THEN ${fault} ELSE ${name}(${operand}) END)`;
}
