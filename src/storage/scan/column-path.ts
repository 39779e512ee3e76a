import { sqlName } from '../types/sql-types.ts';

/** A column, or a field in it, of a relation without an alias, in SQL. */
export function columnPathSql({ path }: { readonly path: readonly string[] }): string {
  const [first = '', ...rest] = path;
  return rest.length === 0 ? sqlName(first) : `(${sqlName(first)}).${rest.map(sqlName).join('.')}`;
}
