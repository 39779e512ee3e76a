import { checkTypes } from '../expression/check-types.ts';
import { parseExpression } from '../expression/parse-expression.ts';
import type { Computation, TypedExpression } from '../expression/typed-expression.ts';
import type { ValueType } from '../expression/value-type.ts';
import { columnSql } from './column-sql.ts';
import type { WrittenSql } from './written-sql.ts';

type Call = Extract<TypedExpression, { readonly kind: 'call' }>;
type WriteCall = (...args: readonly string[]) => string;

/**
 * What means the same in SQL, nulls included. Arithmetic is not among it: its result is null beyond ±2^53 here and an
 * error or a larger number there; nor are `least` and `greatest`, which skip nulls in DuckDB.
 */
const CALLS: Readonly<Partial<Record<Computation, WriteCall>>> = {
  '=': (a, b) => `(${a} = ${b})`,
  '<>': (a, b) => `(${a} <> ${b})`,
  '<': (a, b) => `(${a} < ${b})`,
  '<=': (a, b) => `(${a} <= ${b})`,
  '>': (a, b) => `(${a} > ${b})`,
  '>=': (a, b) => `(${a} >= ${b})`,
  '%': (a, b) => `(${a} % ${b})`,
  and: (a, b) => `(${a} AND ${b})`,
  or: (a, b) => `(${a} OR ${b})`,
  not: (a) => `(NOT ${a})`,
  'is null': (a) => `(${a} IS NULL)`,
  coalesce: (...args) => `coalesce(${args.join(', ')})`,
  if: (test, yes, no) => `(CASE WHEN ${test} THEN ${yes} WHEN NOT ${test} THEN ${no} END)`,
  multiple_of: (a, n) => `(${a} % ${n} = 0)`,
  starts_with: (a, b) => `starts_with(${a}, ${b})`,
};

/** Civil parts of the event's own time, by the integer columns that silver has of them: time zones of engines differ. */
const CIVIL: Readonly<Partial<Record<Computation, string>>> = {
  hour: 'e.civil_hour',
  weekday: 'isodow(e.day)',
  is_night: '(e.civil_hour >= 20 OR e.civil_hour < 6)',
  is_weekend: '(isodow(e.day) >= 6)',
};

/**
 * A condition over the columns of the event `e` as SQL; where it holds a part that SQL would give another meaning, that
 * part's name.
 *
 * @throws ExpressionError `feature_invalid` where the text is no condition.
 */
export function conditionSql(text: string, subject = 'condition'): WrittenSql {
  const scope = { subject, features: new Map(), gives: ['boolean'] as const };
  const unwritten: string[] = [];
  const sql = partSql(checkTypes(parseExpression(text, subject), text, scope), unwritten);
  const [first] = unwritten;
  return first === undefined
    ? { kind: 'sql', sql }
    : { kind: 'unwritten', why: `its condition holds ${first}, which means something else in SQL` };
}

/** Notes in `unwritten` what cannot be written. */
function partSql(part: TypedExpression, unwritten: string[]): string {
  switch (part.kind) {
    case 'constant':
      return constantSql(part.value, part.type);
    case 'column':
      return columnSql(part.column);
    case 'in': {
      const { type } = part.operand;
      const items = part.items.map((item) => constantSql(item, type));
      return `(${partSql(part.operand, unwritten)} IN (${items.join(', ')}))`;
    }
    case 'call':
      return callSql(part, unwritten);
    case 'code':
    case 'feature':
      unwritten.push(part.kind);
      return '';
  }
}

function callSql({ does, args }: Call, unwritten: string[]): string {
  const civil = CIVIL[does];
  const [first] = args;
  if (civil !== undefined && first?.kind === 'column' && first.column === 'event_time') return civil;
  const write = CALLS[does];
  const isWhole = does !== '%' || args.every(({ type }) => type === 'long');
  if (write === undefined || !isWhole) {
    unwritten.push(does);
    return '';
  }
  return write(...args.map((arg) => partSql(arg, unwritten)));
}

function constantSql(value: number | string | null, type: ValueType): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (type === 'boolean') return value === 1 ? 'TRUE' : 'FALSE';
  // As a text, so that it is not read as a decimal first.
  return Number.isInteger(value) && type !== 'double' ? String(value) : `CAST('${value}' AS DOUBLE)`;
}
