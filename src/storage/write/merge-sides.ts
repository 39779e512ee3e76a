import type { ColumnReference } from '../expression/bound-expression.ts';
import { sqlName } from '../types/sql-types.ts';
import type { MergePlan } from './merge-plan.ts';

/** The columns of a join's sides as SQL: the table's of `t`, the source's of `s`. */
export function sideSql(plan: Pick<MergePlan, 'target'>): (column: ColumnReference) => string {
  return ({ relation, path }) => {
    const [first = '', ...rest] = path;
    const column = `${relation === plan.target ? 't' : 's'}.${sqlName(first)}`;
    return rest.length === 0 ? column : `(${column}).${rest.map(sqlName).join('.')}`;
  };
}
