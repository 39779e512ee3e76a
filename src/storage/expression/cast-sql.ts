import { type DeltaType, isDecimal, isSameType, typeName } from '../types/delta-type.ts';
import { sqlText, sqlTypeOf } from '../types/sql-types.ts';
import { isTemporal } from './cast-rules.ts';
import { STRING_FORMS } from './evaluate-cast.ts';
import { faultSql } from './sql-faults.ts';
import { isFloating, isInteger } from './type-rules.ts';

/** A cast in DuckDB's SQL, with the meaning of `cast-rules.ts`; `operand` is SQL that holds together. */
export function castSql(operand: string, from: DeltaType, to: DeltaType): string {
  if (isSameType(from, to)) return operand;
  if (from === 'string') return fromStringSql(operand, to);
  // DuckDB rounds to the nearest integer.
  if (isInteger(to) && !isInteger(from)) return cast(`trunc(${operand})`, to);
  // Its own way from a decimal divides doubles, which rounds twice.
  if (isDecimal(from) && isFloating(to)) return cast(`CAST(${operand} AS VARCHAR)`, to);
  if (to === 'string' && isTemporal(from)) return textOfTemporal(operand, from);
  // It writes no zero before the point where a decimal has no digits for it.
  if (to === 'string' && isDecimal(from) && from.precision === from.scale)
    return `replace(${cast(operand, to)}, '.', '0.')`;
  return isTemporal(to) && isTemporal(from) ? temporalSql(operand, from, to) : cast(operand, to);
}

/** An instant as a TIMESTAMP of UTC, whatever time zone DuckDB is set to. */
export function utcSql(operand: string, type: DeltaType): string {
  return type === 'timestamp' ? `make_timestamp(epoch_us(${operand}))` : operand;
}

function cast(operand: string, to: DeltaType): string {
  return `CAST(${operand} AS ${sqlTypeOf(to)})`;
}

function fromStringSql(operand: string, to: DeltaType): string {
  const { form, read } = stringReading(operand, to);
  const fault = faultSql('CAST_INVALID_INPUT', `a string is not of the form of ${typeName(to)}`);
  return `(CASE WHEN regexp_full_match(${operand}, ${sqlText(form)}) IS NOT FALSE THEN ${read} ELSE ${fault} END)`;
}

function stringReading(operand: string, to: DeltaType): { readonly form: string; readonly read: string } {
  const { integer, decimal, double, date, time } = STRING_FORMS;
  if (isInteger(to)) return { form: integer, read: cast(operand, to) };
  if (isDecimal(to)) return { form: decimal, read: cast(operand, to) };
  if (to === 'double') return { form: double, read: cast(operand, to) };
  if (to === 'date') return { form: date, read: cast(operand, to) };
  if (to === 'timestamp_ntz') return { form: date + time, read: `CAST(${operand} AS TIMESTAMP)` };
  const read = `make_timestamptz(epoch_us(CAST(rtrim(${operand}, 'Z') AS TIMESTAMP)))`;
  return { form: `${date}${time}Z?`, read };
}

function textOfTemporal(operand: string, from: DeltaType): string {
  const utc = utcSql(operand, from);
  const fault = faultSql('CAST_OVERFLOW', `a value of ${typeName(from)} is not one of string`);
  return `(CASE WHEN (year(${utc}) BETWEEN 1 AND 9999) IS NOT FALSE THEN CAST(${utc} AS VARCHAR) ELSE ${fault} END)`;
}

function temporalSql(operand: string, from: DeltaType, to: DeltaType): string {
  if (to === 'date') return `CAST(${utcSql(operand, from)} AS DATE)`;
  if (to === 'timestamp_ntz') return from === 'date' ? `CAST(${operand} AS TIMESTAMP)` : utcSql(operand, from);
  return `make_timestamptz(epoch_us(${from === 'date' ? `CAST(${operand} AS TIMESTAMP)` : operand}))`;
}
