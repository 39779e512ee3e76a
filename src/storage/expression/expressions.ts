import type { AppError } from '../../base/errors.ts';
import type { Cell, CellRow } from '../types/cell.ts';
import type { DeltaType } from '../types/delta-type.ts';
import { type BoundExpression, type ColumnReference, columnsOf } from './bound-expression.ts';
import { decodeCell, encodeCell } from './cell-codec.ts';
import { compileExpression, type Evaluator } from './evaluate-expression.ts';
import type { Expression } from './expression.ts';
import type { ExpressionOrigin } from './expression-error.ts';
import { type ColumnSql, expressionSql as treeSql } from './expression-sql.ts';
import type { FileFacts } from './file-facts.ts';
import { foldConstants } from './fold-constants.ts';
import { parseExpression as parseText } from './parse-expression.ts';
import { compileFileTest, type FileTest, type FileVerdict } from './prune-files.ts';
import type { Scope } from './resolve-column.ts';
import { type ResolveContext, resolveAssignment, resolveExpression, resolvePredicate } from './resolve-expression.ts';
import { faultOfDuckDb } from './sql-faults.ts';

/*
 * Expressions of Delta tables: CHECK constraints, generated columns, defaults, the values of UPDATE
 * and the conditions of DELETE, MERGE, replaceWhere and reads. Others call what is here, and of the rest of
 * the folder they know the types of trees, names and files only:
 *
 *   text → parse-expression → Expression → resolve-expression, fold-constants → BoundExpression
 *                                                                → evaluate-expression   cells
 *                                                                → expression-sql        DuckDB
 *                                                                → prune-files           none, some, all
 *
 * Cells and DuckDB give the same answer: Spark's, in ANSI mode, or an error. Of a file is only said that
 * the answer is true for none of its rows or for all, where that is sure.
 */

/** An expression that is bound to columns, ready to be evaluated. */
export interface Formula {
  /** What it reads, each column once. */
  readonly columns: readonly ColumnReference[];
  readonly tree: BoundExpression;
  /** Its forms for rows and files, made at the first call: files and rows are many. */
  readonly evaluator: () => Evaluator;
  readonly fileTest: () => FileTest;
}

/** How an expression is bound, where it is not the user's own condition. */
export interface BindOptions {
  /** Whose it is: how errors begin, and their code; as it was parsed with. */
  readonly origin?: ExpressionOrigin;
  /** The instant of `current_timestamp()` in microseconds since 1970; without it such functions are refused. */
  readonly now?: bigint;
}

/** The origin of what a user wrote himself. */
const OWN: ExpressionOrigin = { code: 'invalid_request', what: 'The expression' };

/**
 * A value as an expression: without a text, whose length has a limit.
 *
 * @throws AppError invalid_request for a value that is not of the type.
 */
export function literalOf(type: DeltaType, cell: Cell): Expression {
  // A literal holds a cell: a decimal as its text.
  return { kind: 'literal', type, value: encodeCell(type, decodeCell(type, cell, 'a literal')) };
}

/**
 * The expression of a text, by the grammar of `parse-expression.ts`.
 *
 * @throws AppError of the origin's code, with `position` in its context, for what is outside the
 *   grammar; without one for what is beyond a limit of `expression-limits.ts`.
 */
export function parseExpression(text: string, origin: ExpressionOrigin = OWN): Expression {
  return parseText(text, origin);
}

/**
 * Binds an expression to what its names may be.
 *
 * @param wanted the type of a column that the value goes into, by the rules of `assignment-rules.ts`.
 * @throws AppError of the origin's code for unknown names and types that do not go together.
 */
export function bindExpression(
  expression: Expression,
  scope: Scope,
  wanted?: DeltaType,
  options: BindOptions = {},
): Formula {
  const context = contextOf(scope, options);
  return formulaOf(
    wanted === undefined ? resolveExpression(expression, context) : resolveAssignment(expression, wanted, context),
  );
}

/** As {@link bindExpression}, for a condition. @throws AppError of the origin's code where it is not boolean. */
export function bindPredicate(expression: Expression, scope: Scope, options: BindOptions = {}): Formula {
  return formulaOf(resolvePredicate(expression, contextOf(scope, options)));
}

/**
 * The value of a formula for a row, in the form of a cell; of a condition true, false or null. In a
 * scope of relations the row holds their rows by alias: `{ target: {…}, source: null }`.
 *
 * @throws AppError invalid_request for a row that has no value, with the `fault` in its context
 *   (ARITHMETIC_OVERFLOW, DIVIDE_BY_ZERO, CAST_INVALID_INPUT, CAST_OVERFLOW), and for a cell that is
 *   not of its column's type.
 */
export function evaluate(formula: Formula, row: CellRow): Cell {
  return formula.evaluator()(row);
}

/**
 * A formula in DuckDB's SQL: the value that `evaluate` gives, of the type that `literal-sql.ts` names,
 * or a failure where that throws, which `sqlFault` reads. DuckDB's optimizer may still leave out what
 * fails where it cannot matter: `NULL AND 1 / x > 2` passes no row, whatever x.
 *
 * @throws AppError invalid_request where the SQL gets too long, table_unsupported for types that
 *   DuckDB has not.
 */
export function expressionSql(formula: Formula, columnSql: ColumnSql): string {
  return treeSql(formula.tree, columnSql);
}

/**
 * The fault of a query with `expressionSql` in it, as `evaluate` would throw it; undefined where it
 * failed for another reason. DuckDB's own message shows values, so it must not go further.
 */
export function sqlFault(error: unknown): AppError | undefined {
  return faultOfDuckDb(error);
}

/**
 * What a condition is for a file: true for none of its rows, for all, or perhaps for some.
 *
 * @param relation the alias of the file's table, in a scope of relations; of the others nothing is known.
 * @throws AppError invalid_request for a bound that is not of its column's type.
 */
export function pruneFile(formula: Formula, facts: FileFacts, relation?: string): FileVerdict {
  return formula.fileTest()({ facts, relation });
}

function contextOf(scope: Scope, { origin = OWN, now }: BindOptions): ResolveContext {
  return now === undefined ? { scope, origin } : { scope, origin, now };
}

function formulaOf(bound: BoundExpression): Formula {
  const tree = foldConstants(bound);
  return {
    columns: columnsOf(tree),
    tree,
    evaluator: once(() => compileExpression(tree)),
    fileTest: once(() => compileFileTest(tree)),
  };
}

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
