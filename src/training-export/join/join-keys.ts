import { AppError } from '../../base/errors.ts';
import { sqlName } from '../../storage/types/sql-types.ts';
import type { JoinSource, SourceColumn } from './join-request.ts';
import { sourceColumn } from './join-table.ts';

/** Both sides of a key, as SQL of one type. */
export interface JoinKey {
  /** Of the values, by the names of their own table. */
  readonly own: string;
  /** Of the rows `r`. */
  readonly ofRow: string;
}

/**
 * How a key of values is compared with that of the rows: as they are where their types are equal, numbers of different
 * kinds as numbers, else as texts, since files write one id in many ways.
 *
 * @throws AppError `usage` for a column that is not there, and for types of which no value is ever one of the other.
 */
export function joinKey(view: JoinSource, rows: JoinSource, name: string): JoinKey {
  const [own, ofRow] = [sourceColumn(view, name), sourceColumn(rows, name)];
  const [kind, kindOfRow] = [kindOf(own), kindOf(ofRow)];
  const key = (cast: (sql: string, of: SourceColumn) => string): JoinKey => ({
    own: cast(sqlName(name), own),
    ofRow: cast(`r.${sqlName(name)}`, ofRow),
  });
  if (own.type === ofRow.type) return key((sql) => sql);
  if (isNumber(kind) && isNumber(kindOfRow) && kind !== kindOfRow) {
    // What tools make doubles of for want of a null are ids all the same; 1.5 is equal to no integer.
    return kind === 'integer' || kindOfRow === 'integer' ? key(wholeSql) : key((sql) => `${sql}::DOUBLE`);
  }
  if (kind === 'decimal' && kindOfRow === 'decimal') return key((sql) => sql);
  if (kind === kindOfRow || kind === 'text' || kindOfRow === 'text') return key((sql) => `${sql}::VARCHAR`);
  const types = `${own.type}, and in ${rows.name} ${ofRow.type}`;
  throw new AppError('usage', `${view.name}: the key ${name} is ${types}: no value of one is one of the other`);
}

/** A number as an integer; null where it is none. */
function wholeSql(sql: string, column: SourceColumn): string {
  if (kindOf(column) === 'integer') return `${sql}::HUGEINT`;
  return `CASE WHEN ${sql} = trunc(${sql}) THEN TRY_CAST(${sql} AS HUGEINT) END`;
}

function isNumber(kind: string): boolean {
  return kind === 'integer' || kind === 'float' || kind === 'decimal';
}

/** Types of one kind write a value alike. */
function kindOf({ type }: SourceColumn): string {
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(type)) return 'integer';
  if (type === 'FLOAT' || type === 'DOUBLE') return 'float';
  if (type.startsWith('DECIMAL')) return 'decimal';
  if (type === 'VARCHAR' || type === 'JSON' || type.startsWith('ENUM')) return 'text';
  return /^TIMESTAMP(_S|_MS|_NS)?$/.test(type) ? 'timestamp' : type;
}
