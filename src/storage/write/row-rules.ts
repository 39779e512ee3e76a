import { AppError } from '../../base/errors.ts';
import { evaluate } from '../expression/expressions.ts';
import { type Cell, type CellRow, cellReader, type Row } from '../types/cell.ts';
import { isEqualCell } from '../types/cell-equality.ts';
import type { StructType } from '../types/delta-type.ts';
import { identityAt } from './identity-values.ts';
import { ruleBroken, type TableRules } from './table-rules.ts';

/** Fills and checks rows that come as objects. */
export interface RowRules {
  /** The row as it is written. @throws AppError constraint_violated, invalid_request. */
  apply(row: Row): Row;
  /** The furthest number that was given, by identity column. */
  readonly highWaterMarks: ReadonlyMap<string, bigint>;
}

/** Applies a table's rules to rows, one by one. */
export function rowRules(table: string, schema: StructType, rules: TableRules): RowRules {
  const given = new Map<string, bigint>();
  const highWaterMarks = new Map<string, bigint>();
  const readers = new Map(schema.fields.map(({ name }) => [name, cellReader(name)]));
  const fill = (row: Row): CellRow => {
    const filled: Record<string, Cell> = {};
    for (const [name, read] of readers) {
      const value = read(row);
      filled[name] = value ?? null;
      if (value !== undefined) continue;
      const fallback = rules.defaults.get(name);
      if (fallback !== undefined) filled[name] = evaluate(fallback, {});
    }
    for (const rule of rules.identities.values()) {
      if (readers.get(rule.column)?.(row) !== undefined) {
        if (!rule.allowsExplicit) throw explicitIdentity(rule.column);
        continue;
      }
      const index = given.get(rule.column) ?? 0n;
      const value = identityAt(rule, index);
      given.set(rule.column, index + 1n);
      highWaterMarks.set(rule.column, value);
      filled[rule.column] = value;
    }
    for (const [column, formula] of rules.generated) {
      const value = evaluate(formula, filled);
      const explicit = readers.get(column)?.(row);
      if (explicit !== undefined && !isEqualCell(explicit, value)) {
        throw ruleBroken(`the generation expression of the column ${column} of ${table}`);
      }
      filled[column] = value;
    }
    return filled;
  };
  return {
    highWaterMarks,
    apply(row) {
      const filled = fill(row);
      for (const { name, condition } of rules.checks) {
        if (evaluate(condition, filled) !== true) throw ruleBroken(`the constraint ${name} of ${table}`);
      }
      return filled;
    },
  };
}

/** The error of a row that brings its own number where the table gives it. */
export function explicitIdentity(column: string): AppError {
  return new AppError('invalid_request', `The identity column ${column} takes no values: the table gives them`, {
    column,
  });
}
