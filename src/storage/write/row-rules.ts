import { AppError } from '../../base/errors.ts';
import { evaluate } from '../expression/expressions.ts';
import type { Cell, CellRow, Row } from '../types/cell.ts';
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
  const fill = (row: Row): CellRow => {
    const filled: Record<string, Cell> = {};
    for (const { name } of schema.fields) {
      const value = ownCell(row, name);
      filled[name] = value ?? null;
      if (value !== undefined) continue;
      const fallback = rules.defaults.get(name);
      if (fallback !== undefined) filled[name] = evaluate(fallback, {});
    }
    for (const rule of rules.identities.values()) {
      if (ownCell(row, rule.column) !== undefined) {
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
      const explicit = ownCell(row, column);
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

/** What a row itself says of a column; not what objects have from their prototype. */
function ownCell(row: Row, column: string): Cell | undefined {
  return Object.hasOwn(row, column) ? (row[column] as Cell | undefined) : undefined;
}

/** The error of a row that brings its own number where the table gives it. */
export function explicitIdentity(column: string): AppError {
  return new AppError('invalid_request', `The identity column ${column} takes no values: the table gives them`, {
    column,
  });
}
