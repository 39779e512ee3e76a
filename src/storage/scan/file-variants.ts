import { AppError } from '../../base/errors.ts';
import type { DuckDb } from '../parquet/duckdb.ts';
import { sqlName, sqlPath } from '../types/sql-types.ts';
import type { FileColumn } from './file-shape.ts';

/*
 * Variants in Parquet (PROTOCOL.md, "Variant data in Parquet"): a group of `metadata` and `value`, with
 * `typed_value` where it is shredded. Newer writers annotate the group as VARIANT, Spark's older ones do
 * not, and DuckDB reads these as two types; its `parquet_schema` does not tell which of both one is.
 */

/** A group that may be a variant, and how SQL comes to a value of it. */
interface VariantGroup {
  readonly column: FileColumn;
  readonly sql: string;
}

const MEMBERS: ReadonlySet<string> = new Set(['metadata', 'value', 'typed_value']);

/** Whether a group has the fields of a variant. */
export function isVariantGroup({ kind, children }: FileColumn): boolean {
  const names = new Set(children.map(({ name }) => name));
  return (
    kind === 'struct' &&
    children.every(({ name }) => MEMBERS.has(name)) &&
    names.has('metadata') &&
    (names.has('value') || names.has('typed_value'))
  );
}

/** Whether a group has a field of a name. */
export function hasMember({ children }: FileColumn, name: string): boolean {
  return children.some((child) => child.name === name);
}

/**
 * Which groups of a file DuckDB reads as VARIANT: a letter each, in their order, `V` or `S`; empty
 * where no group looks like a variant.
 *
 * @throws AppError table_unsupported for a shredded variant without `value`, on which DuckDB fails for good.
 */
export async function variantMarks(db: DuckDb, path: string, columns: readonly FileColumn[]): Promise<string> {
  const groups = groupsOf(columns);
  if (groups.length === 0) return '';
  for (const { column } of groups) {
    if (hasMember(column, 'value')) continue;
    throw new AppError(
      'table_unsupported',
      `The file ${path} holds the variant ${column.name} as typed_value without value, a form that is not supported`,
      { column: column.name },
    );
  }
  const list = groups.map(({ sql }, at) => `${sql} AS c${at}`).join(', ');
  const rows = await db.rows(`DESCRIBE SELECT ${list} FROM read_parquet(${sqlPath(path)}, hive_partitioning = false)`);
  return rows.map(({ column_type: type }) => (type === 'VARIANT' ? 'V' : 'S')).join('');
}

/** The columns with the groups marked that DuckDB reads as VARIANT. */
export function withMarks(columns: readonly FileColumn[], marks: string): readonly FileColumn[] {
  const annotated = new Set(groupsOf(columns).flatMap(({ column }, at) => (marks[at] === 'V' ? [column] : [])));
  const mark = (column: FileColumn): FileColumn =>
    annotated.has(column) ? { ...column, isVariant: true } : { ...column, children: column.children.map(mark) };
  return columns.map(mark);
}

function groupsOf(columns: readonly FileColumn[]): VariantGroup[] {
  return columns.flatMap((column) => groupsIn(column, sqlName(column.name)));
}

function groupsIn(column: FileColumn, sql: string): VariantGroup[] {
  if (isVariantGroup(column)) return [{ column, sql }];
  const [first, second] = column.children;
  switch (column.kind) {
    case 'leaf':
      return [];
    case 'struct':
      return column.children.flatMap((child) => groupsIn(child, `(${sql}).${sqlName(child.name)}`));
    case 'list':
      return first === undefined ? [] : groupsIn(first, `(${sql})[1]`);
    case 'map':
      return [
        ...(first === undefined ? [] : groupsIn(first, `map_keys(${sql})[1]`)),
        ...(second === undefined ? [] : groupsIn(second, `map_values(${sql})[1]`)),
      ];
  }
}
